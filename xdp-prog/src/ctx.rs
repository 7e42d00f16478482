//! The kernel's frame as a [`Packet`].
#![expect(unsafe_code, reason = "packet memory is reached through the two pointers of the context")]

use aya_ebpf::helpers::bpf_xdp_adjust_head;
use aya_ebpf::programs::XdpContext;
use xdp_prog::headers::Header;
use xdp_prog::packet::Packet;

/// The linear part of a received frame. In a multi-buffer frame this is the first buffer, where
/// drivers put the headers.
pub(crate) struct Frame<'a> {
    ctx: &'a XdpContext,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(ctx: &'a XdpContext) -> Self {
        Self { ctx }
    }

    #[inline(always)]
    fn at<H: Header>(&self, offset: usize) -> Option<*mut H> {
        let start = self.ctx.data() + offset;
        // SAFETY: no frame begins at zero. The compiler would compare, wherever a header is looked
        // at: a reference that is not there is a pointer to zero.
        unsafe { core::hint::assert_unchecked(start != 0) };
        (start + size_of::<H>() <= self.ctx.data_end()).then_some(start as *mut H)
    }
}

impl Packet for Frame<'_> {
    #[inline(always)]
    fn ingress(&self) -> u32 {
        self.ctx.ingress_ifindex() as u32
    }

    #[inline(always)]
    fn header<H: Header>(&self, offset: usize) -> Option<&H> {
        // SAFETY: `at` compared the header's end with the frame's; `Header` types are valid for
        // any bytes at any alignment; the frame outlives the program run.
        self.at(offset).map(|header| unsafe { &*header })
    }

    #[inline(always)]
    fn header_mut<H: Header>(&mut self, offset: usize) -> Option<&mut H> {
        // SAFETY: as above; `&mut self` keeps this the only reference.
        self.at(offset).map(|header| unsafe { &mut *header })
    }

    #[inline(always)]
    fn cut_front(&mut self, bytes: i32) -> bool {
        // SAFETY: the context is the one this program was called with; no reference into the frame
        // is held across the call, since `header` and `header_mut` borrow `self`.
        unsafe { bpf_xdp_adjust_head(self.ctx.ctx, bytes) == 0 }
    }
}
