//! Rates from two lists, shaped like `ipvsadm -Ln --rate`. Pure.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use lb_common::key::Protocol;
use serde::Serialize;

use super::Digits;
use super::list::{numbers, real_name, service_name};
use crate::api::wire::{List, Service, Stats};
use crate::config::ports::Ports;

/// What happens in a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub(in crate::cli) struct Rate {
    connections: u64,
    packets: u64,
    bytes: u64,
}

/// A real's rates.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(in crate::cli) struct RealRate {
    address: IpAddr,
    per_second: Rate,
}

/// A service's rates.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(in crate::cli) struct ServiceRate {
    name: Option<String>,
    protocol: Protocol,
    vip: IpAddr,
    port: Ports,
    per_second: Rate,
    reals: Vec<RealRate>,
}

/// The rates of all services.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(in crate::cli) struct Rates {
    interval_seconds: f64,
    services: Vec<ServiceRate>,
}

impl Rate {
    /// Counters that went back were set to zero in between: what they show now is all there is.
    #[expect(clippy::cast_precision_loss, reason = "rates are shown without decimals")]
    #[expect(clippy::cast_sign_loss, reason = "differences of counters are not negative")]
    fn between(before: Stats, after: Stats, interval: Duration) -> Self {
        let per_second = |before: u64, after: u64| {
            let counted = after.checked_sub(before).unwrap_or(after);
            (counted as f64 / interval.as_secs_f64()).round() as u64
        };
        Self {
            connections: per_second(before.connections, after.connections),
            packets: per_second(before.packets, after.packets),
            bytes: per_second(before.bytes, after.bytes),
        }
    }

    /// Replies do not pass the director: what goes out stays 0.
    const fn row(self) -> [u64; 5] {
        [self.connections, self.packets, 0, self.bytes, 0]
    }
}

/// The rates between two lists taken `interval` apart. What is only in the first is gone.
pub(in crate::cli) fn between(before: &List, after: &List, interval: Duration) -> Rates {
    let key = |service: &Service| (service.protocol, service.vip, service.port);
    let known: HashMap<_, _> =
        before.services.iter().map(|service| (key(service), service)).collect();
    let services = after.services.iter().map(|service| {
        let before = known.get(&key(service)).copied();
        service_rate(before, service, interval)
    });
    Rates { interval_seconds: interval.as_secs_f64(), services: services.collect() }
}

fn service_rate(before: Option<&Service>, after: &Service, interval: Duration) -> ServiceRate {
    let reals_before: HashMap<_, _> = before
        .iter()
        .flat_map(|service| &service.reals)
        .map(|real| (real.address, real.stats))
        .collect();
    let reals = after.reals.iter().map(|real| {
        let before = reals_before.get(&real.address).copied().unwrap_or_default();
        RealRate { address: real.address, per_second: Rate::between(before, real.stats, interval) }
    });
    let stats_before = before.map(|service| service.stats).unwrap_or_default();
    ServiceRate {
        name: after.name.clone(),
        protocol: after.protocol,
        vip: after.vip,
        port: after.port,
        per_second: Rate::between(stats_before, after.stats, interval),
        reals: reals.collect(),
    }
}

/// The table of `--rate`.
pub(in crate::cli) fn table(rates: &Rates, digits: Digits) -> String {
    let rows = rates.services.iter().flat_map(|service| {
        let name = service_name(service.protocol, service.vip, service.port);
        let reals = service.reals.iter();
        let reals =
            reals.map(|real| (real_name(real.address, service.port), real.per_second.row()));
        std::iter::once((name, service.per_second.row())).chain(reals)
    });
    let version = env!("CARGO_PKG_VERSION");
    let head = format!("lb-ctl {version} (over {:.2} s)\n", rates.interval_seconds);
    let titles = ["CPS", "InPPS", "OutPPS", "InBPS", "OutBPS"];
    head + &numbers(titles, &rows.collect::<Vec<_>>(), digits)
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    #[test]
    fn divided_by_the_time_that_passed() {
        let before = samples::list();
        let mut after = before.clone();
        after.services[0].stats.packets += 3000;
        after.services[0].stats.bytes += 300_000;
        after.services[0].reals[0].stats.connections += 5;
        after.services[1].stats = Stats { connections: 2, packets: 4, bytes: 6 };
        let rates = between(&before, &after, Duration::from_secs(2));
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "\
lb-ctl {version} (over 2.00 s)
Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS
  -> RemoteAddress:Port
TCP  192.0.2.10:80                       0     1500        0   150000        0
  -> 192.0.2.21:80                       3        0        0        0        0
  -> 192.0.2.22:80                       0        0        0        0        0
  -> 192.0.2.23:80                       0        0        0        0        0
UDP  [2001:db8::10]:53                   1        2        0        3        0
  -> [2001:db8::21]:53                   0        0        0        0        0
"
        );
        assert_eq!(table(&rates, Digits::Few), expected);
    }

    #[test]
    fn what_came_and_what_went() {
        let all = samples::list();
        let mut one = all.clone();
        one.services.remove(0);
        let second = Duration::from_secs(1);
        assert_eq!(between(&all, &one, second).services.len(), 1);
        let came = between(&one, &all, second);
        assert_eq!(came.services[0].per_second.connections, 15);
    }
}
