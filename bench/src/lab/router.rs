//! The router that joins the networks, and maps a port of its public address to the VIP.

use super::command::run_with_input;
use super::{LabError, Namespace, PUBLIC4, PUBLIC6, VIP4, VIP6};

/// Forwards between all its interfaces, and redirects nobody elsewhere.
const SETTINGS: [(&str, &str); 4] = [
    ("ipv4/conf/all/forwarding", "1"),
    ("ipv6/conf/all/forwarding", "1"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
];

pub(super) fn start(router: &Namespace, nat_port: Option<u16>) -> Result<(), LabError> {
    router.sysctl(&SETTINGS)?;
    let Some(port) = nat_port else { return Ok(()) };
    run_with_input(router.command("nft").args(["-f", "-"]), &port_map(port)).map(drop)
}

/// Only the destination is rewritten: director and reals see the client's own address, and the
/// reals' replies find the way back because this router is their default gateway.
fn port_map(port: u16) -> String {
    format!(
        "table inet nat {{
            chain prerouting {{
                type nat hook prerouting priority dstnat;
                ip daddr {PUBLIC4} meta l4proto {{ tcp, udp }} th dport {port} dnat ip to {VIP4}
                ip6 daddr {PUBLIC6} meta l4proto {{ tcp, udp }} th dport {port} dnat ip6 to {VIP6}
            }}
        }}
        "
    )
}
