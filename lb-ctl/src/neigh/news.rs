//! What the daemon has yet to be told. Pure.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::net::IpAddr;

use super::driver::{LinkChange, NetEvent};
use super::table::{Resolution, Table};
use crate::netlink::types::Link;

/// Events that wait for room in the daemon's channel. The task must not wait for it itself: the
/// daemon may be waiting for the task.
#[derive(Debug, Default)]
pub(super) struct News {
    outbox: VecDeque<NetEvent>,
    addresses: HashSet<(u32, IpAddr)>,
    /// What the daemon believes, by reply or event.
    reported: HashMap<IpAddr, Resolution>,
    /// Reals whose resolution may differ from what was reported.
    changed: BTreeSet<IpAddr>,
}

impl News {
    pub(super) fn is_empty(&self) -> bool {
        self.outbox.is_empty() && self.changed.is_empty()
    }

    /// A link is new, different or gone.
    pub(super) fn link(&mut self, link: &Link, present: bool) {
        self.outbox.push_back(NetEvent::Link(LinkChange::new(link, present)));
    }

    /// An address is there.
    pub(super) fn address(&mut self, ifindex: u32, address: IpAddr) {
        if self.addresses.insert((ifindex, address)) {
            self.outbox.push_back(NetEvent::AddressAdded { ifindex, address });
        }
    }

    /// An address is not there.
    pub(super) fn no_address(&mut self, ifindex: u32, address: IpAddr) {
        if self.addresses.remove(&(ifindex, address)) {
            self.outbox.push_back(NetEvent::AddressRemoved { ifindex, address });
        }
    }

    /// These addresses are there, and no others.
    pub(super) fn addresses(&mut self, present: &HashSet<(u32, IpAddr)>) {
        let gone: Vec<_> = self.addresses.difference(present).copied().collect();
        for (ifindex, address) in gone {
            self.no_address(ifindex, address);
        }
        for &(ifindex, address) in present {
            self.address(ifindex, address);
        }
    }

    /// The resolution of these reals may have changed.
    pub(super) fn changed<'a>(&mut self, rips: impl IntoIterator<Item = &'a IpAddr>) {
        self.changed.extend(rips);
    }

    /// The daemon gets these resolutions as the reply to a command. If it has `untaken` events, it
    /// will take those after the reply though they are older: then all is told again behind them.
    pub(super) fn replied(&mut self, reply: &HashMap<IpAddr, Resolution>, untaken: bool) {
        if untaken {
            self.reported.clear();
            self.changed.extend(reply.keys());
        } else {
            self.reported.clone_from(reply);
            self.changed.clear();
        }
    }

    /// The next event, if there is anything to tell after all.
    pub(super) fn next(&mut self, table: &Table) -> Option<NetEvent> {
        self.outbox.pop_front().or_else(|| self.resolutions(table))
    }

    fn resolutions(&mut self, table: &Table) -> Option<NetEvent> {
        let mut news = Vec::new();
        for rip in std::mem::take(&mut self.changed) {
            if !table.watches(rip) {
                continue;
            }
            let now = table.resolution(rip);
            if self.reported.get(&rip) != Some(&now) {
                self.reported.insert(rip, now.clone());
                news.push((rip, now));
            }
        }
        (!news.is_empty()).then_some(NetEvent::Resolutions(news))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neigh::Why;
    use crate::netlink::types::Route;

    fn rip() -> IpAddr {
        "192.0.2.21".parse().unwrap()
    }

    fn table() -> Table {
        let mut table = Table::default();
        table.watch(&[rip()].into());
        table
    }

    fn no_route() -> HashMap<IpAddr, Resolution> {
        [(rip(), Resolution::Unresolved(Why::NoRoute))].into()
    }

    fn told(why: Why) -> NetEvent {
        NetEvent::Resolutions(vec![(rip(), Resolution::Unresolved(why))])
    }

    #[test]
    fn tells_a_change_once() {
        let (mut table, mut news) = (table(), News::default());
        news.replied(&no_route(), false);
        assert!(news.is_empty());
        table.set_route(rip(), Some(Route { ifindex: 1, gateway: None, local: true }));
        news.changed(&[rip()]);
        assert_eq!(
            news.next(&table),
            Some(NetEvent::Resolutions(vec![(rip(), Resolution::Local)]))
        );
        news.changed(&[rip()]);
        assert_eq!(news.next(&table), None);
    }

    #[test]
    fn a_change_that_was_undone_is_no_news() {
        let (mut table, mut news) = (table(), News::default());
        news.replied(&no_route(), false);
        table.set_route(rip(), Some(Route { ifindex: 1, gateway: None, local: true }));
        news.changed(&[rip()]);
        table.set_route(rip(), None);
        assert_eq!(news.next(&table), None);
    }

    #[test]
    fn a_reply_that_overtakes_an_event_is_told_again_behind_it() {
        let (table, mut news) = (table(), News::default());
        news.replied(&no_route(), true);
        assert_eq!(news.next(&table), Some(told(Why::NoRoute)));
        assert!(news.is_empty());
    }

    #[test]
    fn reals_no_longer_watched_are_no_news() {
        let (mut table, mut news) = (table(), News::default());
        news.changed(&[rip()]);
        table.watch(&BTreeSet::new());
        assert_eq!(news.next(&table), None);
    }

    #[test]
    fn addresses_are_told_by_difference() {
        let (table, mut news) = (table(), News::default());
        let other = "192.0.2.22".parse().unwrap();
        news.address(2, rip());
        news.address(2, rip());
        news.no_address(3, rip());
        news.addresses(&[(2, other)].into());
        let events: Vec<_> = std::iter::from_fn(|| news.next(&table)).collect();
        let expected = [
            NetEvent::AddressAdded { ifindex: 2, address: rip() },
            NetEvent::AddressRemoved { ifindex: 2, address: rip() },
            NetEvent::AddressAdded { ifindex: 2, address: other },
        ];
        assert_eq!(events, expected);
    }
}
