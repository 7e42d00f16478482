//! The order in which a scheduler that is no hash looks at its reals. Pure.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use lb_common::value::RealId;

use super::maglev::Member;

/// What the places of an order mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Each place is a turn; reals come round as often as their weights say.
    Turns,
    /// Each real has one place.
    List,
}

/// A service's order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    kind: Kind,
    /// Not known of one that an earlier daemon left.
    members: Option<Arc<[Member]>>,
}

impl Order {
    /// The order of these members.
    pub fn new(kind: Kind, members: Vec<Member>) -> Self {
        Self { kind, members: Some(members.into()) }
    }

    /// An order that an earlier daemon left: like no other.
    pub const fn inherited() -> Self {
        Self { kind: Kind::List, members: None }
    }

    /// How many places it has, where a ring has so many slots. A power of two for turns, so that
    /// packets need not divide.
    pub fn places(&self, slots: u32) -> u32 {
        match self.kind {
            Kind::Turns => 1 << slots.ilog2(),
            Kind::List => self.members().len() as u32,
        }
    }

    /// Whether there is nobody in it.
    pub fn is_empty(&self) -> bool {
        self.members().is_empty()
    }

    /// Who stands at each place.
    pub fn fill(&self, slots: u32) -> Vec<RealId> {
        match self.kind {
            Kind::Turns => turns(self.members(), self.places(slots)),
            Kind::List => self.members().iter().map(|member| member.id).collect(),
        }
    }

    fn members(&self) -> &[Member] {
        self.members.as_deref().unwrap_or_default()
    }
}

/// One part in so many of the span between two turns of a real of weight 1.
const SPAN: u64 = 1 << 32;

/// Spreads the turns of each member evenly: a member of weight w has its k-th turn at (2k + 1) / 2w
/// of the way, and whoever's is next comes next. Members of equal weight alternate.
fn turns(members: &[Member], places: u32) -> Vec<RealId> {
    let due = |index: usize, turn: u64| {
        let at = (2 * turn + 1) * SPAN / u64::from(2 * u32::from(members[index].weight));
        Reverse((at, index, turn))
    };
    let heavy = (0..members.len()).filter(|index| members[*index].weight > 0);
    let mut next: BinaryHeap<_> = heavy.map(|index| due(index, 0)).collect();
    let mut order = Vec::with_capacity(places as usize);
    while order.len() < places as usize
        && let Some(Reverse((_, index, turn))) = next.pop()
    {
        order.push(members[index].id);
        next.push(due(index, turn + 1));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(weights: &[u16]) -> Vec<Member> {
        let member = |(index, weight): (usize, &u16)| Member {
            id: index as u32 + 1,
            address: std::net::Ipv4Addr::from(index as u32).into(),
            weight: *weight,
        };
        weights.iter().enumerate().map(member).collect()
    }

    fn filled(weights: &[u16], slots: u32) -> Vec<RealId> {
        Order::new(Kind::Turns, members(weights)).fill(slots)
    }

    #[test]
    fn equal_members_alternate() {
        assert_eq!(filled(&[1, 1, 1], 7), [1, 2, 3, 1]);
        assert_eq!(filled(&[9, 9], 5), [1, 2, 1, 2]);
    }

    #[test]
    fn turns_are_spread_and_not_bunched() {
        assert_eq!(filled(&[3, 1], 11)[..4], [1, 1, 2, 1]);
        let order = filled(&[65535, 1], 65537);
        assert_eq!(order.len(), 65536);
        assert_eq!(order.iter().filter(|id| **id == 2).count(), 1, "the lightest has its turn");
    }

    #[test]
    fn every_share_is_right_to_within_a_turn() {
        for weights in [vec![1, 2, 3, 4], vec![100, 1, 7], vec![5; 100]] {
            let order = filled(&weights, 1021);
            let total: u32 = weights.iter().map(|weight| u32::from(*weight)).sum();
            for (index, weight) in weights.iter().enumerate() {
                let taken = order.iter().filter(|id| **id as usize == index + 1).count();
                let taken = u32::try_from(taken).unwrap();
                let share = 512.0 * f64::from(*weight) / f64::from(total);
                let off = (f64::from(taken) - share).abs();
                assert!(off <= 1.0, "{weights:?}: {taken} of {share}");
            }
        }
    }

    #[test]
    fn a_list_has_each_once_and_nobody_is_an_order_too() {
        let list = Order::new(Kind::List, members(&[4, 0, 1]));
        assert_eq!((list.places(65537), list.fill(65537)), (3, vec![1, 2, 3]));
        assert!(Order::new(Kind::Turns, Vec::new()).fill(7).is_empty());
        assert!(filled(&[0, 0], 7).is_empty(), "nobody has a weight");
        assert_ne!(Order::inherited(), list);
    }
}
