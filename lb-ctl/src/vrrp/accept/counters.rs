//! How many adverts of a virtual router there were. Pure.

use super::{Accepted, Kind, Rejected};
use crate::vrrp::packet::Covered;

/// How many adverts there were, since the virtual router was defined.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Adverts that were sent, to each peer one.
    pub sent: u64,
    /// Those of them with priority 0.
    pub sent_leaving: u64,
    /// Adverts that counted.
    pub received: u64,
    /// Those of them with priority 0.
    pub received_leaving: u64,
    /// Those of them with other addresses.
    pub list_differs: u64,
    covered: [u64; Covered::ALL.len()],
    rejected: [u64; Kind::ALL.len()],
}

impl Counters {
    /// An advert was sent.
    pub fn count_sent(&mut self, priority: u8) {
        self.sent += 1;
        self.sent_leaving += u64::from(priority == 0);
    }

    /// An advert was heard.
    pub fn count_heard(&mut self, advert: Result<&Accepted, &Rejected>) {
        match advert {
            Ok(advert) => {
                self.received += 1;
                self.received_leaving += u64::from(advert.heard.priority == 0);
                self.list_differs += u64::from(advert.differs.is_some());
                self.covered[advert.covered as usize] += 1;
            }
            Err(why) => self.rejected[why.kind() as usize] += 1,
        }
    }

    /// Adverts that counted, by what their checksum covers.
    pub fn covered(&self, covered: Covered) -> u64 {
        self.covered[covered as usize]
    }

    /// Adverts that did not count, by why.
    pub fn rejected(&self, kind: Kind) -> u64 {
        self.rejected[kind as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::*;
    use crate::vrrp::accept::Difference;
    use crate::vrrp::sm::Heard;

    #[test]
    fn every_advert_is_counted_where_it_belongs() {
        let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let heard = |priority| Heard { priority, interval: Duration::from_secs(1), source };
        let difference = Difference { foreign: vec![source], missing: Vec::new() };
        let mut counters = Counters::default();
        counters.count_sent(100);
        counters.count_sent(0);
        for (priority, covered, differs) in [
            (100, Covered::Message, None),
            (100, Covered::Message, Some(difference)),
            (0, Covered::PseudoHeader, None),
        ] {
            let advert = Accepted { heard: heard(priority), covered, differs };
            counters.count_heard(Ok(&advert));
        }
        counters.count_heard(Err(&Rejected::Password));
        let Counters { sent, sent_leaving, received, received_leaving, list_differs, .. } =
            counters;
        let counts = [sent, sent_leaving, received, received_leaving, list_differs];
        assert_eq!(counts, [2, 1, 3, 1, 1]);
        assert_eq!(Covered::ALL.map(|covered| counters.covered(covered)), [1, 2, 0]);
        for kind in Kind::ALL {
            assert_eq!(counters.rejected(kind), u64::from(kind == Kind::Password), "{kind:?}");
        }
    }

    #[test]
    fn all_that_is_counted_has_a_place_and_a_name_of_its_own() {
        assert_eq!(Kind::ALL.map(|kind| kind as usize), std::array::from_fn(|place| place));
        assert_eq!(Covered::ALL.map(|it| it as usize), std::array::from_fn(|place| place));
        let names: std::collections::BTreeSet<&str> = Kind::ALL.map(Kind::name).into();
        assert_eq!(names.len(), Kind::ALL.len());
    }
}
