//! Waiting until the maps say that a change is in effect.

use std::net::IpAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use lb_common::value::{Mac, NO_REAL, RealId};
use lb_ctl::dataplane::aya::inspect::{Inspector, MapMemory};
use lb_ctl::reconcile::actual::{address_of, in_use};

use super::ControlError;
use super::world::{Size, room};

/// Longer than anything takes that works.
const LIMIT: Duration = Duration::from_mins(1);
/// How often the maps are looked at: finer than what is told apart.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// What a real has of a ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    /// The kernel's id of the ring.
    ring: Option<u32>,
    slots: usize,
}

/// The maps of one daemon.
pub(super) struct Watch {
    maps: Inspector,
    size: Size,
}

impl Watch {
    pub(super) fn open(pins: &Path, size: Size) -> Result<Self, ControlError> {
        Ok(Self { maps: Inspector::open(pins)?, size })
    }

    pub(super) fn memory(&self) -> Result<MapMemory, ControlError> {
        Ok(self.maps.memory()?)
    }

    /// Fails where a service's ring has not all its reals.
    pub(super) fn check_rings(&self) -> Result<(), ControlError> {
        let wanted = self.size.reals as usize;
        for service in 0..self.size.services {
            let mut reals: Vec<RealId> = Vec::new();
            for slot in self.maps.ring(service)?.unwrap_or_default() {
                if slot.current() != NO_REAL && !reals.contains(&slot.current()) {
                    reals.push(slot.current());
                }
            }
            if reals.len() != wanted {
                return Err(ControlError::NotInEffect { service, reals: reals.len(), wanted });
            }
        }
        Ok(())
    }

    /// What a real of this address has of the ring of a service.
    pub(super) fn share(&self, service: u32, address: IpAddr) -> Result<Share, ControlError> {
        let ring = self.maps.ring_id(service)?;
        let reals = self.maps.reals(room(self.size))?;
        let owned = reals.iter().position(|real| {
            in_use(real) && real.service == service && address_of(real) == address
        });
        let slots = self.maps.ring(service)?.unwrap_or_default();
        let is_owned = |real: RealId| owned.is_some_and(|id| id == real as usize);
        let slots = slots.iter().filter(|slot| is_owned(slot.current())).count();
        Ok(Share { ring, slots })
    }

    /// Waits until a real has more of the ring than before; says when that ring was first seen.
    /// Whole rings are read only when they are new, since that takes longer than most changes.
    pub(super) fn wait_for_more(
        &self,
        service: u32,
        address: IpAddr,
        before: Share,
    ) -> Result<Instant, ControlError> {
        let (mut ring, mut when) = (before.ring, Instant::now());
        wait(&format!("{address} to have more than {} slots", before.slots), || {
            let now = self.maps.ring_id(service)?;
            if now == ring {
                return Ok(false);
            }
            (ring, when) = (now, Instant::now());
            Ok(self.share(service, address)?.slots > before.slots)
        })?;
        Ok(when)
    }

    /// Waits until a real has no slot of the ring any more; says when that ring was first seen.
    pub(super) fn wait_for_none(
        &self,
        service: u32,
        address: IpAddr,
        before: Share,
    ) -> Result<SystemTime, ControlError> {
        let (mut ring, mut when) = (before.ring, SystemTime::now());
        wait(&format!("{address} to have no slots"), || {
            let now = self.maps.ring_id(service)?;
            if now == ring {
                return Ok(false);
            }
            (ring, when) = (now, SystemTime::now());
            Ok(self.share(service, address)?.slots == 0)
        })?;
        Ok(when)
    }

    /// Waits until every real has this MAC.
    pub(super) fn wait_for_mac(&self, mac: Mac) -> Result<(), ControlError> {
        let count = room(self.size);
        wait("every real to have the new MAC", || {
            let reals = self.maps.reals(count)?;
            Ok(reals.iter().filter(|real| in_use(real)).all(|real| real.destination == mac))
        })
    }
}

/// Returns as soon as `ready` says so.
pub(super) fn wait(
    what: &str,
    mut ready: impl FnMut() -> Result<bool, ControlError>,
) -> Result<(), ControlError> {
    let begin = Instant::now();
    while !ready()? {
        if begin.elapsed() > LIMIT {
            return Err(ControlError::Timeout { what: what.to_owned(), seconds: LIMIT.as_secs() });
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
