//! The promises of VRRP, as a model: two and three directors with the real virtual routers, over a
//! network that loses, delays, doubles, reorders and parts, with processes that are killed, stopped
//! and suspended. `PROPTEST_CASES=100000 cargo test --test vrrp_model` runs many more cases.

#[path = "vrrp_model/director.rs"]
mod director;
#[path = "vrrp_model/network.rs"]
mod network;
#[path = "vrrp_model/scenarios.rs"]
mod scenarios;
#[path = "vrrp_model/setup.rs"]
mod setup;
#[path = "vrrp_model/watch.rs"]
mod watch;
#[path = "vrrp_model/world.rs"]
mod world;

use std::time::Duration;

use lb_ctl::config::vrrp::{OWNER, Preempt, Version};
use proptest::prelude::*;
use proptest::sample::select;

use director::First;
use setup::{Part, Setup};
use world::{Event, World};

/// The most directors there are.
const DIRECTORS: usize = 3;
/// Cases of each property, where the environment does not say.
const CASES: u32 = 120;

fn config() -> ProptestConfig {
    let told = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { told.cases } else { CASES };
    ProptestConfig { cases, max_shrink_iters: 2_000, ..told }
}

fn part(version: Version, interval: Duration) -> impl Strategy<Value = Part> {
    let priorities = select(vec![1, 50, 100, 100, 101, 150, 254, OWNER]);
    let preempts = select(vec![
        Preempt::default(),
        Preempt::default(),
        Preempt::After(interval * 10),
        Preempt::Never,
    ]);
    // In version 2 adverts of another interval are not good ones (RFC 3768, section 7.1).
    let factors = select(if version == Version::V2 { vec![1] } else { vec![1, 1, 1, 2, 5] });
    (priorities, preempts, factors).prop_map(move |(priority, preempt, factor)| Part {
        priority,
        interval: interval * factor,
        preempt,
    })
}

/// Directors, and the network between them: orderly, or one where packets overtake each other.
fn setup(routers: Vec<u32>, orderly: bool) -> impl Strategy<Value = Setup> {
    let versions = select(vec![
        (Version::V2, 1000),
        (Version::V2, 3000),
        (Version::V3, 10),
        (Version::V3, 100),
        (Version::V3, 1000),
        (Version::V3, 2000),
    ]);
    versions.prop_flat_map(move |(version, millis)| {
        let interval = Duration::from_millis(millis);
        let parts = proptest::collection::vec(part(version, interval), 2..=DIRECTORS);
        let (routers, micros) = (routers.clone(), select(vec![20u64, 200, 2000]));
        (parts, micros, any::<u64>()).prop_map(move |(parts, micros, seed)| Setup {
            version,
            parts,
            routers: routers.clone(),
            delay: Duration::from_micros(micros),
            jitter: Duration::from_micros(if orderly { 0 } else { micros * 2 }),
            seed,
        })
    })
}

/// What happens to directors: they are changed, and brought to do something.
fn change(directors: usize) -> impl Strategy<Value = Event> {
    let at = 0..directors;
    let priorities = select(vec![1u8, 50, 100, 101, 150, 254]);
    prop_oneof![
        3 => at.clone().prop_map(Event::Stop),
        4 => at.clone().prop_map(Event::Begin),
        3 => at.clone().prop_map(Event::HandOver),
        3 => at.clone().prop_map(Event::Resume),
        4 => (at.clone(), 0usize..2, any::<bool>()).prop_map(|(at, script, works)| {
            Event::Script(at, script, works)
        }),
        2 => (at, priorities).prop_map(|(at, priority)| Event::Priority(at, priority)),
    ]
}

/// What happens to processes, links and the network.
fn mishap(directors: usize, routers: usize) -> impl Strategy<Value = Event> {
    let at = 0..directors;
    let first = select(vec![First::Packets, First::Packets, First::Timers]);
    prop_oneof![
        3 => at.clone().prop_map(Event::Kill),
        4 => at.clone().prop_map(Event::Begin),
        2 => at.clone().prop_map(Event::Suspend),
        3 => (at.clone(), first).prop_map(|(at, first)| Event::Wake(at, first)),
        2 => (at.clone(), any::<bool>()).prop_map(|(at, up)| Event::Link(at, up)),
        2 => (0u8..40, 0u8..30).prop_map(|(loss, twice)| Event::Network(loss, twice)),
        2 => (0..routers, at.clone(), at)
            .prop_map(|(router, from, to)| Event::Cut(from, to, router)),
        3 => Just(Event::Heal),
    ]
}

fn wait() -> impl Strategy<Value = Event> {
    prop_oneof![3 => 0u16..20, 4 => 20u16..100].prop_map(Event::Wait)
}

/// A run: directors, what happens, and which of them cannot take part in the end.
fn run(routers: Vec<u32>, mishaps: u32) -> impl Strategy<Value = (Setup, Vec<Event>, Vec<usize>)> {
    let count = routers.len();
    setup(routers, mishaps == 0).prop_flat_map(move |setup| {
        let directors = setup.parts.len();
        let event = prop_oneof![
            6 => wait(),
            4 => change(directors),
            mishaps => mishap(directors, count),
        ];
        let events = proptest::collection::vec(event, 5..40);
        let unfit = proptest::sample::subsequence((0..directors).collect::<Vec<_>>(), 0..2);
        (Just(setup), events, unfit)
    })
}

fn hold_for((setup, events, unfit): &(Setup, Vec<Event>, Vec<usize>)) {
    let mut world = World::new(setup);
    for event in events {
        world.happen(event);
    }
    world.settle(unfit);
}

proptest! {
    #![proptest_config(config())]

    /// Operators do what they like, and the network is good: there is always one who has the
    /// addresses, where somebody leaves in order.
    #[test]
    fn all_in_order(run in run(vec![1], 0)) {
        hold_for(&run);
    }

    #[test]
    fn whatever_happens(run in run(vec![1], 6)) {
        hold_for(&run);
    }

    #[test]
    fn groups_in_order(run in run(vec![1, 3], 0)) {
        hold_for(&run);
    }

    #[test]
    fn groups_whatever_happens(run in run(vec![1, 1], 6)) {
        hold_for(&run);
    }
}
