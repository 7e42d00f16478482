//! What a row asks for, as the daemon has it: the definitions, and what the machine says of the reals.
//! Pure. The maps follow from it by the daemon's own planner.

use std::net::IpAddr;

use lb_common::traffic::{DIRECTOR, SERVICE_PORT, vip_v4, vip_v6};
use lb_common::value::Tracking;
use lb_common::vlan::Tags;
use lb_ctl::config::model::{Desired, Endpoint, Real, Service};
use lb_ctl::neigh::{Hop, Resolution};
use lb_ctl::state::State;
use xdp_prog::fixtures::frame::Family;

use super::row::{Kind, Row, Scheduler};

/// Where the kernel has test packets come in: the loopback.
const INGRESS: u32 = 1;

/// Weights of the reals of a scheduler that goes by them: from one to so many, in turn.
const WEIGHTS: u16 = 5;

/// The row's services. All have the same reals, each of which is reached by the interface that
/// packets come in by.
pub(super) fn state(row: &Row) -> State {
    let services = (0..row.services).map(|number| service(row, number));
    let services = services.map(|service| (service.endpoint, service)).collect();
    let mut state = State::new(Desired { services, ..Desired::default() });
    state.ingress.insert(INGRESS, DIRECTOR);
    for number in 1..=row.reals {
        state.resolve(rip(row.family, number), Resolution::Resolved(hop(number)));
    }
    state
}

/// What is remembered of the flows of a service that says nothing but its scheduler.
pub(super) fn default_tracking(scheduler: Scheduler) -> Tracking {
    Service { scheduler, ..Service::new(endpoint(Family::V4, Kind::TcpSyn, 0)) }.default_tracking()
}

fn service(row: &Row, number: u32) -> Service {
    let Row { scheduler, tracking, .. } = *row;
    let real = |number| (rip(row.family, number), Real::new(weight(scheduler, number)));
    Service {
        scheduler,
        tracking,
        reals: (1..=row.reals).map(real).collect(),
        ..Service::new(endpoint(row.family, row.kind, number))
    }
}

fn endpoint(family: Family, kind: Kind, number: u32) -> Endpoint {
    let address = match family {
        Family::V4 => vip_v4(number).into(),
        Family::V6 => vip_v6(number).into(),
    };
    Endpoint { protocol: kind.protocol(), address, port: SERVICE_PORT.into() }
}

/// The weight of a real: unequal where the scheduler is there for that.
fn weight(scheduler: Scheduler, number: u32) -> u16 {
    match scheduler {
        Scheduler::Wrr | Scheduler::Wlc | Scheduler::Sed | Scheduler::Nq => {
            1 + (number - 1) as u16 % WEIGHTS
        }
        Scheduler::Mh | Scheduler::Rr | Scheduler::Lc | Scheduler::Sh => 1,
    }
}

/// The address of a real: none that [`lb_common::traffic`] gives to a client or a VIP.
fn rip(family: Family, number: u32) -> IpAddr {
    match family {
        Family::V4 => std::net::Ipv4Addr::from_bits(0x0aff_0000 + number).into(),
        Family::V6 => {
            let [high, low] = [(number >> 16) as u16, number as u16];
            std::net::Ipv6Addr::new(0x2001, 2, 0, 3, 0, 0, high, low).into()
        }
    }
}

fn hop(number: u32) -> Hop {
    let [_, _, high, low] = number.to_be_bytes();
    Hop {
        ifindex: INGRESS,
        interface: "lo".to_owned(),
        vlans: Tags::NONE,
        mac: [0x02, 1, 0, 0, high, low],
        source: DIRECTOR,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::rows;
    use super::*;

    fn weights(row: &Row) -> BTreeSet<u16> {
        let service = service(row, 0);
        service.reals.values().map(|real| real.weight).collect()
    }

    #[test]
    fn weights_differ_where_the_scheduler_asks_for_them() {
        for row in rows::all(1_000).iter().filter(|row| row.reals >= 5) {
            let wanted = match row.scheduler.name() {
                "wrr" | "wlc" | "sed" | "nq" => BTreeSet::from([1, 2, 3, 4, 5]),
                _ => BTreeSet::from([1]),
            };
            assert_eq!(weights(row), wanted, "{}", row.label());
        }
    }

    #[test]
    fn every_real_of_every_row_is_reached_and_no_two_are_one() {
        for row in rows::all(1_000) {
            let target = state(&row).target();
            assert_eq!(target.services.len(), row.services as usize, "{}", row.label());
            for service in target.services {
                let addresses: BTreeSet<_> = service.reals.iter().map(|r| r.address).collect();
                assert_eq!(addresses.len(), row.reals as usize, "{}", row.label());
                assert!(service.reals.iter().all(|real| real.way.is_some()), "{}", row.label());
                assert_eq!(service.tracking, row.tracking);
            }
        }
    }
}
