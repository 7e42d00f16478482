//! The definition file of a bench.

use std::net::{IpAddr, SocketAddr};

use lb_common::traffic::{SERVICE_PORT, vip_v4, vip_v6};
use lb_common::value::Tracking;
use serde_json::{Value, json};
use xdp_prog::fixtures::frame::Family;

/// The one service, as the command line names it.
pub fn endpoint(family: Family) -> String {
    SocketAddr::from((vip(family), SERVICE_PORT)).to_string()
}

/// A definition file of one TCP service on these reals.
pub fn definition(tracking: Tracking, family: Family, reals: &[IpAddr]) -> String {
    let reals: Vec<Value> = reals.iter().map(|address| json!({ "address": address })).collect();
    let (vip, port) = (vip(family), SERVICE_PORT);
    let tracking = tracking.name();
    let service = json!({
        "protocol": "tcp", "vip": vip, "port": port, "tracking": tracking, "reals": reals
    });
    json!({ "services": [service] }).to_string()
}

fn vip(family: Family) -> IpAddr {
    match family {
        Family::V4 => vip_v4(0).into(),
        Family::V6 => vip_v6(0).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_says_the_mode() {
        let of = |tracking| -> Value {
            let text = definition(tracking, Family::V4, &["192.0.2.21".parse().unwrap()]);
            serde_json::from_str(&text).unwrap()
        };
        assert_eq!(of(Tracking::Full)["services"][0]["tracking"], "full");
        assert_eq!(of(Tracking::None)["services"][0]["reals"][0]["address"], "192.0.2.21");
    }

    #[test]
    fn the_service_is_named_as_the_command_line_wants_it() {
        assert_eq!(endpoint(Family::V4), "198.18.0.0:80");
        assert_eq!(endpoint(Family::V6), "[2001:2:0:1::]:80");
    }
}
