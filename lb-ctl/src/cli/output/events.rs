//! Events, a line each. Pure.

use std::fmt::Write;

use crate::api::wire::Event;

/// An event's line.
pub(in crate::cli) fn line(event: &Event) -> String {
    let Event { at, kind, real, message, missed, .. } = event;
    let mut line = String::new();
    // Writing to a string does not fail.
    if *missed > 0 {
        let _ = writeln!(line, "({missed} events came faster than they were read)");
    }
    let whose = whose(event);
    let real = real.map_or_else(|| "-".to_owned(), |real| real.to_string());
    let (at, kind) = (to_the_second(at), kind.name());
    let _ = write!(line, "{at}  {kind:17}  {whose:22}  {real:15}  {message}");
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

/// What it happened to: a service, a virtual router or a group of them.
fn whose(event: &Event) -> String {
    let Event { service, instance, group, .. } = event;
    match (service, instance, group) {
        (Some(service), ..) => service.clone(),
        (_, Some(name), _) => format!("instance {name}"),
        (_, _, Some(name)) => format!("group {name}"),
        _ => "-".to_owned(),
    }
}

/// `2026-11-21T14:03:17Z` of `2026-11-21T14:03:17.123Z`.
fn to_the_second(at: &str) -> String {
    match at.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => at.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventKind;

    fn down() -> Event {
        Event {
            seq: 7,
            at: "2026-11-21T14:03:17.123Z".to_owned(),
            kind: EventKind::RealDown,
            service: Some("tcp 192.0.2.10:80".to_owned()),
            name: Some("web".to_owned()),
            real: Some("192.0.2.21".parse().unwrap()),
            instance: None,
            group: None,
            message: "connect timed out after 3 s".to_owned(),
            missed: 0,
        }
    }

    #[test]
    fn a_line_says_when_what_to_whom_and_why() {
        let expected = "2026-11-21T14:03:17Z  real_down          tcp 192.0.2.10:80       \
            192.0.2.21       connect timed out after 3 s\n";
        assert_eq!(line(&down()), expected);
        let quorum = Event {
            kind: EventKind::QuorumUp,
            real: None,
            message: String::new(),
            missed: 3,
            ..down()
        };
        let expected = "(3 events came faster than they were read)\n\
            2026-11-21T14:03:17Z  quorum_up          tcp 192.0.2.10:80       -\n";
        assert_eq!(line(&quorum), expected);
        let master = Event {
            kind: EventKind::VrrpMaster,
            service: None,
            real: None,
            instance: Some("VI_1".to_owned()),
            message: "no master was heard (own priority 150)".to_owned(),
            ..down()
        };
        let expected = "2026-11-21T14:03:17Z  vrrp_master        instance VI_1           \
            -                no master was heard (own priority 150)\n";
        assert_eq!(line(&master), expected);
    }
}
