//! Which neighbours the kernel was asked to keep fresh, and which to ask for. Pure.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// A real that does not answer is asked again this often. A neighbour that vanishes sooner than
/// this after it was asked for waits its turn: the kernel may be throwing entries out of a full
/// table as fast as they are made.
pub(super) const RETRY: Duration = Duration::from_secs(2);

/// A neighbour: interface and address.
pub(super) type Place = (u32, IpAddr);

/// What to ask of the kernel.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Orders {
    /// Resolve these and keep them fresh.
    pub(super) resolve: Vec<Place>,
    /// Keep these fresh no longer.
    pub(super) release: Vec<Place>,
}

#[derive(Debug)]
struct Asked {
    ifindex: u32,
    at: Instant,
    /// The kernel has forgotten it since, and with it that it was to be kept fresh.
    forgotten: bool,
}

/// The neighbours asked for, by RIP.
#[derive(Debug, Default)]
pub(super) struct Asking {
    asked: HashMap<IpAddr, Asked>,
}

impl Asking {
    /// A real is now to be asked for on this interface, or nowhere.
    pub(super) fn follow(
        &mut self,
        rip: IpAddr,
        on: Option<u32>,
        now: Instant,
        orders: &mut Orders,
    ) {
        if let Some(asked) = self.asked.get(&rip) {
            if on != Some(asked.ifindex) {
                orders.release.push((asked.ifindex, rip));
            } else if !asked.forgotten || now.duration_since(asked.at) < RETRY {
                return;
            }
        }
        match on {
            Some(ifindex) => self.order(rip, ifindex, now, orders),
            None => {
                self.asked.remove(&rip);
            }
        }
    }

    /// Time to ask once more on this interface, unless all is well.
    pub(super) fn again(
        &mut self,
        rip: IpAddr,
        on: u32,
        resolved: bool,
        now: Instant,
        orders: &mut Orders,
    ) {
        let kept = self.asked.get(&rip).is_some_and(|asked| !asked.forgotten);
        if !(kept && resolved) {
            self.order(rip, on, now, orders);
        }
    }

    /// The kernel has forgotten a neighbour. Returns whether it had been asked for.
    pub(super) fn forgotten(&mut self, ifindex: u32, rip: IpAddr) -> bool {
        match self.asked.get_mut(&rip) {
            Some(asked) if asked.ifindex == ifindex => {
                asked.forgotten = true;
                true
            }
            _ => false,
        }
    }

    /// The kernel may have forgotten any of them.
    pub(super) fn all_forgotten(&mut self) {
        for asked in self.asked.values_mut() {
            asked.forgotten = true;
        }
    }

    fn order(&mut self, rip: IpAddr, ifindex: u32, now: Instant, orders: &mut Orders) {
        self.asked.insert(rip, Asked { ifindex, at: now, forgotten: false });
        orders.resolve.push((ifindex, rip));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rip() -> IpAddr {
        "192.0.2.21".parse().unwrap()
    }

    fn follow(asking: &mut Asking, on: Option<u32>, now: Instant) -> Orders {
        let mut orders = Orders::default();
        asking.follow(rip(), on, now, &mut orders);
        orders
    }

    fn again(asking: &mut Asking, resolved: bool, now: Instant) -> Orders {
        let mut orders = Orders::default();
        asking.again(rip(), 2, resolved, now, &mut orders);
        orders
    }

    fn resolve(ifindex: u32) -> Orders {
        Orders { resolve: vec![(ifindex, rip())], release: Vec::new() }
    }

    #[test]
    fn asks_once() {
        let (mut asking, now) = (Asking::default(), Instant::now());
        assert_eq!(follow(&mut asking, Some(2), now), resolve(2));
        assert_eq!(follow(&mut asking, Some(2), now), Orders::default());
        assert_eq!(again(&mut asking, true, now + RETRY), Orders::default());
        assert_eq!(again(&mut asking, false, now + RETRY), resolve(2));
    }

    #[test]
    fn follows_the_way() {
        let (mut asking, now) = (Asking::default(), Instant::now());
        follow(&mut asking, Some(2), now);
        let moved = Orders { resolve: vec![(3, rip())], release: vec![(2, rip())] };
        assert_eq!(follow(&mut asking, Some(3), now), moved);
        let left = Orders { resolve: Vec::new(), release: vec![(3, rip())] };
        assert_eq!(follow(&mut asking, None, now), left);
        assert_eq!(follow(&mut asking, None, now), Orders::default());
    }

    #[test]
    fn asks_anew_for_the_forgotten_but_not_at_once() {
        let (mut asking, now) = (Asking::default(), Instant::now());
        follow(&mut asking, Some(2), now);
        assert!(!asking.forgotten(3, rip()));
        assert!(asking.forgotten(2, rip()));
        assert_eq!(follow(&mut asking, Some(2), now), Orders::default());
        assert_eq!(follow(&mut asking, Some(2), now + RETRY), resolve(2));
        asking.all_forgotten();
        assert_eq!(again(&mut asking, true, now + RETRY), resolve(2));
    }
}
