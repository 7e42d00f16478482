//! Streams of real frames through a director in the test bed: what the benches `live` and `churn`
//! share.
//!
//! A generator in the kernel sends frames out of the switch's end of the director's cable
//! (`BPF_F_TEST_XDP_LIVE_FRAMES`). The program on the director's `eth0` sends them back, and on the
//! switch's end a sink takes them, which knows the real by the destination MAC.

mod clock;
mod definition;
mod error;
mod generator;
mod sink;
mod site;

pub use definition::{definition, endpoint};
pub use error::StreamError;
pub use generator::{BATCH, Generator, Stream};
pub use lb_common::value::Tracking;
pub use sink::{Arrived, Sink, SinkProgram};
pub(crate) use site::wait_until_up;
pub use site::{Site, SiteOptions, Traced};

/// How messages and files call an address family.
pub(crate) const fn family_number(family: xdp_prog::fixtures::frame::Family) -> u8 {
    match family {
        xdp_prog::fixtures::frame::Family::V4 => 4,
        xdp_prog::fixtures::frame::Family::V6 => 6,
    }
}
