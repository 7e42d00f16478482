//! Services and reals, shaped like `ipvsadm -Ln`. Pure.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

use lb_common::key::Protocol;

use super::Digits;
use super::number::{column, duration};
use crate::api::wire::{List, Real, RealState, Service, Stats};
use crate::config::model::{AllDown, Hash, Persistence, Ports};

/// ipvsadm's width of a real's address and port.
const ADDRESS_WIDTH: usize = 28;

/// The list without counters.
pub(in crate::cli) fn table(list: &List) -> String {
    let width = width(list.services.iter().flat_map(targets));
    let mut text = head(list);
    text.push_str("Prot LocalAddress:Port Scheduler Flags\n");
    let _ = writeln!(
        text,
        "  -> {:width$}Forward Weight ActiveConn InActConn  State",
        "RemoteAddress:Port",
        width = width + 1
    );
    for service in &list.services {
        let name = service_name(service.protocol, service.vip, service.port);
        let _ = writeln!(text, "{name} {}{}", service.scheduler, flags(service));
        for real in &service.reals {
            let _ = writeln!(
                text,
                "  -> {:width$} {:7} {:<6} {:<10} {:<10} {}",
                service.port.at(real.address),
                "Route",
                real.weight,
                active(real),
                real.inactive_connections,
                state(real)
            );
        }
    }
    text
}

/// The list with counters.
pub(in crate::cli) fn stats(list: &List, digits: Digits) -> String {
    let titles = ["Conns", "InPkts", "OutPkts", "InBytes", "OutBytes"];
    // Replies do not pass the director: what went out stays 0, as in ipvsadm.
    let counted = |stats: &Stats| [stats.connections, stats.packets, 0, stats.bytes, 0];
    let rows = list.services.iter().flat_map(|service| {
        let name = service_name(service.protocol, service.vip, service.port);
        let reals = service
            .reals
            .iter()
            .map(move |real| (real_name(real.address, service.port), counted(&real.stats)));
        std::iter::once((name, counted(&service.stats))).chain(reals)
    });
    head(list) + &numbers(titles, &rows.collect::<Vec<_>>(), digits)
}

/// A table of services and reals with five numbers each.
pub(super) fn numbers(titles: [&str; 5], rows: &[(String, [u64; 5])], digits: Digits) -> String {
    let indented = ADDRESS_WIDTH + "  -> ".len();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(indented);
    let mut text = format!("{:width$}", "Prot LocalAddress:Port");
    for title in titles {
        let _ = write!(text, " {title:>8}");
    }
    text.push_str("\n  -> RemoteAddress:Port\n");
    for (name, row) in rows {
        let _ = write!(text, "{name:width$}");
        for number in row {
            text.push_str(&column(*number, digits));
        }
        text.push('\n');
    }
    text
}

/// A service as ipvsadm names it.
pub(super) fn service_name(protocol: Protocol, vip: IpAddr, port: Ports) -> String {
    format!("{:4} {}", protocol.name().to_uppercase(), port.at(vip))
}

/// A real's row as ipvsadm names it.
pub(super) fn real_name(address: IpAddr, port: Ports) -> String {
    format!("  -> {}", port.at(address))
}

fn head(list: &List) -> String {
    let reals: usize = list.services.iter().map(|service| service.reals.len()).sum();
    let services = list.services.len();
    format!("lb-ctl {} ({services} services, {reals} reals)\n", env!("CARGO_PKG_VERSION"))
}

fn targets(service: &Service) -> impl Iterator<Item = String> {
    service.reals.iter().map(|real| service.port.at(real.address))
}

fn width(names: impl Iterator<Item = String>) -> usize {
    names.map(|name| name.len()).max().unwrap_or(0).max(ADDRESS_WIDTH)
}

fn active(real: &Real) -> String {
    let about = if real.estimated { "~" } else { "" };
    format!("{about}{}", real.active_connections)
}

fn state(real: &Real) -> String {
    let state = real.state.name();
    // Since when it is what its check says; for nothing else is that known.
    let known = real.health.as_ref().filter(|health| health.state == state && !real.disabled);
    let since = known.and_then(|health| health.age);
    let since = since.map(|age| format!(" for {}", duration(age))).unwrap_or_default();
    match &real.reason {
        Some(reason) if real.state != RealState::Up => format!("{state}{since}: {reason}"),
        _ => format!("{state}{since}"),
    }
}

/// What ipvsadm prints behind the scheduler, and then what it does not know.
fn flags(service: &Service) -> String {
    let mut flags = String::new();
    if let Some(Persistence { timeout, prefix }) = service.persistence {
        let _ = write!(flags, " persistent {timeout}");
        match service.vip {
            IpAddr::V4(_) if prefix < 32 => {
                let mask = ipnet::Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, prefix).netmask();
                let _ = write!(flags, " mask {mask}");
            }
            IpAddr::V6(_) if prefix < 128 => {
                let _ = write!(flags, " mask {prefix}");
            }
            _ => {}
        }
    }
    if let Some(hash) = service.hash.as_ref().filter(|hash| **hash != Hash::default().name()) {
        let _ = write!(flags, " hash {hash}");
    }
    if !service.expire_nodest {
        flags.push_str(" keep-nodest");
    }
    if service.all_down != AllDown::default().name() {
        let _ = write!(flags, " all-down {}", service.all_down);
    }
    for (what, list) in [("allow", &service.allow), ("deny", &service.deny)] {
        if !list.is_empty() {
            let _ = write!(flags, " {what} {}", list.len());
        }
    }
    if let Some(address) = service.sorry_server {
        let _ = write!(flags, " sorry {address}");
    }
    if let Some(name) = &service.name {
        let _ = write!(flags, " name {name}");
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    #[test]
    fn an_empty_list_has_its_titles() {
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "\
lb-ctl {version} (0 services, 0 reals)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn  State
"
        );
        assert_eq!(table(&List::default()), expected);
    }

    #[test]
    fn as_ipvsadm_prints_it() {
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!("\
lb-ctl {version} (2 services, 4 reals)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn  State
TCP  192.0.2.10:80 mh name web
  -> 192.0.2.21:80                Route   1      3          12         up
  -> 192.0.2.22:80                Route   65535  0          0          drain
  -> 192.0.2.23:80                Route   1      0          0          unresolved: nobody answers ARP
UDP  [2001:db8::10]:53 mh
  -> [2001:db8::21]:53            Route   2      0          7          up
");
        assert_eq!(table(&samples::list()), expected);
    }

    #[test]
    fn what_a_service_is_like_stands_behind_its_scheduler() {
        let mut list = samples::list();
        let [web, dns] = list.services.as_mut_slice() else { panic!("two") };
        web.port = Ports::range(8000, 8100).unwrap();
        web.persistence = Some(Persistence { timeout: 300, prefix: 24 });
        web.hash = Some("source".to_owned());
        web.expire_nodest = false;
        web.sorry_server = Some("192.0.2.99".parse().unwrap());
        dns.port = Ports::ANY;
        dns.scheduler = "wlc".to_owned();
        dns.persistence = Some(Persistence { timeout: 60, prefix: 64 });
        dns.all_down = "pass".to_owned();
        dns.allow = vec!["2001:db8:1::/48".to_owned(); 2];
        dns.deny = vec!["2001:db8:2::/48".to_owned()];
        let text = table(&list);
        for line in [
            "TCP  192.0.2.10:8000-8100 mh persistent 300 mask 255.255.255.0 hash source keep-nodest \
             sorry 192.0.2.99 name web\n",
            "  -> 192.0.2.21:8000-8100         Route   1      3          12         up\n",
            "UDP  [2001:db8::10]:0 wlc persistent 60 mask 64 all-down pass allow 2 deny 1\n",
            "  -> [2001:db8::21]:0             Route   2      0          7          up\n",
        ] {
            assert!(text.contains(line), "`{line}` is not in\n{text}");
        }
        list.services[0].persistence = Some(Persistence { timeout: 300, prefix: 32 });
        list.services[1].persistence = Some(Persistence { timeout: 60, prefix: 128 });
        let text = table(&list);
        assert!(text.contains("persistent 300 hash") && text.contains("persistent 60 all-down"));
    }

    #[test]
    fn long_addresses_keep_the_columns() {
        let mut list = samples::list();
        list.services.remove(0);
        list.services[0].reals[0].address =
            "2001:db8:1111:2222:3333:4444:5555:6666".parse().unwrap();
        let mut second = list.services[0].reals[0].clone();
        second.address = "2001:db8::22".parse().unwrap();
        list.services[0].reals.push(second);
        let text = table(&list);
        let expected = "
  -> RemoteAddress:Port                          Forward Weight ActiveConn InActConn  State
UDP  [2001:db8::10]:53 mh
  -> [2001:db8:1111:2222:3333:4444:5555:6666]:53 Route   2      0          7          up
  -> [2001:db8::22]:53                           Route   2      0          7          up
";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn what_is_estimated_is_marked() {
        let mut list = samples::list();
        for real in list.services.iter_mut().flat_map(|service| &mut service.reals) {
            real.estimated = true;
        }
        let text = table(&list);
        for line in [
            "  -> 192.0.2.21:80                Route   1      ~3         12         up\n",
            "  -> 192.0.2.22:80                Route   65535  ~0         0          drain\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn counters() {
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "\
lb-ctl {version} (2 services, 4 reals)
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
TCP  192.0.2.10:80                      15 12345678        0    1234M        0
  -> 192.0.2.21:80                      15 12345678        0    1234M        0
  -> 192.0.2.22:80                       0        0        0        0        0
  -> 192.0.2.23:80                       0        0        0        0        0
UDP  [2001:db8::10]:53                   7        7        0      420        0
  -> [2001:db8::21]:53                   7        7        0      420        0
"
        );
        assert_eq!(stats(&samples::list(), Digits::Few), expected);
        let exact = stats(&samples::list(), Digits::All);
        assert!(exact.contains("        15 12345678        0 1234567890        0\n"), "{exact}");
    }
}
