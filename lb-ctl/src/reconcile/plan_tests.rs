use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use lb_common::details::Picking;
use lb_common::key::Protocol;
use lb_common::ring::Slot;
use lb_common::vlan::Tags;
use lb_common::wide::source;
use proptest::prelude::*;

use super::*;
use crate::dataplane::Dataplane as _;
use crate::dataplane::fake::FakeDataplane;
use crate::reconcile::apply;
use crate::reconcile::target::{NextHop, Persistence, Scheduling, SourceLists, TargetReal, Way};

const CAPACITY: Capacity = Capacity { services: 8, reals: 40, connections: 1, ring_slots: 251 };
const IDLE: Ticks = 1000;

fn endpoint(n: u8) -> Endpoint {
    Endpoint {
        protocol: Protocol::Tcp,
        address: Ipv4Addr::new(192, 0, 2, n).into(),
        port: 80.into(),
    }
}

fn real(n: u8, weight: u16, ifindex: Option<u32>) -> TargetReal {
    let way = ifindex.map(|ifindex| way(ifindex, [2, 0, 0, 0, 0, n]));
    TargetReal {
        address: Ipv4Addr::new(10, 0, 0, n).into(),
        weight,
        way,
        sorry: false,
        down: false,
    }
}

fn way(ifindex: u32, mac: Mac) -> Way {
    Way::Hop(NextHop { ifindex, mac, source: [9; 6], tags: Tags::NONE })
}

fn target(services: &[(u8, Vec<TargetReal>)]) -> Target {
    let services = services
        .iter()
        .map(|(n, reals)| TargetService {
            reals: reals.clone(),
            ..TargetService::new(endpoint(*n), Tracking::Changes, IDLE)
        })
        .collect();
    let ingress = BTreeMap::from([(1, [9; 6])]);
    Target { services, ingress, virtual_macs: BTreeSet::new() }
}

/// Plans and runs, looking after each operation at what a packet could meet.
fn reach(fake: &mut FakeDataplane, actual: &mut Actual, target: &Target) -> Vec<MapOp> {
    let ops = plan(target, actual, CAPACITY, 5).expect("the target fits");
    run(fake, actual, &ops);
    ops
}

fn run(fake: &mut FakeDataplane, actual: &mut Actual, ops: &[MapOp]) {
    for op in ops {
        apply::run(fake, actual, std::slice::from_ref(op)).expect("the fake does not fail");
        fake.check().unwrap_or_else(|why| panic!("after {op:?} of {ops:?}: {why}"));
    }
}

fn fresh() -> (FakeDataplane, Actual) {
    (FakeDataplane::new(CAPACITY), Actual::default())
}

#[test]
fn a_new_service_is_made_bottom_up() {
    let (mut fake, mut actual) = fresh();
    let ops = reach(&mut fake, &mut actual, &target(&[(1, vec![real(1, 1, Some(1))])]));
    let order: Vec<_> = ops
        .iter()
        .map(|op| match op {
            MapOp::PutIngress { .. } => "ingress",
            MapOp::PutEgress { .. } => "egress",
            MapOp::ZeroReal { .. } => "zero real",
            MapOp::PutReal { .. } => "real",
            MapOp::PutRing { .. } => "ring",
            MapOp::PutDetails { .. } => "details",
            MapOp::ZeroService { .. } => "zero service",
            MapOp::SetServices { .. } => "services",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        order,
        ["ingress", "egress", "zero real", "real", "ring", "details", "zero service", "services"]
    );
}

#[test]
fn nothing_to_change_is_an_empty_plan() {
    let (mut fake, mut actual) = fresh();
    let target = target(&[(1, vec![real(1, 1, Some(1)), real(2, 0, Some(2)), real(3, 1, None)])]);
    reach(&mut fake, &mut actual, &target);
    assert_eq!(plan(&target, &actual, CAPACITY, 6), Ok(vec![]));
}

#[test]
fn an_unresolved_real_is_not_in_the_ring() {
    let (mut fake, mut actual) = fresh();
    reach(&mut fake, &mut actual, &target(&[(1, vec![real(1, 1, Some(1)), real(2, 1, None)])]));
    let (id, _) = actual.real(0, real(1, 1, None).address).expect("written");
    assert!(fake.rings[&0].iter().all(|slot| *slot == Slot::settled(id)));
}

#[test]
fn a_service_without_reachable_reals_has_no_ring() {
    let (mut fake, mut actual) = fresh();
    reach(&mut fake, &mut actual, &target(&[(1, vec![real(1, 1, Some(1))])]));
    reach(&mut fake, &mut actual, &target(&[(1, vec![real(1, 1, None)])]));
    assert!(fake.services.contains_key(&endpoint(1)) && fake.rings.is_empty());
}

fn ring_of(fake: &FakeDataplane) -> &[Slot] {
    &fake.rings[&0]
}

/// Two reals, of which the second is lost and comes back.
#[test]
fn a_real_that_is_lost_leaves_at_once_and_comes_back_by_and_by() {
    let (mut fake, mut actual) = fresh();
    let both = target(&[(1, vec![real(1, 1, Some(1)), real(2, 1, Some(1))])]);
    let one = target(&[(1, vec![real(1, 1, Some(1)), real(2, 1, None)])]);
    reach(&mut fake, &mut actual, &both);
    let generation =
        |actual: &Actual| actual.real(0, real(2, 1, None).address).map(|(_, real)| real.generation);
    let first = generation(&actual);
    reach(&mut fake, &mut actual, &one);
    assert!(ring_of(&fake).iter().all(|slot| slot.is_settled()), "its flows are lost in any case");
    assert_ne!(generation(&actual), first, "and its entries must not come back with it");
    reach(&mut fake, &mut actual, &both);
    let moving = ring_of(&fake).iter().filter(|slot| slot.is_unsettled()).count();
    assert!(moving > 100 && moving < 150, "{moving} of 251");
}

#[test]
fn while_every_flow_is_recorded_a_real_that_comes_back_finds_its_own() {
    let (mut fake, mut actual) = fresh();
    let mut both = target(&[(1, vec![real(1, 1, Some(1)), real(2, 1, Some(1))])]);
    let mut one = target(&[(1, vec![real(1, 1, Some(1)), real(2, 1, None)])]);
    both.services[0].tracking = Tracking::Full;
    one.services[0].tracking = Tracking::Full;
    let mut generations = HashSet::new();
    for target in [&both, &one, &both] {
        reach(&mut fake, &mut actual, target);
        let (_, real) = actual.real(0, real(2, 1, None).address).expect("there");
        generations.insert(real.generation);
    }
    assert_eq!(generations.len(), 1);
}

#[test]
fn tracking_that_becomes_less_looks_for_what_was_recorded() {
    let (mut fake, mut actual) = fresh();
    let mut wanted = target(&[(1, vec![real(1, 1, Some(1)), real(2, 1, Some(1))])]);
    wanted.services[0].tracking = Tracking::Full;
    reach(&mut fake, &mut actual, &wanted);
    wanted.services[0].tracking = Tracking::Changes;
    let ops = reach(&mut fake, &mut actual, &wanted);
    assert!(
        matches!(ops.as_slice(), [MapOp::PutRing { .. }, MapOp::SetServices { .. }]),
        "the ring first: {ops:?}"
    );
    let marked = |slot: &Slot| !slot.is_settled() && !slot.is_unsettled();
    assert!(ring_of(&fake).iter().all(marked));
    wanted.services[0].tracking = Tracking::None;
    reach(&mut fake, &mut actual, &wanted);
    assert!(ring_of(&fake).iter().all(|slot| slot.is_settled()));
}

#[test]
fn a_drained_service_keeps_its_ring_for_its_flows() {
    let (mut fake, mut actual) = fresh();
    reach(&mut fake, &mut actual, &target(&[(1, vec![real(1, 1, Some(1))])]));
    reach(&mut fake, &mut actual, &target(&[(1, vec![real(1, 0, Some(1))])]));
    assert!(ring_of(&fake).iter().all(|slot| slot.is_unsettled()));
    reach(&mut fake, &mut actual, &target(&[(1, vec![])]));
    assert!(fake.rings.values().flatten().all(|slot| slot.current() == 0 && slot.origin() == 0));
}

#[test]
fn a_changed_mac_is_written_without_touching_the_ring() {
    let (mut fake, mut actual) = fresh();
    let before = target(&[(1, vec![real(1, 1, Some(1)), real(2, 1, Some(1))])]);
    reach(&mut fake, &mut actual, &before);
    let mut after = before.clone();
    after.services[0].reals[0].way = Some(way(1, [2, 0, 0, 0, 0, 99]));
    let ops = reach(&mut fake, &mut actual, &after);
    assert!(matches!(ops.as_slice(), [MapOp::PutReal { .. }]), "{ops:?}");
}

#[test]
fn a_real_that_comes_back_has_another_generation() {
    let (mut fake, mut actual) = fresh();
    let with = target(&[(1, vec![real(1, 1, Some(1)), real(2, 1, Some(1))])]);
    let without = target(&[(1, vec![real(1, 1, Some(1))])]);
    let address = real(2, 1, None).address;
    reach(&mut fake, &mut actual, &with);
    let (id, first) = actual.real(0, address).map(|(id, real)| (id, *real)).expect("there");
    reach(&mut fake, &mut actual, &without);
    reach(&mut fake, &mut actual, &with);
    let (again, second) = actual.real(0, address).expect("there again");
    assert_eq!(id, again, "the slot is used again");
    assert_ne!(first.generation, second.generation);
}

#[test]
fn slots_of_services_that_go_serve_those_that_come() {
    let (mut fake, mut actual) = fresh();
    let all: Vec<_> = (0..8).map(|n| (n, vec![real(n, 1, Some(1))])).collect();
    let others: Vec<_> = (8..16).map(|n| (n, vec![real(n, 1, Some(1))])).collect();
    reach(&mut fake, &mut actual, &target(&all));
    reach(&mut fake, &mut actual, &target(&others));
    assert_eq!(fake.services.len(), 8);
}

#[test]
fn what_does_not_fit_is_refused() {
    let services: Vec<_> = (0..9).map(|n| (n, vec![])).collect();
    let refused = plan(&target(&services), &Actual::default(), CAPACITY, 5);
    assert_eq!(refused, Err(PlanError::Services(8)));
    let reals = (0..40).map(|n| real(n, 1, Some(1))).collect();
    let refused = plan(&target(&[(1, reals)]), &Actual::default(), CAPACITY, 5);
    assert_eq!(refused, Err(PlanError::Reals(39)));
}

#[test]
fn a_failure_half_way_can_be_gone_on_from() {
    let first = target(&[(1, vec![real(1, 1, Some(1))])]);
    let second = target(&[(2, vec![real(2, 1, Some(2)), real(3, 5, Some(1))])]);
    for fail_at in 0..30 {
        let (mut fake, mut actual) = fresh();
        let before = reach(&mut fake, &mut actual, &first).len();
        fake.fail_at = Some(before + fail_at);
        let ops = plan(&second, &actual, CAPACITY, 6).expect("fits");
        let outcome = apply::run(&mut fake, &mut actual, &ops);
        assert_eq!(outcome.is_err(), fail_at < ops.len());
        fake.check().expect("consistent after a failure");
        reach(&mut fake, &mut actual, &second);
        assert!(fake.services.contains_key(&endpoint(2)) && fake.services.len() == 1);
    }
}

fn any_target() -> impl Strategy<Value = Target> {
    let real = (0u8..6, 0u16..3, proptest::option::of(1u32..3))
        .prop_map(|(n, weight, ifindex)| real(n, weight, ifindex));
    let reals = proptest::collection::vec(real, 0..5).prop_map(|mut reals| {
        reals.sort_by_key(|real| real.address);
        reals.dedup_by_key(|real| real.address);
        reals
    });
    proptest::collection::btree_map(0u8..6, reals, 0..5)
        .prop_map(|services| target(&services.into_iter().collect::<Vec<_>>()))
}

/// Targets whose services use all that there is.
fn any_rich_target() -> impl Strategy<Value = Target> {
    let pickings = [Picking::Hash, Picking::Turns, Picking::Least, Picking::NeverQueue];
    let policy = (
        proptest::sample::select(pickings.to_vec()),
        any::<bool>(),
        proptest::option::of((1..99u32, 8..=32u8)),
        proptest::collection::btree_map(0..4u8, 1..=2u32, 0..3),
        proptest::option::of((0..4u8, any::<bool>())),
    );
    (any_target(), proptest::collection::vec(policy, 6)).prop_map(|(mut target, policies)| {
        for (service, policy) in target.services.iter_mut().zip(policies) {
            let (picking, flag, persistence, prefixes, special) = policy;
            service.scheduling = Scheduling { picking, equal_weights: flag, hash_source: flag };
            service.persistence =
                persistence.map(|(timeout, prefix)| Persistence { timeout, prefix });
            service.keep_dead = flag;
            let net = |n| format!("198.51.{n}.0/24").parse().expect("a prefix");
            let prefixes = prefixes.into_iter().map(|(n, said)| (net(n), said)).collect();
            service.sources = SourceLists { prefixes, deny_others: flag };
            service.tracking = Tracking::Full;
            if let Some((n, sorry)) = special {
                let way = if sorry { way(1, [3; 6]) } else { Way::Local };
                service.reals.push(TargetReal { way: Some(way), sorry, ..real(100 + n, 1, None) });
            }
        }
        target
    })
}

#[test]
fn who_stands_in_gets_nothing_while_another_does() {
    let (mut fake, mut actual) = fresh();
    let sorry = TargetReal { sorry: true, ..real(9, 1, Some(1)) };
    let up = |weight, ifindex| target(&[(1, vec![real(1, weight, ifindex), sorry])]);
    for (target, owner) in [(up(1, Some(1)), 1), (up(1, None), 9), (up(0, Some(1)), 9)] {
        reach(&mut fake, &mut actual, &target);
        let id = fake.rings[&0][0].current();
        assert_eq!(fake.reals[&id].address[3], owner);
        assert!(fake.rings[&0].iter().all(|slot| slot.current() == id));
    }
}

#[test]
fn source_lists_are_there_before_the_service_goes_by_them_and_after_it_did() {
    let (mut fake, mut actual) = fresh();
    let open = target(&[(1, vec![real(1, 1, Some(1))])]);
    let mut shut = open.clone();
    let net = "198.51.100.0/24".parse().expect("a prefix");
    shut.services[0].sources =
        SourceLists { prefixes: BTreeMap::from([(net, source::ALLOW)]), deny_others: true };
    reach(&mut fake, &mut actual, &open);
    let at = |ops: &[MapOp], wanted: fn(&MapOp) -> bool| ops.iter().position(wanted);
    let ops = reach(&mut fake, &mut actual, &shut);
    let put = at(&ops, |op| matches!(op, MapOp::PutSource { .. }));
    assert!(put.is_some() && put < at(&ops, |op| matches!(op, MapOp::PutDetails { .. })));
    let ops = reach(&mut fake, &mut actual, &open);
    let removed = at(&ops, |op| matches!(op, MapOp::RemoveSource { .. }));
    assert!(removed > at(&ops, |op| matches!(op, MapOp::PutDetails { .. })), "{ops:?}");
}

#[test]
fn the_macs_of_virtual_routers_are_those_there_are() {
    let (mut fake, mut actual) = fresh();
    let with = |macs: &[Mac]| Target {
        virtual_macs: macs.iter().copied().collect(),
        ..target(&[(1, vec![real(1, 1, Some(1))])])
    };
    for macs in [&[[1; 6], [2; 6]][..], &[[2; 6], [3; 6]], &[]] {
        reach(&mut fake, &mut actual, &with(macs));
        assert!(actual.virtual_macs().iter().eq(macs));
    }
}

#[test]
fn a_director_that_is_a_real_knows_the_others() {
    let (mut fake, mut actual) = fresh();
    let this = TargetReal { way: Some(Way::Local), ..real(2, 1, None) };
    reach(&mut fake, &mut actual, &target(&[(1, vec![real(1, 1, Some(1)), this])]));
    assert_eq!(actual.peers(), &BTreeSet::from([[2, 0, 0, 0, 0, 1]]));
    reach(&mut fake, &mut actual, &target(&[(1, vec![real(1, 1, Some(1))])]));
    assert_eq!(actual.peers(), &BTreeSet::new(), "it is one no more");
}

#[test]
fn a_change_of_hops_leaves_other_services_alone() {
    let (mut fake, mut actual) = fresh();
    let both = |mac| {
        let mut moved = real(1, 1, Some(1));
        moved.way = Some(way(1, mac));
        target(&[(1, vec![moved]), (2, vec![real(2, 1, Some(1))])])
    };
    reach(&mut fake, &mut actual, &both([2; 6]));
    let wanted = both([4; 6]);
    let ops = plan_hops(wanted.services[..1].to_vec(), &actual, CAPACITY, 6).expect("it stands");
    assert!(matches!(ops[..], [MapOp::PutReal { real, .. }] if real.destination == [4; 6]));
    run(&mut fake, &mut actual, &ops);
    assert_eq!(plan(&wanted, &actual, CAPACITY, 6), Ok(vec![]));
}

#[test]
fn more_than_a_change_of_hops_is_for_a_whole_plan() {
    let (mut fake, mut actual) = fresh();
    reach(&mut fake, &mut actual, &target(&[(1, vec![real(1, 1, Some(1))])]));
    let other_service = target(&[(2, vec![real(1, 1, Some(1))])]);
    let other_real = target(&[(1, vec![real(2, 1, Some(1))])]);
    let mut other_tracking = target(&[(1, vec![real(1, 1, Some(1))])]);
    other_tracking.services[0].tracking = Tracking::None;
    for wanted in [other_service, other_real, other_tracking] {
        assert_eq!(plan_hops(wanted.services, &actual, CAPACITY, 6), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the way, no packet meets a half-made service, the end is what was asked for, and a
    /// new daemon that takes over finds the same and has nothing to change but unknown rings.
    #[test]
    fn any_sequence_of_targets_is_reached_safely(
        targets in proptest::collection::vec(any_target(), 1..6),
    ) {
        let (mut fake, mut actual) = fresh();
        for target in &targets {
            reach(&mut fake, &mut actual, target);
            prop_assert_eq!(plan(target, &actual, CAPACITY, 6), Ok(vec![]));
            let wanted: HashSet<Endpoint> = target.services.iter().map(|s| s.endpoint).collect();
            let found: HashSet<Endpoint> = fake.services.keys().copied().collect();
            prop_assert_eq!(wanted, found);
            let used: HashSet<(u32, IpAddr)> = actual
                .reals_in_use()
                .map(|(_, real)| (real.service, super::super::actual::address_of(real)))
                .collect();
            prop_assert_eq!(used.len(), target.services.iter().map(|s| s.reals.len()).sum::<usize>());
        }
        let last = targets.last().expect("one at least");
        let inherited = fake.read_back().expect("reads");
        let ops = plan(last, &inherited, CAPACITY, 6).expect("fits");
        prop_assert!(ops.iter().all(|op| matches!(op, MapOp::PutRing { .. })), "{:?}", ops);
    }

    /// As above, whatever services use. What was read back of an order is not known to be right.
    #[test]
    fn any_sequence_of_rich_targets_is_reached_safely(
        targets in proptest::collection::vec(any_rich_target(), 1..6),
    ) {
        let (mut fake, mut actual) = fresh();
        for target in &targets {
            reach(&mut fake, &mut actual, target);
            prop_assert_eq!(plan(target, &actual, CAPACITY, 6), Ok(vec![]));
        }
        let last = targets.last().expect("one at least");
        let inherited = fake.read_back().expect("reads");
        let ops = plan(last, &inherited, CAPACITY, 6).expect("fits");
        let unknown = |op: &MapOp| {
            matches!(op, MapOp::PutRing { .. } | MapOp::PutOrder { .. } | MapOp::RemoveOrder { .. })
        };
        prop_assert!(ops.iter().all(unknown), "{:?}", ops);
    }

    /// A change of hops by itself ends where a whole plan ends, but for interfaces that it leaves.
    #[test]
    fn hops_by_themselves_end_where_a_whole_plan_ends(
        first in any_target(),
        hops in proptest::collection::vec((0u8..6, proptest::option::of(1u32..3)), 1..6),
    ) {
        let (mut fake, mut actual) = fresh();
        reach(&mut fake, &mut actual, &first);
        let mut wanted = first;
        for (n, ifindex) in hops {
            let moved = real(n, 0, ifindex);
            let reals = wanted.services.iter_mut().flat_map(|service| &mut service.reals);
            reals.filter(|real| real.address == moved.address).for_each(|r| r.way = moved.way);
            let has = |s: &TargetService| s.reals.iter().any(|real| real.address == moved.address);
            let some = wanted.services.iter().filter(|s| has(s)).cloned().collect();
            let ops = plan_hops(some, &actual, CAPACITY, 6).expect("only hops change");
            run(&mut fake, &mut actual, &ops);
        }
        let left = plan(&wanted, &actual, CAPACITY, 6).expect("fits");
        prop_assert!(left.iter().all(|op| matches!(op, MapOp::RemoveEgress { .. })), "{:?}", left);
    }
}
