//! The kernel's socket buffer as an [`Skb`].
#![expect(unsafe_code, reason = "packet memory, and helpers that take pointers")]

use core::mem::MaybeUninit;
use core::ptr;

use aya_ebpf::bindings::{BPF_F_MARK_MANGLED_0, BPF_F_PSEUDO_HDR, BPF_F_RECOMPUTE_CSUM};
use aya_ebpf::helpers::bpf_skb_load_bytes;
use aya_ebpf::programs::TcContext;
use lb_common::be::Be16;
use xdp_prog::headers::Header;
use xdp_prog::via::{Skb, Sum};

/// A packet, wherever its bytes lie. What is written goes by helpers: a program that wrote into the
/// packet's memory by itself would have the kernel copy the head of every packet that TCP keeps to
/// send it again, before it even runs (`tc_cls_act_prologue`).
pub(crate) struct KernelSkb<'a> {
    ctx: &'a TcContext,
}

impl<'a> KernelSkb<'a> {
    pub(crate) fn new(ctx: &'a TcContext) -> Self {
        Self { ctx }
    }

    /// Reads what lies behind the linear part.
    #[inline(always)]
    fn load_far<H: Header>(&self, offset: usize) -> Option<H> {
        let mut header = MaybeUninit::<Aligned<H>>::uninit();
        let skb = self.ctx.skb.skb.cast_const().cast();
        let length = size_of::<H>() as u32;
        // SAFETY: the helper writes so many bytes to the memory it is given, which has room for
        // them, or fails.
        let failed =
            unsafe { bpf_skb_load_bytes(skb, offset as u32, header.as_mut_ptr().cast(), length) };
        // SAFETY: the bytes are written, and `Header` types are valid for any.
        (failed == 0).then(|| unsafe { header.assume_init() }.0)
    }
}

/// The stack must be read at aligned addresses, which the compiler takes care of where it sees that
/// it can.
#[repr(C, align(8))]
struct Aligned<T>(T);

impl Skb for KernelSkb<'_> {
    #[inline(always)]
    fn mark(&self) -> u32 {
        // SAFETY: the context is the one that the program was called with.
        unsafe { (*self.ctx.skb.skb).mark }
    }

    #[inline(always)]
    fn ethertype(&self) -> Be16 {
        Be16::from_bytes((self.ctx.skb.protocol() as u16).to_ne_bytes())
    }

    #[inline(always)]
    fn load<H: Header>(&self, offset: usize) -> Option<H> {
        let start = self.ctx.data() + offset;
        if start + size_of::<H>() > self.ctx.data_end() {
            return self.load_far(offset);
        }
        // SAFETY: the header's end was compared with that of the linear part, and `Header` types
        // are valid for any bytes at any alignment.
        Some(unsafe { ptr::read(start as *const H) })
    }

    #[inline(always)]
    fn store<H: Header>(&mut self, offset: usize, value: &H, counted: bool) -> Option<()> {
        let flags = if counted { BPF_F_RECOMPUTE_CSUM } else { 0 };
        self.ctx.store(offset, value, u64::from(flags)).ok()
    }

    #[inline(always)]
    fn follow_header(&mut self, offset: usize, difference: u32) -> Option<()> {
        // A size of zero means that the difference is given in place of two values.
        self.ctx.l3_csum_replace(offset, 0, u64::from(difference), 0).ok()
    }

    #[inline(always)]
    fn follow_transport(&mut self, offset: usize, difference: u32, sum: Sum) -> Option<()> {
        let flags = match sum {
            Sum::Pseudo => BPF_F_PSEUDO_HDR,
            Sum::PseudoUdp => BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0,
            Sum::Body => 0,
        };
        self.ctx.l4_csum_replace(offset, 0, u64::from(difference), u64::from(flags)).ok()
    }
}
