//! What passes between directors, for people. Pure.

use std::collections::BTreeMap;

use super::number::duration;
use crate::api::wire::{Sync, SyncPeer};

/// The lines of `status`.
pub(super) fn lines(sync: &Sync) -> Vec<String> {
    let Sync { listen, problem, peers, sent, received, taken, refused, rejected } = sync;
    let mut lines = vec![match problem {
        Some(problem) => format!("NOT with others: {problem}"),
        None => format!("on {listen}: {sent} entries told, {received} heard, {taken} taken"),
    }];
    lines.extend(peers.iter().map(peer));
    lines.extend(counts("entries not taken", refused));
    lines.extend(counts("datagrams not taken", rejected));
    lines
}

fn peer(SyncPeer { address, heard }: &SyncPeer) -> String {
    match heard {
        Some(heard) => format!("{address}: heard {} ago", duration(*heard)),
        None => format!("{address}: NOT heard"),
    }
}

fn counts(title: &str, counts: &BTreeMap<String, u64>) -> Option<String> {
    let each: Vec<_> = counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    (!each.is_empty()).then(|| format!("{title}: {}", each.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync() -> Sync {
        let peer = |address: &str, heard| SyncPeer { address: address.parse().unwrap(), heard };
        Sync {
            listen: "192.0.2.2:9751".parse().unwrap(),
            problem: None,
            peers: vec![peer("192.0.2.3:9751", Some(1)), peer("[2001:db8::3]:9751", None)],
            sent: 40,
            received: 30,
            taken: 20,
            refused: [("older".to_owned(), 8), ("no-real".to_owned(), 2)].into(),
            rejected: BTreeMap::new(),
        }
    }

    #[test]
    fn what_passes_and_what_does_not() {
        let expected = [
            "on 192.0.2.2:9751: 40 entries told, 30 heard, 20 taken",
            "192.0.2.3:9751: heard 1 s ago",
            "[2001:db8::3]:9751: NOT heard",
            "entries not taken: 2 no-real, 8 older",
        ];
        assert_eq!(lines(&sync()), expected);
    }

    #[test]
    fn a_problem_comes_first() {
        let problem = Some("cannot listen on 192.0.2.2:9751: no such address".to_owned());
        let text = lines(&Sync { problem, ..sync() });
        assert_eq!(text[0], "NOT with others: cannot listen on 192.0.2.2:9751: no such address");
    }
}
