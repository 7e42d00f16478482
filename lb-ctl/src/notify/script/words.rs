//! What scripts are told, and which are run. Pure.

use std::net::IpAddr;

use crate::config::hook::HookCommand;
use crate::config::model::Endpoint;
use crate::config::notify::Hooks;
use crate::config::vrrp::RoleHooks;
use crate::event::{Event, EventKind, RouterName, ServiceName};
use crate::notify::Commands;

/// Whose scripts never overlap.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(in crate::notify) enum Whose {
    /// A service's.
    Service(Endpoint),
    /// A virtual router's, or a group's.
    Router(RouterName),
}

/// The scripts of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::notify) struct Told {
    /// Whose they are.
    pub(in crate::notify) whose: Whose,
    /// The scripts, in the order in which they run.
    pub(in crate::notify) commands: Vec<HookCommand>,
    /// What stands behind a command's own words.
    pub(in crate::notify) arguments: Vec<String>,
    /// What its environment has of the event.
    pub(in crate::notify) environment: Vec<(&'static str, String)>,
}

/// The scripts of an event, where it has any.
pub(in crate::notify) fn told(event: &Event, commands: Commands<'_>) -> Option<Told> {
    let told = match commands {
        Commands::None => None,
        Commands::Service(hooks) => of_service(event, hooks),
        Commands::Router { hooks, priority } => of_router(event, hooks, priority),
    };
    told.filter(|told| !told.commands.is_empty())
}

fn of_service(event: &Event, hooks: &Hooks) -> Option<Told> {
    let service = event.what.service.as_ref()?;
    let command = match event.what.kind {
        EventKind::RealUp => &hooks.up,
        EventKind::RealDown => &hooks.down,
        EventKind::QuorumUp => &hooks.quorum_up,
        EventKind::QuorumDown => &hooks.quorum_down,
        _ => &None,
    };
    Some(Told {
        whose: Whose::Service(service.endpoint),
        commands: command.iter().cloned().collect(),
        arguments: service_arguments(event, service),
        environment: service_environment(event, service),
    })
}

/// As keepalived writes it to its notify FIFO: `RS [192.0.2.21]:tcp:80 [192.0.2.10]:tcp:80 DOWN`,
/// `VS [192.0.2.10]:tcp:80 UP`.
fn service_arguments(event: &Event, service: &ServiceName) -> Vec<String> {
    let Endpoint { protocol, address, port } = service.endpoint;
    let at = |address: IpAddr| format!("[{address}]:{}:{port}", protocol.name());
    let state = match event.what.kind {
        EventKind::RealUp | EventKind::QuorumUp => "UP",
        _ => "DOWN",
    };
    match event.what.real {
        Some(real) => vec!["RS".to_owned(), at(real), at(address), state.to_owned()],
        None => vec!["VS".to_owned(), at(address), state.to_owned()],
    }
}

fn service_environment(event: &Event, service: &ServiceName) -> Vec<(&'static str, String)> {
    let Endpoint { protocol, address, port } = service.endpoint;
    let name = service.name.clone().unwrap_or_else(|| service.endpoint.to_string());
    let real = event.what.real.map(|real| real.to_string());
    vec![
        ("LB_CTL_EVENT", event.what.kind.name().to_owned()),
        ("LB_CTL_SERVICE", name),
        ("LB_CTL_VIP", address.to_string()),
        ("LB_CTL_PORT", port.to_string()),
        ("LB_CTL_PROTOCOL", protocol.name().to_owned()),
        ("LB_CTL_REAL", real.unwrap_or_default()),
        ("LB_CTL_MESSAGE", event.what.message.clone()),
    ]
}

/// As keepalived calls its notify scripts: `INSTANCE VI_1 MASTER 150`, and `GROUP VG BACKUP 0`, for
/// a group has no priority.
fn of_router(event: &Event, hooks: &RoleHooks, priority: u8) -> Option<Told> {
    let router = event.what.router.as_ref()?;
    let (own, state) = match event.what.kind {
        EventKind::VrrpMaster | EventKind::VrrpGroupMaster => (&hooks.master, "MASTER"),
        EventKind::VrrpBackup | EventKind::VrrpGroupBackup => (&hooks.backup, "BACKUP"),
        EventKind::VrrpFault | EventKind::VrrpGroupFault => (&hooks.fault, "FAULT"),
        EventKind::VrrpInit | EventKind::VrrpGroupInit => (&hooks.stop, "STOP"),
        _ => return None,
    };
    let (what, variable, name) = match router {
        RouterName::Instance(name) => ("INSTANCE", "LB_CTL_INSTANCE", name),
        RouterName::Group(name) => ("GROUP", "LB_CTL_GROUP", name),
    };
    let words = [what, name.as_str(), state];
    let arguments = words.map(str::to_owned).into_iter().chain([priority.to_string()]);
    Some(Told {
        whose: Whose::Router(router.clone()),
        commands: own.iter().chain(&hooks.any).cloned().collect(),
        arguments: arguments.collect(),
        environment: vec![
            ("LB_CTL_EVENT", event.what.kind.name().to_owned()),
            (variable, name.clone()),
            ("LB_CTL_STATE", state.to_owned()),
            ("LB_CTL_PRIORITY", priority.to_string()),
            ("LB_CTL_MESSAGE", event.what.message.clone()),
        ],
    })
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use lb_common::key::Protocol;

    use super::*;
    use crate::event::Happening;

    fn service(address: &str, port: u16) -> ServiceName {
        let address = address.parse().unwrap();
        let endpoint = Endpoint { protocol: Protocol::Tcp, address, port: port.into() };
        ServiceName { endpoint, name: None }
    }

    fn event(what: Happening) -> Event {
        Event { seq: 1, at: UNIX_EPOCH, what }
    }

    fn command(path: &str) -> Option<HookCommand> {
        HookCommand::parse(path).ok()
    }

    fn programs(told: Option<Told>) -> Vec<String> {
        let commands = told.map(|told| told.commands).unwrap_or_default();
        commands.iter().map(|command| command.program().to_owned()).collect()
    }

    #[test]
    fn the_words_of_a_service_are_those_of_keepaliveds_notify_fifo() {
        let web = service("192.0.2.10", 80);
        let secure = service("2001:db8::10", 443);
        for (kind, service, real, expected) in [
            (
                EventKind::RealDown,
                &web,
                Some("192.0.2.21"),
                "RS [192.0.2.21]:tcp:80 [192.0.2.10]:tcp:80 DOWN",
            ),
            (
                EventKind::RealUp,
                &secure,
                Some("2001:db8::21"),
                "RS [2001:db8::21]:tcp:443 [2001:db8::10]:tcp:443 UP",
            ),
            (EventKind::QuorumUp, &web, None, "VS [192.0.2.10]:tcp:80 UP"),
            (EventKind::QuorumDown, &web, None, "VS [192.0.2.10]:tcp:80 DOWN"),
        ] {
            let real = real.map(|real| real.parse().unwrap());
            let what = Happening { real, ..Happening::new(kind, "") };
            assert_eq!(service_arguments(&event(what), service).join(" "), expected);
        }
    }

    #[test]
    fn each_kind_has_its_own_command_of_a_service() {
        let hooks = Hooks {
            up: command("/up"),
            down: command("/down"),
            quorum_up: command("/quorum-up"),
            quorum_down: command("/quorum-down"),
        };
        let of = |kind, hooks| {
            let service = Some(service("192.0.2.10", 80));
            told(
                &event(Happening { service, ..Happening::new(kind, "") }),
                Commands::Service(hooks),
            )
        };
        let found: Vec<_> =
            EventKind::ALL.iter().flat_map(|kind| programs(of(*kind, &hooks))).collect();
        assert_eq!(found, ["/up", "/down", "/quorum-up", "/quorum-down"]);
        assert_eq!(of(EventKind::RealUp, &Hooks::default()), None);
    }

    fn role_hooks() -> RoleHooks {
        RoleHooks {
            master: command("/master"),
            backup: command("/backup"),
            fault: command("/fault"),
            stop: command("/stop"),
            any: command("/any"),
        }
    }

    fn of_router(kind: EventKind, router: RouterName, hooks: &RoleHooks) -> Option<Told> {
        let what =
            Happening { router: Some(router), ..Happening::new(kind, "no master was heard") };
        told(&event(what), Commands::Router { hooks, priority: 150 })
    }

    #[test]
    fn the_words_of_a_virtual_router_are_those_of_keepaliveds_notify_scripts() {
        let name = || "VI_1".to_owned();
        for (kind, router, expected) in [
            (EventKind::VrrpMaster, RouterName::Instance(name()), "INSTANCE VI_1 MASTER 150"),
            (EventKind::VrrpBackup, RouterName::Instance(name()), "INSTANCE VI_1 BACKUP 150"),
            (EventKind::VrrpFault, RouterName::Instance(name()), "INSTANCE VI_1 FAULT 150"),
            (EventKind::VrrpInit, RouterName::Instance(name()), "INSTANCE VI_1 STOP 150"),
            (EventKind::VrrpGroupMaster, RouterName::Group(name()), "GROUP VI_1 MASTER 150"),
            (EventKind::VrrpGroupInit, RouterName::Group(name()), "GROUP VI_1 STOP 150"),
        ] {
            let told = of_router(kind, router.clone(), &role_hooks()).unwrap();
            assert_eq!(told.arguments.join(" "), expected);
            assert_eq!(told.whose, Whose::Router(router));
        }
    }

    #[test]
    fn the_script_of_the_state_runs_first_and_then_that_of_any() {
        let router = || RouterName::Instance("VI_1".to_owned());
        let found = |kind, hooks: &RoleHooks| programs(of_router(kind, router(), hooks));
        let all = role_hooks();
        for (kind, own) in [
            (EventKind::VrrpMaster, "/master"),
            (EventKind::VrrpBackup, "/backup"),
            (EventKind::VrrpFault, "/fault"),
            (EventKind::VrrpInit, "/stop"),
            (EventKind::VrrpGroupMaster, "/master"),
            (EventKind::VrrpGroupBackup, "/backup"),
            (EventKind::VrrpGroupFault, "/fault"),
            (EventKind::VrrpGroupInit, "/stop"),
        ] {
            assert_eq!(found(kind, &all), [own, "/any"]);
        }
        let only_any = RoleHooks { any: command("/any"), ..RoleHooks::default() };
        assert_eq!(found(EventKind::VrrpFault, &only_any), ["/any"]);
        assert!(found(EventKind::VrrpFault, &RoleHooks::default()).is_empty());
        assert!(found(EventKind::AddressConflict, &all).is_empty(), "its state is the same");
    }
}
