//! The promise of tracking, as a model: the real engine over tables in memory, changed by the real
//! planner. Whatever happens to the set of reals, no flow whose real is alive changes its real, and
//! the connection table holds no more than the flows of slots that changed hands.

#[path = "model/clients.rs"]
mod clients;
#[path = "model/director.rs"]
mod director;
#[path = "model/pair.rs"]
mod pair;

use lb_common::key::Protocol;
use lb_common::value::{Ticks, Tracking};
use proptest::prelude::*;
use xdp_prog::fixtures::frame::Family;

use clients::Clients;
use director::Director;
use pair::Pair;

/// The most reals there are.
const REALS: usize = 6;

/// What can happen.
#[derive(Clone, Debug)]
enum Event {
    /// Time passes; flows that would be idle for too long send a packet.
    Wait(Ticks),
    /// So many flows begin.
    Begin(Protocol, usize),
    /// A share of the flows, told by a number, send a packet.
    Talk(u64),
    /// A share of the flows end.
    End(u64),
    /// SYNs of clients that never come again.
    Flood(usize),
    /// A real is added, or gets another weight; 0 drains it.
    Weigh(usize, u16),
    /// A real is deleted.
    Delete(usize),
    /// A real cannot be reached.
    Fail(usize),
    /// It can again.
    Recover(usize),
    /// The daemon looks which slots may settle.
    Settle,
    /// It reads the connection table.
    Walk,
    /// It takes in what it read, some time after.
    Walked,
    /// It dies, and another one takes over.
    Restart,
    /// The counters are set to zero.
    Zero,
}

fn event() -> impl Strategy<Value = Event> {
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp)];
    prop_oneof![
        6 => (1u32..200).prop_map(Event::Wait),
        3 => (200u32..1500).prop_map(Event::Wait),
        6 => (protocol, 1usize..12).prop_map(|(protocol, n)| Event::Begin(protocol, n)),
        8 => any::<u64>().prop_map(Event::Talk),
        2 => any::<u64>().prop_map(Event::End),
        1 => (1usize..60).prop_map(Event::Flood),
        5 => (0..REALS, 0u16..4).prop_map(|(real, weight)| Event::Weigh(real, weight)),
        1 => (0..REALS).prop_map(Event::Delete),
        2 => (0..REALS).prop_map(Event::Fail),
        3 => (0..REALS).prop_map(Event::Recover),
        6 => Just(Event::Settle),
        4 => Just(Event::Walk),
        4 => Just(Event::Walked),
        1 => Just(Event::Restart),
        1 => Just(Event::Zero),
    ]
}

/// Director and clients together.
struct World {
    director: Director,
    clients: Clients,
}

impl World {
    fn new(family: Family) -> Self {
        let mut world = Self { director: Director::new(family), clients: Clients::new(family) };
        for real in 0..3 {
            world.director.weigh(real, 1);
        }
        world
    }

    fn happen_all(&mut self, events: &[Event]) {
        for event in events {
            self.happen(event);
        }
    }

    fn happen(&mut self, event: &Event) {
        let Self { director, clients } = self;
        match event {
            Event::Wait(ticks) => clients.wait(director, *ticks),
            Event::Begin(protocol, count) => {
                for _ in 0..*count {
                    clients.begin(director, *protocol);
                }
            }
            Event::Talk(share) => clients.talk(director, *share),
            Event::End(share) => clients.end(director, *share),
            Event::Flood(count) => clients.flood(director, *count),
            Event::Weigh(real, weight) => director.weigh(*real, *weight),
            Event::Delete(real) => {
                director.delete(*real);
                clients.lose(*real);
            }
            Event::Fail(real) => {
                director.reach(*real, false);
                clients.lose(*real);
            }
            Event::Recover(real) => director.reach(*real, true),
            Event::Settle => director.settle(),
            Event::Walk => director.walk(),
            Event::Walked => director.walked(),
            Event::Restart => director.restart(),
            Event::Zero => director.zero(),
        }
    }
}

fn family() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::V4), Just(Family::V6)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn no_flow_whose_real_is_alive_changes_its_real(
        family in family(),
        events in proptest::collection::vec(event(), 20..150),
    ) {
        let mut world = World::new(family);
        for event in &events {
            world.happen(event);
        }
        world.clients.talk(&mut world.director, u64::MAX);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn nor_does_one_that_goes_to_the_other_director(
        family in family(),
        events in proptest::collection::vec(pair::event(), 20..150),
    ) {
        let mut pair = Pair::new(family);
        for event in &events {
            pair.happen(event);
        }
        pair.fail_over();
        pair.fail_over();
    }
}

/// What that rests on: that flows are lost where directors do not tell each other of them.
#[test]
#[should_panic(expected = "changed its real")]
fn directors_that_tell_each_other_nothing_lose_flows() {
    let mut pair = Pair::new(Family::V4);
    pair.part();
    for event in
        [pair::Event::Weigh(4, 1), pair::Event::Begin(Protocol::Tcp, 50), pair::Event::FailOver]
    {
        pair.happen(&event);
    }
}

/// What the model rests on: that it sees a flow move where nothing holds it.
#[test]
#[should_panic(expected = "changed its real")]
fn without_tracking_flows_move() {
    let mut world = World::new(Family::V4);
    world.director.track(Tracking::None);
    let events = [Event::Begin(Protocol::Tcp, 50), Event::Weigh(4, 1), Event::Talk(u64::MAX)];
    world.happen_all(&events);
}

/// And that time brings rings to rest, with the flows where they were.
#[test]
fn a_change_comes_to_rest_and_its_flows_stay() {
    let mut world = World::new(Family::V6);
    let look = [Event::Settle, Event::Walk, Event::Walked];
    world.happen_all(&look);
    assert_eq!(world.director.census(), (0, 0), "before the first packet there is nothing to keep");
    let begin = |protocol| Event::Begin(protocol, 60);
    for event in [begin(Protocol::Tcp), begin(Protocol::Udp), Event::Weigh(4, 1), Event::Settle] {
        world.happen(&event);
    }
    let (moving, _) = world.director.census();
    assert!(moving > 0);
    // A few at a time, or not all could be recorded.
    for turn in 0..32 {
        world.happen(&Event::Talk(1 << turn | 1 << (turn + 32)));
        world.happen(&Event::Wait(1));
    }
    world.happen(&Event::Wait(4000));
    world.happen_all(&look);
    let (unsettled, marked) = world.director.census();
    assert_eq!(unsettled, 0);
    assert!(marked > 0 && marked < moving, "{marked} of {moving} slots have flows elsewhere");
    world.happen(&Event::End(u64::MAX));
    for event in [Event::Wait(4000), Event::Walk, Event::Walked] {
        world.happen(&event);
    }
    assert_eq!(world.director.census(), (0, 0));
    assert_eq!(world.director.entries(), 0, "what expired was swept out");
}

/// Every flow recorded is what changes are measured against: it holds the same promise.
#[test]
fn the_promise_holds_while_the_tracking_changes() {
    for (first, second) in
        [(Tracking::Changes, Tracking::Full), (Tracking::Full, Tracking::Changes)]
    {
        let mut world = World::new(Family::V4);
        world.director.track(first);
        let begin = Event::Begin(Protocol::Tcp, 40);
        for event in [begin.clone(), Event::Weigh(4, 1), begin.clone()] {
            world.happen(&event);
        }
        world.director.track(second);
        for event in [begin, Event::Weigh(5, 2), Event::Talk(u64::MAX), Event::Wait(4000)] {
            world.happen(&event);
        }
        for event in [Event::Settle, Event::Walk, Event::Walked, Event::Weigh(1, 0)] {
            world.happen(&event);
            world.happen(&Event::Talk(u64::MAX));
        }
    }
}
