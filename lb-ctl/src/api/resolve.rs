//! From the words people type to what they mean: endpoints, reals, weights, schedulers. Pure.

use std::net::{IpAddr, SocketAddr};

use lb_common::key::Protocol;

use crate::config::model::{Endpoint, Scheduler};

/// A service's endpoint from `192.0.2.10:80` or `[2001:db8::10]:80`.
///
/// # Errors
///
/// What is wrong with the text, with a right example.
pub fn endpoint(protocol: Protocol, text: &str) -> Result<Endpoint, String> {
    let name = protocol.name();
    let parsed: SocketAddr = text.parse().map_err(|_| {
        format!(
            "bad service address {name} `{text}`: write VIP:PORT, as 192.0.2.10:80 or \
             [2001:db8::10]:80"
        )
    })?;
    checked_endpoint(protocol, parsed.ip(), parsed.port())
}

/// A service's endpoint from its parts.
///
/// # Errors
///
/// Port 0 is no service's port.
pub fn checked_endpoint(
    protocol: Protocol,
    address: IpAddr,
    port: u16,
) -> Result<Endpoint, String> {
    if port == 0 {
        let name = protocol.name();
        return Err(format!("service {name} {address}: port 0 is not in the range 1 to 65535"));
    }
    Ok(Endpoint { protocol, address, port })
}

/// A real's address from `192.0.2.21`, `192.0.2.21:80`, `2001:db8::21`, `[2001:db8::21]` or
/// `[2001:db8::21]:80`.
///
/// # Errors
///
/// What is wrong with the text, or that its port is not the service's.
pub fn real(service: Endpoint, text: &str) -> Result<IpAddr, String> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bracketed {
        Some(inside) => inside.parse().ok().filter(IpAddr::is_ipv6),
        None => text.parse().ok(),
    };
    if let Some(address) = address {
        return Ok(address);
    }
    let with_port: SocketAddr = text.parse().map_err(|_| {
        format!(
            "bad real address `{text}`: write RIP or RIP:PORT, as 192.0.2.21, 192.0.2.21:80 or \
             [2001:db8::21]:80"
        )
    })?;
    if with_port.port() != service.port {
        return Err(format!(
            "real {with_port} of service {service}: direct routing cannot rewrite ports, so the \
             real must listen on port {port}; leave the real's port out",
            port = service.port
        ));
    }
    Ok(with_port.ip())
}

/// A weight from its digits.
///
/// # Errors
///
/// The text is no number from 0 to 65535.
pub fn weight(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("bad weight `{text}`: write a number from 0 (drain) to 65535"))
}

/// A scheduler by its LVS name.
///
/// # Errors
///
/// The name is not known, or known and not carried out by this version.
pub fn scheduler(name: &str) -> Result<Scheduler, String> {
    match name {
        "mh" => Ok(Scheduler::Mh),
        "rr" | "wrr" | "lc" | "wlc" | "sh" | "dh" | "sed" | "nq" | "lblc" | "lblcr" | "fo"
        | "ovf" => Err(format!(
            "scheduler `{name}` is not carried out by this version: use mh (weighted Maglev)"
        )),
        _ => Err(format!("unknown scheduler `{name}`: use mh (weighted Maglev)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> Endpoint {
        endpoint(Protocol::Tcp, "192.0.2.10:80").unwrap()
    }

    #[test]
    fn endpoints_of_both_families() {
        assert_eq!(web().to_string(), "tcp 192.0.2.10:80");
        let v6 = endpoint(Protocol::Udp, "[2001:db8::10]:53").unwrap();
        assert_eq!(v6.to_string(), "udp [2001:db8::10]:53");
        for bad in ["192.0.2.10", "192.0.2.10:", "192.0.2.300:80", "2001:db8::10:80", "x:80", ""] {
            let message = endpoint(Protocol::Tcp, bad).unwrap_err();
            assert!(message.contains(&format!("`{bad}`")), "{message}");
        }
        assert!(endpoint(Protocol::Tcp, "192.0.2.10:0").unwrap_err().contains("port 0"));
    }

    #[test]
    fn reals_with_and_without_port() {
        for good in ["192.0.2.21", "192.0.2.21:80"] {
            assert_eq!(real(web(), good).unwrap().to_string(), "192.0.2.21");
        }
        for good in ["2001:db8::21", "[2001:db8::21]", "[2001:db8::21]:80"] {
            assert_eq!(real(web(), good).unwrap().to_string(), "2001:db8::21");
        }
        for bad in ["", "host", "[192.0.2.21]", "192.0.2.21:", "[2001:db8::21"] {
            assert!(real(web(), bad).unwrap_err().contains("bad real address"), "{bad}");
        }
        let message = real(web(), "192.0.2.21:8080").unwrap_err();
        assert!(message.contains("direct routing cannot rewrite ports"), "{message}");
    }

    #[test]
    fn weights_and_their_range() {
        assert_eq!(weight("0").unwrap(), 0);
        assert_eq!(weight("65535").unwrap(), 65535);
        for bad in ["65536", "70000", "-1", "1.5", "many", ""] {
            assert!(weight(bad).unwrap_err().contains("0 (drain) to 65535"), "{bad}");
        }
    }

    #[test]
    fn schedulers_known_later_and_never() {
        assert_eq!(scheduler("mh").unwrap(), Scheduler::Mh);
        assert!(scheduler("rr").unwrap_err().contains("not carried out by this version"));
        assert!(scheduler("best").unwrap_err().contains("unknown scheduler"));
    }
}
