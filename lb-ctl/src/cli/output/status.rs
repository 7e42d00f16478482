//! The state of the daemon for people: the whole truth in the first line, then the details. Pure.

use std::fmt::Write;

use super::number::duration;
use super::vrrp;
use crate::api::wire::{Checks, ConfigState, ConfigStatus, Interface, Map, Settling, Status};
use crate::config::model::Endpoint;

/// How many VIPs of an interface are named; there may be thousands.
const SHOWN_VIPS: usize = 8;

/// How many services are named whose rings have changed.
const SHOWN_SERVICES: usize = 8;

/// The text of `status`.
pub(in crate::cli) fn table(status: &Status) -> String {
    let mut text = summary(status);
    text.push('\n');
    let mut line = |title: &str, words: String| {
        let _ = writeln!(text, "{title:11}{words}");
    };
    line("daemon", daemon(status));
    line("program", program(status));
    line("definition", definition(&status.config));
    for interface in &status.interfaces {
        line("interface", interface_words(interface));
    }
    for map in &status.maps {
        line("map", fill(map));
    }
    if status.checks.running > 0 {
        line("checks", checks(&status.checks));
    }
    for instance in &status.vrrp {
        line("vrrp", vrrp::words(instance));
    }
    for words in status.sync.iter().flat_map(super::sync::lines) {
        line("sync", words);
    }
    for service in status.settling.iter().take(SHOWN_SERVICES) {
        line("settling", settling(service));
    }
    if let Some(more @ 1..) = status.settling.len().checked_sub(SHOWN_SERVICES) {
        line("settling", format!("and {more} services more"));
    }
    for count in status.packets.iter().filter(|count| count.packets > 0) {
        line("packets", format!("{:9}{:20}{:>12}", count.verdict, count.reason, count.packets));
    }
    text
}

fn summary(status: &Status) -> String {
    let (attached, missing): (Vec<_>, Vec<_>) =
        status.interfaces.iter().partition(|interface| interface.mode.is_some());
    let mut words = if attached.is_empty() {
        "NOT FORWARDING: attached to no interface".to_owned()
    } else {
        let names: Vec<_> = attached
            .iter()
            .map(|one| {
                let down = if one.up { "" } else { ", DOWN" };
                format!("{} ({}{down})", one.name, one.mode.as_deref().unwrap_or_default())
            })
            .collect();
        format!("forwarding on {}", names.join(", "))
    };
    for interface in missing {
        let _ = write!(words, ", NOT on {}", interface.name);
    }
    let Status { services, reals, reals_up, .. } = status;
    let _ = write!(words, ", {services} services, {reals_up} of {reals} reals up, ");
    words.extend(vrrp::summary(&status.vrrp).map(|summary| format!("{summary}, ")));
    words.push_str(match status.config.state {
        ConfigState::InSync => "config in sync",
        ConfigState::Missing => "no config file yet",
        ConfigState::ChangedByHand => "config CHANGED BY HAND",
        ConfigState::Stale => "config STALE",
    });
    words
}

fn daemon(status: &Status) -> String {
    let Status { version, pid, uptime, .. } = status;
    let begun = if status.adopted { ", took up what an earlier daemon left" } else { "" };
    format!("version {version}, pid {pid}, up {}{begun}", duration(*uptime))
}

fn program(status: &Status) -> String {
    let Status { program_id, pin_dir, .. } = status;
    let tracing = if status.tracing { ", TRACING: slower than without lb-ctl trace" } else { "" };
    format!("id {program_id}, pinned in {pin_dir}{tracing}")
}

fn definition(config: &ConfigStatus) -> String {
    let state = match config.state {
        ConfigState::InSync => "in sync",
        ConfigState::Missing => "not there; the first change writes it",
        ConfigState::ChangedByHand => "edited since it was read; take it with lb-ctl reload",
        ConfigState::Stale => "cannot be used, the last good state runs on",
    };
    let error = config.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("{}: {state}{error}", config.path)
}

fn checks(checks: &Checks) -> String {
    let Checks { running, up, down, unknown, worst_lateness } = *checks;
    let unknown = if unknown == 0 { String::new() } else { format!(", {unknown} not known yet") };
    let late = worst_lateness.div_ceil(1000);
    format!("{running} reals: {up} up, {down} down{unknown}; no probe was later than {late} ms")
}

fn interface_words(interface: &Interface) -> String {
    let Interface { name, ifindex, up, mode, reason, link_id, vips } = interface;
    let mut words = name.clone();
    if let Some(index) = ifindex {
        let _ = write!(words, " (index {index})");
    }
    let _ = write!(words, ": {}", mode.as_deref().unwrap_or("NOT attached"));
    if !reason.is_empty() {
        let _ = write!(words, ", {reason}");
    }
    if ifindex.is_some() && !up {
        words.push_str("; the interface is down, or its cable is out");
    }
    if let Some(link) = link_id {
        let _ = write!(words, "; link {link}");
    }
    if !vips.is_empty() {
        let shown: Vec<_> = vips.iter().take(SHOWN_VIPS).map(ToString::to_string).collect();
        let _ = write!(words, "; VIPs {}", shown.join(", "));
        if vips.len() > shown.len() {
            let _ = write!(words, " and {} more", vips.len() - shown.len());
        }
    }
    words
}

fn fill(map: &Map) -> String {
    let Map { name, entries, capacity, bytes } = map;
    // In tenths of a percent, rounded down: what says 100 % is full.
    let tenths = u128::from(*entries) * 1000 / u128::from((*capacity).max(1));
    let share = format!("({}.{} %)", tenths / 10, tenths % 10);
    format!("{name:14}{entries:>9} of {capacity:>9} {share:9}{:>12}", memory(*bytes))
}

/// Bytes, to a tenth of their unit.
fn memory(bytes: u64) -> String {
    let (unit, word) = match bytes {
        0..0x10_0000 => (1 << 10, "KiB"),
        0x10_0000..0x4000_0000 => (1 << 20, "MiB"),
        _ => (1 << 30, "GiB"),
    };
    let tenths = u128::from(bytes) * 10 / unit;
    format!("{}.{} {word}", tenths / 10, tenths % 10)
}

fn settling(service: &Settling) -> String {
    let Settling { protocol, vip, port, slots, unsettled, marked, deferred } = service;
    let endpoint = Endpoint { protocol: *protocol, address: *vip, port: *port };
    let mut words = format!(
        "{endpoint}: of {slots} slots {unsettled} have changed hands, {marked} may have flows elsewhere"
    );
    if *deferred > 0 && *unsettled > 0 {
        let _ = write!(words, "; {deferred} packets came too fast to be recorded, which delays it");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    #[test]
    fn all_is_well() {
        let expected = "\
forwarding on eth0 (native), 2 services, 3 of 4 reals up, config in sync
daemon     version 0.1.0, pid 4711, up 3 h 2 min, took up what an earlier daemon left
program    id 45, pinned in /sys/fs/bpf/lb-ctl
definition /etc/lb-ctl/lb-ctl.json: in sync
interface  eth0 (index 2): native, the driver has XDP; link 12; VIPs 192.0.2.10, 2001:db8::10
map        SERVICES_V4           1 of      4096 (0.0 %)      88.0 KiB
map        CONNS_V4         262144 of    524288 (50.0 %)     44.0 MiB
settling   tcp 192.0.2.10:80: of 65537 slots 6553 have changed hands, 12 may have flows elsewhere
packets    tx       forwarded                 123456
packets    drop     no-real                        3
";
        assert_eq!(table(&samples::status()), expected);
    }

    #[test]
    fn what_is_wrong_stands_in_the_first_line() {
        let mut status = samples::status();
        status.interfaces[0].mode = None;
        status.interfaces[0].ifindex = None;
        status.interfaces[0].link_id = None;
        status.interfaces[0].vips.clear();
        status.interfaces[0].reason = "there is no such interface".to_owned();
        status.config.state = ConfigState::Stale;
        status.config.error = Some("line 3, column 1: expected value".to_owned());
        let text = table(&status);
        assert_eq!(
            text.lines().next().unwrap(),
            "NOT FORWARDING: attached to no interface, NOT on eth0, 2 services, 3 of 4 reals up, \
             config STALE"
        );
        assert!(text.contains("interface  eth0: NOT attached, there is no such interface\n"));
        assert!(text.contains("the last good state runs on: line 3, column 1: expected value\n"));
    }

    #[test]
    fn an_interface_that_is_down_forwards_nothing() {
        let mut status = samples::status();
        status.interfaces[0].up = false;
        let text = table(&status);
        assert!(text.starts_with("forwarding on eth0 (native, DOWN), "), "{text}");
        assert!(text.contains("; the interface is down, or its cable is out; link 12;"), "{text}");
    }

    #[test]
    fn a_crowd_of_vips_is_counted() {
        let mut status = samples::status();
        let vip = status.interfaces[0].vips[0];
        status.interfaces[0].vips = vec![vip; SHOWN_VIPS];
        assert!(!table(&status).contains("more"));
        status.interfaces[0].vips = vec![vip; SHOWN_VIPS + 2];
        assert!(table(&status).contains("192.0.2.10 and 2 more\n"), "{}", table(&status));
    }

    #[test]
    fn virtual_routers_stand_in_the_first_line_and_each_in_its_own() {
        let vrrp = vec![samples::router("VI_1"), samples::router("VI_2")];
        let text = table(&Status { vrrp, ..samples::status() });
        let first = text.lines().next().unwrap();
        assert!(first.ends_with(", 3 of 4 reals up, VRRP 2 master, config in sync"), "{text}");
        for name in ["VI_1", "VI_2"] {
            let line = format!("vrrp       {name} (vrid 51 on eth0): MASTER for 3 min 2 s,");
            assert!(text.contains(&line), "{text}");
        }
    }

    #[test]
    fn a_trace_is_told_of() {
        let status = Status { tracing: true, ..samples::status() };
        let line = "program    id 45, pinned in /sys/fs/bpf/lb-ctl, TRACING";
        assert!(table(&status).contains(line), "{}", table(&status));
    }

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0.0 KiB"),
            (4096, "4.0 KiB"),
            ((1 << 20) - 1, "1023.9 KiB"),
            (3 << 19, "1.5 MiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(memory(bytes), text);
        }
    }
}
