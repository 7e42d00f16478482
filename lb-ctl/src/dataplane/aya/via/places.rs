//! Which place of the array a VIP has.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use lb_common::via;

/// VIPs and their places. A place that is let go is taken again as late as can be: sockets may
/// still have its mark.
#[derive(Default, Debug)]
pub(super) struct Places {
    of: BTreeMap<IpAddr, u16>,
    taken: BTreeSet<u16>,
    next: u16,
}

impl Places {
    pub(super) fn of(&self, vip: IpAddr) -> Option<u16> {
        self.of.get(&vip).copied()
    }

    /// Gives a place to a VIP that has none; `None` where all are taken.
    pub(super) fn take(&mut self, vip: IpAddr) -> Option<u16> {
        if self.taken.len() as u32 == via::VIPS {
            return None;
        }
        let mut places = (0..=u16::MAX).map(|step| self.next.wrapping_add(step));
        let place = places.find(|place| !self.taken.contains(place))?;
        self.next = place.wrapping_add(1);
        self.taken.insert(place);
        self.of.insert(vip, place);
        Some(place)
    }

    pub(super) fn free(&mut self, vip: IpAddr) {
        if let Some(place) = self.of.remove(&vip) {
            self.taken.remove(&place);
        }
    }

    /// All VIPs but these, with their places.
    pub(super) fn others(&self, vips: &BTreeSet<IpAddr>) -> Vec<(IpAddr, u16)> {
        let others = self.of.iter().filter(|(vip, _)| !vips.contains(*vip));
        others.map(|(vip, place)| (*vip, *place)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn vip(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn a_place_stays_and_is_taken_again_last() {
        let mut places = Places::default();
        assert_eq!((places.take(vip(1)), places.take(vip(2))), (Some(0), Some(1)));
        assert_eq!(places.of(vip(1)), Some(0));
        places.free(vip(1));
        assert_eq!((places.of(vip(1)), places.of(vip(2))), (None, Some(1)));
        assert_eq!(places.take(vip(1)), Some(2));
        assert_eq!(places.others(&[vip(2)].into()), [(vip(1), 2)]);
    }

    #[test]
    fn every_place_can_be_taken_and_no_more() {
        let mut places = Places::default();
        for number in 0..via::VIPS {
            assert!(places.take(vip(number)).is_some(), "{number}");
        }
        assert_eq!(places.take(vip(via::VIPS)), None);
        places.free(vip(7));
        assert_eq!(places.take(vip(via::VIPS)), Some(7));
    }
}
