//! Telling of virtual routers.

use super::Telling;
use crate::command::CommandError;
use crate::config::vrrp::{Group, Instance, Vrrp};
use crate::event::history::Selection;
use crate::event::{EventKind, Happening, RouterName};
use crate::notify::Commands;
use crate::vrrp::routers::{Act, Output};
use crate::vrrp::sm::Role;
use crate::vrrp::status::Conflict;

/// The events of a virtual router and its group.
///
/// # Errors
/// There is none of this name.
pub(super) fn events_of(vrrp: &Vrrp, name: String) -> Result<Selection, CommandError> {
    if !vrrp.instances.contains_key(&name) {
        let message = format!("there is no virtual router {name:?}: lb-ctl vrrp list has all");
        return Err(CommandError::NotFound(message));
    }
    let is_member = |group: &&Group| group.instances.contains(&name);
    let group = vrrp.groups.values().find(is_member);
    let group = group.map(|group| RouterName::Group(group.name.clone()));
    Ok(Selection::Routers([RouterName::Instance(name)].into_iter().chain(group).collect()))
}

impl Telling {
    /// Tells of what the virtual routers do, as far as it is to be told: states that have changed.
    pub(in crate::daemon) fn tell_of_output(&mut self, output: &Output) {
        match output {
            Output::Router(instance, Act::Changed { to, priority, why, .. }) => {
                self.tell_of_router(instance, *to, *priority, why);
            }
            Output::Router(..) => {}
            Output::Group { group, role } => self.tell_of_group(group, *role),
        }
    }

    fn tell_of_router(&mut self, instance: &Instance, to: Role, priority: u8, why: &str) {
        let kind = match to {
            Role::Init => EventKind::VrrpInit,
            Role::Backup => EventKind::VrrpBackup,
            Role::Master => EventKind::VrrpMaster,
            Role::Fault => EventKind::VrrpFault,
        };
        let router = Some(RouterName::Instance(instance.name.clone()));
        let message = format!("{why} (own priority {priority})");
        let what = Happening { router, ..Happening::new(kind, message) };
        self.tell(what, Commands::Router { hooks: &instance.hooks, priority });
    }

    fn tell_of_group(&mut self, group: &Group, to: Role) {
        let kind = match to {
            Role::Init => EventKind::VrrpGroupInit,
            Role::Backup => EventKind::VrrpGroupBackup,
            Role::Master => EventKind::VrrpGroupMaster,
            Role::Fault => EventKind::VrrpGroupFault,
        };
        let router = Some(RouterName::Group(group.name.clone()));
        let what = Happening { router, ..Happening::new(kind, "as all of it are") };
        self.tell(what, Commands::Router { hooks: &group.hooks, priority: 0 });
    }

    /// Tells that somebody else has an address of this virtual router, which is master.
    pub(in crate::daemon) fn tell_of_conflict(&mut self, instance: &str, conflict: &Conflict) {
        self.tell_of_fault(instance, EventKind::AddressConflict, conflict.to_string());
    }

    /// Tells that an advert for this virtual router was not taken. To be called once for each kind
    /// of fault and each sender: anybody on the network can send as many as they like.
    pub(in crate::daemon) fn tell_of_rejected(&mut self, instance: &str, why: impl Into<String>) {
        self.tell_of_fault(instance, EventKind::AdvertRejected, why.into());
    }

    fn tell_of_fault(&mut self, instance: &str, kind: EventKind, message: String) {
        let router = Some(RouterName::Instance(instance.to_owned()));
        self.tell(Happening { router, ..Happening::new(kind, message) }, Commands::None);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::notify::Notify;
    use crate::vrrp::status::samples;

    fn told(telling: &Telling) -> Vec<String> {
        let events = telling.history.events(&Selection::default(), None);
        events.iter().map(|event| format!("{} {}", event.what.kind.name(), event.what)).collect()
    }

    #[tokio::test]
    async fn each_state_is_told_of_and_nothing_else_that_they_do() {
        let mut telling = Telling::new(&Notify::default());
        let instance = Arc::new(samples::instance("VI_1"));
        telling.tell_of_output(&Output::Router(Arc::clone(&instance), Act::Hold));
        for to in Role::ALL {
            let (from, why) = (Role::Backup, "no master was heard".to_owned());
            let changed = Act::Changed { from, to, priority: 150, why };
            telling.tell_of_output(&Output::Router(Arc::clone(&instance), changed));
        }
        let group = Arc::new(Group { name: "VG".to_owned(), ..Group::default() });
        for role in Role::ALL {
            telling.tell_of_output(&Output::Group { group: Arc::clone(&group), role });
        }
        let expected = [
            "vrrp_init instance VI_1: takes part no longer: no master was heard (own priority 150)",
            "vrrp_backup instance VI_1: is backup: no master was heard (own priority 150)",
            "vrrp_master instance VI_1: is master: no master was heard (own priority 150)",
            "vrrp_fault instance VI_1: is at fault: no master was heard (own priority 150)",
            "vrrp_group_init group VG: takes part no longer: as all of it are",
            "vrrp_group_backup group VG: is backup: as all of it are",
            "vrrp_group_master group VG: is master: as all of it are",
            "vrrp_group_fault group VG: is at fault: as all of it are",
        ];
        assert_eq!(told(&telling), expected);
    }

    #[test]
    fn a_virtual_routers_events_are_those_of_its_group_as_well() {
        let instances = ["VI_1", "VI_2"].map(|name| (name.to_owned(), samples::instance(name)));
        let group =
            Group { name: "VG".to_owned(), instances: vec!["VI_1".to_owned()], ..Group::default() };
        let groups = [("VG".to_owned(), group)].into();
        let vrrp = Vrrp { instances: instances.into(), groups, ..Vrrp::default() };
        let of = |name: &str| events_of(&vrrp, name.to_owned());
        let instance = |name: &str| RouterName::Instance(name.to_owned());
        let group = RouterName::Group("VG".to_owned());
        assert_eq!(of("VI_1"), Ok(Selection::Routers(vec![instance("VI_1"), group])));
        assert_eq!(of("VI_2"), Ok(Selection::Routers(vec![instance("VI_2")])));
        assert!(matches!(of("VG"), Err(CommandError::NotFound(_))));
    }

    #[tokio::test]
    async fn what_is_wrong_on_the_network_is_told_of() {
        let mut telling = Telling::new(&Notify::default());
        telling.tell_of_conflict("VI_1", &samples::conflict());
        telling.tell_of_rejected("VI_1", "192.0.2.9: its checksum is wrong");
        let expected = [
            "address_conflict instance VI_1: address conflict: 192.0.2.10 is held by \
             02:00:00:00:00:05 as well, heard on eth0",
            "advert_rejected instance VI_1: an advert was not taken: 192.0.2.9: its checksum is \
             wrong",
        ];
        assert_eq!(told(&telling), expected);
    }
}
