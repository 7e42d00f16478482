//! A real, as it is shown before its connections are counted. Pure.

use std::net::IpAddr;

use lb_common::key::Protocol;
use lb_common::value::Stats;

use crate::api::wire;
use crate::config::model::{Real, Service, Tracking};
use crate::health::record::Findings;
use crate::health::sm::Condition;
use crate::neigh::table::Resolution;
use crate::state::State;
use crate::state::health::Standing;

/// Where the kernel sends packets to the machine itself.
const LOOPBACK: &str = "lo";

/// What is known of a real of a service, with these counters.
pub(super) fn view(
    known: &State,
    service: &Service,
    (address, real): (IpAddr, Real),
    findings: Option<&Findings>,
    stats: Stats,
) -> wire::Real {
    let (interface, way) = match known.resolution(address) {
        Some(Resolution::Resolved(hop)) => (Some(hop.interface.clone()), None),
        Some(Resolution::Local) => (Some(LOOPBACK.to_owned()), None),
        Some(Resolution::Unresolved(why)) => (None, Some(why.to_string())),
        None => (None, Some("not looked up yet".to_owned())),
    };
    let standing = known.health.standing(service, address);
    let (condition, reason) = match standing {
        _ if real.disabled => (wire::RealState::Down, Some("disabled by hand".to_owned())),
        _ if !known.is_reached(address) => (wire::RealState::Unresolved, way),
        Standing::In if real.effective_weight() == 0 => (wire::RealState::Drain, None),
        Standing::In => (wire::RealState::Up, None),
        _ => (wire::RealState::Down, Some(failure(findings))),
    };
    let estimate = estimate(service, stats);
    wire::Real {
        address,
        weight: real.weight,
        state: condition,
        reason,
        mac: known.hop(address).map(|hop| super::mac(hop.mac)),
        interface,
        active_connections: estimate.unwrap_or_default(),
        inactive_connections: 0,
        estimated: estimate.is_some(),
        settling: false,
        disabled: real.disabled,
        health: findings.map(wire::Health::from),
        stats: super::view_stats(stats),
    }
}

/// Why a real is not known to be well.
fn failure(findings: Option<&Findings>) -> String {
    let reason = findings.and_then(Findings::reason);
    reason.unwrap_or_else(|| match findings.map(|findings| findings.condition) {
        Some(Condition::Down) => "as the daemon before this one found it".to_owned(),
        _ => "not checked yet".to_owned(),
    })
}

/// How many connections a real may have, where they do not all stand in the table: those begun less
/// the packets that end one. A client that sends FIN and later RST has ended it twice.
fn estimate(service: &Service, stats: Stats) -> Option<u64> {
    match (service.tracking, service.endpoint.protocol) {
        (Tracking::Full, _) => None,
        (_, Protocol::Tcp) => Some(stats.connections.saturating_sub(stats.closes)),
        (_, Protocol::Udp) => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::Endpoint;

    fn shown(protocol: Protocol, tracking: Tracking, connections: u64, closes: u64) -> wire::Real {
        let address = "192.0.2.10".parse().unwrap();
        let endpoint = Endpoint { protocol, address, port: 80.into() };
        let service = Service { tracking, ..Service::new(endpoint) };
        let stats = Stats { connections, closes, ..Stats::default() };
        let real = ("192.0.2.21".parse().unwrap(), Real::new(1));
        view(&State::default(), &service, real, None, stats)
    }

    #[test]
    fn connections_are_estimated_where_the_table_does_not_hold_them_all() {
        for tracking in [Tracking::Changes, Tracking::None] {
            let tcp = shown(Protocol::Tcp, tracking, 7, 3);
            assert_eq!((tcp.active_connections, tcp.estimated), (4, true));
            let udp = shown(Protocol::Udp, tracking, 7, 0);
            assert_eq!((udp.active_connections, udp.estimated), (0, true));
        }
        let full = shown(Protocol::Tcp, Tracking::Full, 7, 3);
        assert_eq!((full.active_connections, full.estimated), (0, false), "those are counted");
    }

    #[test]
    fn a_real_that_is_the_director_is_up_and_can_be_drained() {
        let address = "192.0.2.2".parse().unwrap();
        let vip = "192.0.2.10".parse().unwrap();
        let service =
            Service::new(Endpoint { protocol: Protocol::Tcp, address: vip, port: 80.into() });
        let mut known = State::default();
        known.resolve(address, Resolution::Local);
        let shown = |drained| {
            let real = Real { drained, ..Real::new(1) };
            view(&known, &service, (address, real), None, Stats::default())
        };
        let up = shown(false);
        assert_eq!((up.state, up.reason, up.mac), (wire::RealState::Up, None, None));
        assert_eq!(up.interface.as_deref(), Some("lo"));
        assert_eq!(shown(true).state, wire::RealState::Drain);
    }

    #[test]
    fn connections_that_end_twice_are_not_fewer_than_none() {
        assert_eq!(shown(Protocol::Tcp, Tracking::Changes, 2, 3).active_connections, 0);
    }
}
