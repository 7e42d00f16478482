//! The operations that change the maps. Pure.

use ipnet::IpNet;
use lb_common::details::Details;
use lb_common::value::{Mac, Real, RealId, Service};

use crate::config::model::Endpoint;
use crate::sched::order::Order;
use crate::sched::ring::Ring;

/// One change of the maps, atomic for the packets that pass meanwhile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MapOp {
    /// Allow packets to be sent out of this interface.
    PutEgress {
        /// The interface.
        ifindex: u32,
    },
    /// Forbid it.
    RemoveEgress {
        /// The interface.
        ifindex: u32,
    },
    /// Tell the MAC of an interface that packets come in by.
    PutIngress {
        /// The interface.
        ifindex: u32,
        /// Its MAC.
        mac: Mac,
    },
    /// Forget it.
    RemoveIngress {
        /// The interface.
        ifindex: u32,
    },
    /// Set a real's counters to zero.
    ZeroReal {
        /// The real.
        id: RealId,
    },
    /// Write a real; one that is not in use frees its slot.
    PutReal {
        /// Its slot.
        id: RealId,
        /// What stands there from now on.
        real: Real,
    },
    /// Set a service's counters to zero.
    ZeroService {
        /// The service.
        id: u32,
    },
    /// Replace a service's ring.
    PutRing {
        /// The service.
        service: u32,
        /// The ring.
        ring: Ring,
    },
    /// Take a service's ring away: it has nobody to send to.
    RemoveRing {
        /// The service.
        service: u32,
    },
    /// Replace the order of a service.
    PutOrder {
        /// The service.
        service: u32,
        /// The order.
        order: Order,
    },
    /// Take a service's order away: its scheduler is a hash, or it has nobody to send to.
    RemoveOrder {
        /// The service.
        service: u32,
    },
    /// Write what stands beside a service.
    PutDetails {
        /// The service.
        service: u32,
        /// What stands there from now on.
        details: Details,
    },
    /// Say of a prefix whether a service takes its clients.
    PutSource {
        /// The service.
        service: u32,
        /// The prefix.
        prefix: IpNet,
        /// See [`lb_common::wide::source`].
        said: u32,
    },
    /// Say nothing more of it.
    RemoveSource {
        /// The service.
        service: u32,
        /// The prefix.
        prefix: IpNet,
    },
    /// Take frames from this machine for those of another director.
    PutPeer {
        /// Its MAC.
        mac: Mac,
    },
    /// Do so no more.
    RemovePeer {
        /// Its MAC.
        mac: Mac,
    },
    /// Take frames for this MAC for the director's own.
    PutVirtualMac {
        /// A virtual router's.
        mac: Mac,
    },
    /// Do so no more.
    RemoveVirtualMac {
        /// A virtual router's.
        mac: Mac,
    },
    /// Make packets find these services and no others.
    SetServices {
        /// What names each, and what packets find.
        services: Vec<(Endpoint, Service)>,
    },
}

impl MapOp {
    /// The service and the ring of a [`MapOp::PutRing`].
    pub fn as_put_ring(&self) -> Option<(u32, &Ring)> {
        if let Self::PutRing { service, ring } = self { Some((*service, ring)) } else { None }
    }

    /// The service and the order of a [`MapOp::PutOrder`].
    pub fn as_put_order(&self) -> Option<(u32, &Order)> {
        if let Self::PutOrder { service, order } = self { Some((*service, order)) } else { None }
    }

    /// The service of a [`MapOp::RemoveRing`].
    pub fn as_remove_ring(&self) -> Option<u32> {
        if let Self::RemoveRing { service } = self { Some(*service) } else { None }
    }

    /// The service of a [`MapOp::RemoveOrder`].
    pub fn as_remove_order(&self) -> Option<u32> {
        if let Self::RemoveOrder { service } = self { Some(*service) } else { None }
    }

    /// The service and the details of a [`MapOp::PutDetails`].
    pub fn as_put_details(&self) -> Option<(u32, Details)> {
        match self {
            Self::PutDetails { service, details } => Some((*service, *details)),
            _ => None,
        }
    }

    /// The real of a [`MapOp::PutReal`].
    pub fn as_put_real(&self) -> Option<(RealId, Real)> {
        if let Self::PutReal { id, real } = self { Some((*id, *real)) } else { None }
    }

    /// The real of a [`MapOp::ZeroReal`].
    pub fn as_zero_real(&self) -> Option<RealId> {
        if let Self::ZeroReal { id } = self { Some(*id) } else { None }
    }

    /// The service of a [`MapOp::ZeroService`].
    pub fn as_zero_service(&self) -> Option<u32> {
        if let Self::ZeroService { id } = self { Some(*id) } else { None }
    }
}
