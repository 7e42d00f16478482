//! What is counted of virtual routers, and what was said of their adverts. Pure.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::time::Instant;

use super::accept::{Accepted, Counters, Kind, Once, Packet, Rejected};
use super::packet::Covered;
use super::routers::Status;
use super::sm::Role;
use super::status::{AdvertCounts, Conflict, Transitions, VrrpStatus};
use super::strangers::Strangers;
use crate::config::vrrp::{Instance, Vrrp};

/// What is counted of virtual routers, and what was said of their adverts.
#[derive(Debug, Default)]
pub(super) struct Books {
    pages: HashMap<String, Page>,
    once: Once,
}

#[derive(Debug, Default)]
struct Page {
    counters: Counters,
    transitions: Transitions,
    strangers: Strangers,
    /// Why adverts could not be sent, as it was said last.
    complaint: Option<String>,
}

impl Books {
    /// Forgets those that are defined no longer.
    pub(super) fn keep(&mut self, vrrp: &Vrrp) {
        self.pages.retain(|name, _| vrrp.instances.contains_key(name));
        for name in vrrp.instances.keys() {
            self.pages.entry(name.clone()).or_default();
        }
    }

    fn page(&mut self, instance: &Instance) -> &mut Page {
        self.pages.entry(instance.name.clone()).or_default()
    }

    /// A good advert was heard. What there is to say of it, where that is new.
    pub(super) fn accepted(
        &mut self,
        now: Instant,
        instance: &Instance,
        advert: &Accepted,
    ) -> Option<String> {
        self.page(instance).counters.count_heard(Ok(advert));
        let is_news = self.once.accepted(now, advert, instance.vrid);
        let difference = advert.differs.as_ref().filter(|_| is_news)?;
        Some(format!("an advert of {}: {difference}", advert.heard.source))
    }

    /// An advert was heard that does not count. Whether that is to be told of.
    pub(super) fn rejected(
        &mut self,
        now: Instant,
        instance: Option<&Instance>,
        packet: &Packet,
        why: &Rejected,
    ) -> bool {
        if let Some(instance) = instance {
            self.page(instance).counters.count_heard(Err(why));
        }
        let vrid = packet.payload.get(1).copied().unwrap_or_default();
        self.once.rejected(now, why, packet.source, vrid)
    }

    /// An advert was sent to so many, or was not. What there is to say of that, where it is new.
    pub(super) fn sent(
        &mut self,
        instance: &Instance,
        priority: u8,
        sent: io::Result<u64>,
    ) -> Option<String> {
        let page = self.page(instance);
        let complaint = match sent {
            Ok(count) => {
                (0..count).for_each(|_| page.counters.count_sent(priority));
                None
            }
            Err(error) => Some(format!("adverts are not sent: {error}")),
        };
        if complaint == page.complaint {
            return None;
        }
        page.complaint.clone_from(&complaint);
        complaint
    }

    /// A state has changed.
    pub(super) fn changed(&mut self, instance: &Instance, to: Role) {
        self.page(instance).transitions.count(to);
    }

    /// Somebody else has an address that is held here.
    pub(super) fn conflict(&mut self, now: Instant, instance: &Instance, conflict: Conflict) {
        self.page(instance).strangers.note(now, conflict);
    }

    /// How a virtual router stands, with what was counted.
    pub(super) fn with(&self, router: Status) -> VrrpStatus {
        let page = self.pages.get(&router.instance.name);
        VrrpStatus {
            adverts: page.map(|page| counts(&page.counters)).unwrap_or_default(),
            transitions: page.map(|page| page.transitions).unwrap_or_default(),
            strangers: page.map(|page| page.strangers.clone()).unwrap_or_default(),
            router,
        }
    }
}

fn counts(counters: &Counters) -> AdvertCounts {
    let rejected = Kind::ALL.map(|kind| (kind.name(), counters.rejected(kind)));
    let covered = Covered::ALL.map(|covered| (covered.name(), counters.covered(covered)));
    let seen = |counts: &[(&'static str, u64)]| -> BTreeMap<&'static str, u64> {
        counts.iter().copied().filter(|(_, count)| *count > 0).collect()
    };
    AdvertCounts {
        sent: counters.sent,
        received: counters.received,
        rejected: seen(&rejected),
        covered: seen(&covered),
        differing: counters.list_differs,
    }
}
