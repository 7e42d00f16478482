//! Virtual routers: addresses that move between directors (VRRP, RFC 3768 and RFC 9568).
//!
//! What is to be done is decided in [`routers`], which is pure; [`driver`] has it done.

pub mod accept;
pub mod addresses;
pub mod announce;
mod books;
pub mod conflicts;
pub mod driver;
pub mod frames;
pub mod link_socket;
pub mod links;
mod mover;
pub mod packet;
pub mod ports;
pub mod routers;
mod runner;
pub mod sm;
pub mod socket;
pub mod status;
pub mod strangers;
pub mod sysctl;
pub mod teller;
pub mod track;
pub mod trackers;
pub mod virtual_mac;
mod words;

use crate::config::vrrp::Instance;

/// The interface that a virtual router's addresses are on where they name none, and that its adverts
/// are sent by: with a MAC of its own, the one that has it (RFC 9568, section 7.3).
fn home(instance: &Instance) -> String {
    match (instance.virtual_mac, instance.is_ipv4()) {
        (false, _) => instance.interface.clone(),
        (true, true) => format!("vrrp.{}", instance.vrid),
        (true, false) => format!("vrrp6.{}", instance.vrid),
    }
}
