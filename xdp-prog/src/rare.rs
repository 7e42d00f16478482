//! The frame of a rare packet, whose headers are read and written by functions apart.

use aya_ebpf::programs::XdpContext;
use lb_common::be::{Be32, Be128};
use lb_common::trace::NO_SERVICE;
use lb_common::value::{NO_REAL, RealId};
use lb_common::verdict::Reason;
use lb_common::vlan::Tags;
use xdp_prog::headers::Header;
use xdp_prog::packet::Packet;
use xdp_prog::read::Read;

use crate::apart::{self, Apart as _};
use crate::ctx::Frame;

/// A [`Frame`] that keeps what the engine notes of it.
pub(crate) struct RareFrame<'a> {
    pub(crate) ctx: &'a XdpContext,
    pub(crate) frame: Frame<'a>,
    /// The service it was found to be for.
    pub(crate) service: u32,
    /// The real it is for.
    pub(crate) real: RealId,
}

impl<'a> RareFrame<'a> {
    pub(crate) fn new(ctx: &'a XdpContext) -> Self {
        Self { ctx, frame: Frame::new(ctx), service: NO_SERVICE, real: NO_REAL }
    }
}

impl Packet for RareFrame<'_> {
    #[inline(always)]
    fn ingress(&self) -> u32 {
        self.frame.ingress()
    }

    #[inline(always)]
    fn header<H: Header>(&self, offset: usize) -> Option<&H> {
        self.frame.header(offset)
    }

    #[inline(always)]
    fn header_mut<H: Header>(&mut self, offset: usize) -> Option<&mut H> {
        self.frame.header_mut(offset)
    }

    #[inline(always)]
    fn cut_front(&mut self, bytes: i32) -> bool {
        self.frame.cut_front(bytes)
    }

    #[inline(always)]
    fn retag(&mut self, standing: usize, tags: Tags) -> bool {
        apart::retag(self.ctx.ctx, standing, tags)
    }

    #[inline(always)]
    fn read_v4(&self, read: &mut Read<Be32>) -> Result<(), Reason> {
        Be32::read(self.ctx.ctx, read)
    }

    #[inline(always)]
    fn read_v6(&self, read: &mut Read<Be128>) -> Result<(), Reason> {
        Be128::read(self.ctx.ctx, read)
    }

    #[inline(always)]
    fn note(&mut self, service: u32, real: RealId) {
        (self.service, self.real) = (service, real);
    }
}
