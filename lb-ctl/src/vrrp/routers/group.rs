//! Groups: their members are master together, or none of them is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indexmap::IndexMap;

use super::{Output, Routers, Together};
use crate::config::vrrp::Group;
use crate::vrrp::sm::{Role, Why};
use crate::vrrp::track::Standing;

impl Routers {
    pub(super) fn set_groups(&mut self, groups: &IndexMap<String, Group>) {
        let mut before = std::mem::take(&mut self.groups);
        let together = |(name, group): (&String, &Group)| {
            let role = before.shift_remove(name).map_or(Role::Init, |known| known.role);
            (name.clone(), Together { group: Arc::new(group.clone()), role })
        };
        self.groups = groups.iter().map(together).collect();
    }

    pub(super) fn group_of(&self, name: &str) -> Option<&Arc<Group>> {
        let has = |group: &Group| group.instances.iter().any(|member| member == name);
        self.groups.values().map(|together| &together.group).find(|group| has(group))
    }

    /// The places of all members of one's group; none where it has none.
    pub(super) fn members(&self, index: usize) -> Vec<usize> {
        let (name, _) = self.all.get_index(index).expect("it is the place of one");
        let members = self.group_of(name).map(|group| &group.instances);
        let place = |member: &String| self.all.get_index_of(member);
        members.into_iter().flatten().filter_map(place).collect()
    }

    /// The longest interval of one and those of its group.
    pub(super) fn slowest_with(&self, index: usize) -> Duration {
        let all = self.members(index).into_iter().chain([index]);
        let intervals = all.map(|it| self.all[it].instance.advert_interval);
        intervals.max().unwrap_or_default()
    }

    /// What one may do, where it does nothing that another of its group may not.
    pub(super) fn with_group(&self, index: usize, own: &[Standing]) -> Standing {
        if matches!(own[index], Standing::Fault { .. }) {
            return own[index].clone();
        }
        for member in self.members(index) {
            if let Standing::Fault { why } = &own[member] {
                let (name, _) = self.all.get_index(member).expect("it is a member's place");
                return Standing::Fault { why: format!("{name} of its group: {why}") };
            }
        }
        own[index].clone()
    }

    /// All members become master, where each has waited long enough.
    pub(super) fn promote_group(&mut self, now: Instant, index: usize) {
        let members = self.members(index);
        let machine = |index: usize| &self.all[index].machine;
        let is_ready =
            |&member: &usize| machine(member).is_ripe() || machine(member).role() == Role::Master;
        if !members.iter().all(is_ready) {
            return;
        }
        let why = machine(index).why_ripe();
        for member in members {
            let why = if member == index { why } else { Why::Told };
            self.all[member].machine.promote(now, why);
            self.drain(now, member);
        }
    }

    /// No member stays master where one is not.
    pub(super) fn resign_group(&mut self, now: Instant, index: usize) {
        for member in self.members(index) {
            if member != index {
                self.all[member].machine.resign(now, Why::Told);
                self.drain(now, member);
            }
        }
    }

    /// Tells of the state of one's group, where that is new and all members agree on it.
    pub(super) fn tell_group(&mut self, index: usize) {
        let mut roles = self.members(index).into_iter().map(|it| self.all[it].machine.role());
        let Some(role) = roles.next() else { return };
        if !roles.all(|other| other == role) {
            return;
        }
        let (name, _) = self.all.get_index(index).expect("it is the place of one");
        let Some(group) = self.group_of(name).cloned() else { return };
        let Some(together) = self.groups.get_mut(&group.name) else { return };
        if std::mem::replace(&mut together.role, role) != role {
            self.outputs.push_back(Output::Group { group, role });
        }
    }
}
