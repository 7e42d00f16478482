//! Virtual routers for people. Pure.

use std::fmt::Write;
use std::time::Duration;

use super::number::duration;
use crate::api::wire::{AddressConflict, Vrrp, VrrpInstance, VrrpState};
use crate::config::duration::written;

/// How many addresses of a virtual router are named; there may be hundreds.
const SHOWN_ADDRESSES: usize = 4;

/// For how many seconds the first line of the status has it that somebody else has an address.
const LATELY: u64 = 600;

const TITLES: [&str; 10] = [
    "INSTANCE",
    "INTERFACE",
    "VRID",
    "STATE",
    "PRIORITY",
    "ADVERT",
    "ADDRESSES",
    "MASTER",
    "SINCE",
    "REASON",
];

/// The table, with who else has an address below it.
pub(in crate::cli) fn table(vrrp: &Vrrp) -> String {
    let mut rows = vec![TITLES.map(str::to_owned)];
    rows.extend(vrrp.instances.iter().map(row));
    let mut widths = [0; TITLES.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        for (width, cell) in widths.iter().zip(row) {
            // Writing to a string does not fail.
            let _ = write!(text, "{cell:width$}  ");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    for one in &vrrp.instances {
        for conflict in &one.conflicts {
            let _ = writeln!(text, "{}: {}", one.name, self::conflict(conflict));
        }
    }
    text
}

fn row(one: &VrrpInstance) -> [String; TITLES.len()] {
    let master = match (one.state, one.master, one.master_priority) {
        (VrrpState::Master, ..) => "itself".to_owned(),
        (_, Some(master), Some(priority)) => format!("{master} ({priority})"),
        (_, Some(master), None) => master.to_string(),
        (_, None, _) => "-".to_owned(),
    };
    [
        one.name.clone(),
        one.interface.clone(),
        one.vrid.to_string(),
        one.state.name().to_owned(),
        priority(one),
        written(Duration::from_millis(one.advert_interval)),
        addresses(one),
        master,
        duration(one.age),
        reason(one),
    ]
}

/// The priority, and that of the definitions where it is another.
fn priority(one: &VrrpInstance) -> String {
    if one.priority == one.defined_priority {
        one.priority.to_string()
    } else {
        format!("{} of {}", one.priority, one.defined_priority)
    }
}

fn addresses(one: &VrrpInstance) -> String {
    let mut words = one.addresses[..one.addresses.len().min(SHOWN_ADDRESSES)].join(", ");
    if let Some(more @ 1..) = one.addresses.len().checked_sub(SHOWN_ADDRESSES) {
        let _ = write!(words, " and {more} more");
    }
    words
}

fn reason(one: &VrrpInstance) -> String {
    let handed_over = if one.handed_over { " (handed over)" } else { "" };
    format!("{}{handed_over}", one.reason)
}

fn conflict(conflict: &AddressConflict) -> String {
    let AddressConflict { address, mac, interface, count, age } = conflict;
    let (times, age) = (if *count == 1 { "" } else { "last " }, duration(*age));
    format!("{address} IS HELD BY {mac} AS WELL, heard on {interface} {times}{age} ago")
}

/// Whether somebody else was heard to have an address so lately that it may still be so.
fn is_disputed(one: &VrrpInstance) -> bool {
    one.conflicts.iter().any(|conflict| conflict.age < LATELY)
}

/// A virtual router in the words of `status`.
pub(super) fn words(one: &VrrpInstance) -> String {
    let VrrpInstance { name, interface, vrid, .. } = one;
    let (state, age) = (one.state.name(), duration(one.age));
    let mut words = format!("{name} (vrid {vrid} on {interface}): {state} for {age}");
    let _ = write!(words, ", priority {}", priority(one));
    if one.state == VrrpState::Backup
        && let Some(master) = one.master
    {
        let _ = write!(words, ", master {master}");
    }
    let _ = write!(words, "; {}; {}", addresses(one), reason(one));
    for conflict in &one.conflicts {
        let _ = write!(words, "; {}", self::conflict(conflict));
    }
    words
}

/// What the virtual routers are together, where there are any: ` 1 master, 1 FAULT`.
pub(super) fn summary(instances: &[VrrpInstance]) -> Option<String> {
    let count = |state| instances.iter().filter(|one| one.state == state).count();
    let counts = [
        ("master", count(VrrpState::Master)),
        ("backup", count(VrrpState::Backup)),
        ("init", count(VrrpState::Init)),
        ("FAULT", count(VrrpState::Fault)),
        ("ADDRESS CONFLICT", instances.iter().filter(|one| is_disputed(one)).count()),
    ];
    let named = counts.iter().filter(|(_, count)| *count > 0);
    let words: Vec<_> = named.map(|(word, count)| format!("{count} {word}")).collect();
    (!words.is_empty()).then(|| format!("VRRP {}", words.join(", ")))
}

/// One that takes part as before.
pub(in crate::cli) fn resumed(one: &VrrpInstance) -> String {
    format!("{}: takes part with priority {} again\n", one.name, one.priority)
}

/// One that leaves the addresses to whoever takes them.
pub(in crate::cli) fn handed_over(one: &VrrpInstance) -> String {
    let VrrpInstance { name, priority, .. } = one;
    let state = one.state.name();
    let master = one.master.filter(|_| one.state == VrrpState::Backup);
    let master = master.map(|master| format!(", {master} is master")).unwrap_or_default();
    format!("{name}: {state} with priority {priority}{master}\n")
}

/// One whose addresses another has taken.
pub(in crate::cli) fn taken(one: &VrrpInstance) -> String {
    let master = one.master.map_or_else(|| "another".to_owned(), |master| master.to_string());
    let priority = one.master_priority.map(|priority| format!(", with priority {priority}"));
    format!("{}: {master} is master{}\n", one.name, priority.unwrap_or_default())
}

/// One that nobody has taken.
pub(in crate::cli) fn nobody(one: &VrrpInstance) -> String {
    let VrrpInstance { name, interface, vrid, priority, .. } = one;
    format!(
        "{name}: nobody has taken over, and this director goes on as master with priority \
         {priority}: see that another one takes part in vrid {vrid} on {interface}, or take the \
         handover back with lb-ctl vrrp resume {name}"
    )
}

/// One that cannot go on.
pub(in crate::cli) fn lost(one: &VrrpInstance) -> String {
    let VrrpInstance { name, reason, .. } = one;
    format!("{name}: {} before another master was heard: {reason}", one.state.name())
}

/// One of which nothing is known yet.
pub(in crate::cli) fn silence(one: &VrrpInstance, limit: Duration) -> String {
    format!(
        "{}: no other master was heard within {}: see lb-ctl vrrp list, or wait longer with \
         --timeout",
        one.name,
        written(limit)
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    fn conflicting() -> VrrpInstance {
        let conflict = AddressConflict {
            address: "192.0.2.10".parse().unwrap(),
            mac: "02:00:00:00:00:05".to_owned(),
            interface: "eth0".to_owned(),
            count: 3,
            age: 59,
        };
        VrrpInstance { conflicts: vec![conflict], ..samples::router("VI_1") }
    }

    fn backup() -> VrrpInstance {
        VrrpInstance {
            state: VrrpState::Backup,
            holds: false,
            handed_over: true,
            priority: 1,
            advert_interval: 10,
            addresses: (1..=6).map(|last| format!("2001:db8::{last}/128")).collect(),
            master: Some("fe80::3".parse().unwrap()),
            master_priority: Some(100),
            reason: "it was handed over by hand".to_owned(),
            ..samples::router("VI_2_v6")
        }
    }

    #[test]
    fn the_table_has_a_row_for_each_and_what_is_wrong_below() {
        let vrrp = Vrrp { instances: vec![conflicting(), backup()] };
        let text = table(&vrrp);
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
            .collect();
        assert_eq!(rows[0], TITLES);
        let master = [
            "VI_1",
            "eth0",
            "51",
            "MASTER",
            "150",
            "1s",
            "192.0.2.10/32",
            "itself",
            "3 min 2 s",
            "no master was heard",
        ];
        assert_eq!(rows[1], master);
        assert_eq!(rows[2][3..6], ["BACKUP", "1 of 150", "10ms"]);
        assert!(rows[2][6].ends_with("2001:db8::4/128 and 2 more"), "{text}");
        assert_eq!(rows[2][7], "fe80::3 (100)");
        assert_eq!(rows[2][9], "it was handed over by hand (handed over)");
        let column = |line: &str, word: &str| line.find(word).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(column(lines[0], "STATE"), column(lines[2], "BACKUP"), "{text}");
        let wrong =
            "VI_1: 192.0.2.10 IS HELD BY 02:00:00:00:00:05 AS WELL, heard on eth0 last 59 s ago";
        assert_eq!(rows[3], [wrong]);
        assert_eq!(table(&Vrrp::default()).lines().count(), 1, "the titles alone");
    }

    #[test]
    fn the_first_line_of_the_status_counts_them() {
        assert_eq!(summary(&[]), None);
        let fault = VrrpInstance { state: VrrpState::Fault, ..samples::router("VI_3") };
        let all = [conflicting(), backup(), backup(), fault];
        let expected = "VRRP 1 master, 2 backup, 1 FAULT, 1 ADDRESS CONFLICT";
        assert_eq!(summary(&all).as_deref(), Some(expected));
        let mut long_ago = conflicting();
        long_ago.conflicts[0].age = LATELY;
        assert_eq!(summary(&[long_ago]).as_deref(), Some("VRRP 1 master"));
    }

    #[test]
    fn a_line_of_the_status_says_what_it_does_and_why() {
        let expected = "VI_1 (vrid 51 on eth0): MASTER for 3 min 2 s, priority 150; 192.0.2.10/32; \
             no master was heard";
        assert_eq!(words(&samples::router("VI_1")), expected);
        let text = words(&backup());
        assert!(
            text.contains("BACKUP for 3 min 2 s, priority 1 of 150, master fe80::3;"),
            "{text}"
        );
        assert!(text.ends_with("; it was handed over by hand (handed over)"), "{text}");
    }
}
