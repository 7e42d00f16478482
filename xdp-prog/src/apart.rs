//! Functions with names of their own, that take numbers and pointers to memory: the kernel verifies
//! each once. One that is a part of its caller is followed anew in each state that the caller can
//! be in, and the long way has very many.
#![expect(unsafe_code, reason = "names that the linker keeps, and pointers")]

use aya_ebpf::bindings::xdp_md;
use aya_ebpf::programs::XdpContext;
use lb_common::be::{Be32, Be128};
use lb_common::key::ServiceKey;
use lb_common::value::{NO_REAL, RealId, Service, Tracking};
use lb_common::verdict::Reason;
use lb_common::vlan::Tags;
use xdp_prog::choice::{self, Asked, Choice};
use xdp_prog::read::{self, Read};
use xdp_prog::{frag, vlan};

use crate::ctx::Frame;
use crate::maps::{self, Aligned, KernelTables};

macro_rules! apart {
    ($address:ty, $choose:ident, $note:ident, $follow:ident, $note_first:ident, $wide:ident, $read:ident, $order:ident) => {
        // SAFETY: the name is unique in this object.
        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $choose(asked: *const Asked<$address>) -> u64 {
            // SAFETY: the callers give a reference; the verifier wants to see it compared with null.
            match unsafe { asked.as_ref() } {
                Some(asked) => choice::choose(&KernelTables, asked).to_bits(),
                None => Choice::refused(Reason::NoReal).to_bits(),
            }
        }

        // SAFETY: as above.
        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $order(asked: *const Asked<$address>) -> u32 {
            // SAFETY: as above.
            let asked = unsafe { asked.as_ref() };
            asked.and_then(|asked| choice::order(&KernelTables, asked)).unwrap_or(NO_REAL)
        }

        // SAFETY: as above.
        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $note(asked: *const Asked<$address>, choice: u64) -> u32 {
            // SAFETY: as above.
            if let Some(asked) = unsafe { asked.as_ref() } {
                choice::note(&KernelTables, asked, Choice::from_bits(choice));
            }
            0
        }

        // SAFETY: as above.
        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $follow(read: *const Read<$address>) -> u32 {
            // SAFETY: as above.
            let read = unsafe { read.as_ref() };
            read.and_then(|read| frag::follow(&KernelTables, read)).unwrap_or(NO_REAL)
        }

        // SAFETY: as above.
        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $note_first(read: *const Read<$address>, real: u32) -> u32 {
            // SAFETY: as above.
            if let Some(read) = unsafe { read.as_ref() } {
                frag::note(&KernelTables, read, real);
            }
            0
        }

        // SAFETY: as above.
        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $wide(key: *const ServiceKey<$address>) -> u64 {
            // SAFETY: as above.
            let key = unsafe { key.as_ref() };
            // No service has this id.
            let none = Service::new(NO_SERVICE, Tracking::None, 0);
            key.and_then(maps::wide_service::<$address>).unwrap_or(none).to_bits()
        }

        // SAFETY: as above.
        #[unsafe(no_mangle)]
        #[inline(never)]
        extern "C" fn $read(ctx: *mut xdp_md, read: *mut Read<$address>) -> u32 {
            // SAFETY: as above.
            let Some(read) = (unsafe { read.as_mut() }) else { return MALFORMED };
            let ctx = XdpContext::new(ctx);
            match read::read(&Frame::new(&ctx)) {
                Ok(found) => {
                    *read = found;
                    READ
                }
                Err(Reason::Truncated) => TRUNCATED,
                Err(Reason::OtherProtocol) => OTHER_PROTOCOL,
                Err(_) => MALFORMED,
            }
        }

        impl Apart for $address {
            #[inline(always)]
            fn read(ctx: *mut xdp_md, read: &mut Read<Self>) -> Result<(), Reason> {
                match $read(ctx, read) {
                    READ => Ok(()),
                    TRUNCATED => Err(Reason::Truncated),
                    OTHER_PROTOCOL => Err(Reason::OtherProtocol),
                    _ => Err(Reason::Malformed),
                }
            }

            #[inline(always)]
            fn choose(asked: &Asked<Self>) -> Choice {
                Choice::from_bits($choose(asked))
            }

            #[inline(always)]
            fn order(asked: &Asked<Self>) -> Option<RealId> {
                let real = $order(asked);
                if real == NO_REAL { None } else { Some(real) }
            }

            #[inline(always)]
            fn note(asked: &Asked<Self>, choice: Choice) {
                $note(asked, choice.to_bits());
            }

            #[inline(always)]
            fn follow(read: &Read<Self>) -> Option<RealId> {
                let real = $follow(read);
                if real == NO_REAL { None } else { Some(real) }
            }

            #[inline(always)]
            fn note_first(read: &Read<Self>, real: RealId) {
                $note_first(read, real);
            }

            #[inline(always)]
            fn wide_service(key: &ServiceKey<Self>) -> Option<Service> {
                let key = Aligned(*key);
                let service = Service::from_bits($wide(&raw const key.0));
                if service.id == NO_SERVICE { None } else { Some(service) }
            }
        }
    };
}

const NO_SERVICE: u32 = u32::MAX;

const READ: u32 = 0;
const TRUNCATED: u32 = 1;
const OTHER_PROTOCOL: u32 = 2;
const MALFORMED: u32 = 3;

apart!(
    Be32,
    lb_ctl_choose_v4,
    lb_ctl_note_v4,
    lb_ctl_follow_v4,
    lb_ctl_first_v4,
    lb_ctl_wide_v4,
    lb_ctl_read_v4,
    lb_ctl_order_v4
);
apart!(
    Be128,
    lb_ctl_choose_v6,
    lb_ctl_note_v6,
    lb_ctl_follow_v6,
    lb_ctl_first_v6,
    lb_ctl_wide_v6,
    lb_ctl_read_v6,
    lb_ctl_order_v6
);

/// What an address family calls.
pub(crate) trait Apart: Sized {
    fn read(ctx: *mut xdp_md, read: &mut Read<Self>) -> Result<(), Reason>;
    fn choose(asked: &Asked<Self>) -> Choice;
    fn order(asked: &Asked<Self>) -> Option<RealId>;
    fn note(asked: &Asked<Self>, choice: Choice);
    fn follow(read: &Read<Self>) -> Option<RealId>;
    fn note_first(read: &Read<Self>, real: RealId);
    fn wide_service(key: &ServiceKey<Self>) -> Option<Service>;
}

// SAFETY: as above.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn lb_ctl_retag(ctx: *mut xdp_md, standing: u32, tags: u64) -> u32 {
    let ctx = XdpContext::new(ctx);
    u32::from(vlan::retag(&mut Frame::new(&ctx), standing as usize & 3, Tags::from_bits(tags)))
}

/// Gives the frame other VLAN tags; says whether that could be done.
#[inline(always)]
pub(crate) fn retag(ctx: *mut xdp_md, standing: usize, tags: Tags) -> bool {
    lb_ctl_retag(ctx, standing as u32, tags.to_bits()) != 0
}
