//! What keeps this machine from being a real server, and the command that mends it.

use std::net::IpAddr;

use super::sysctl::{ALL, Setting, Sysctl};
use super::{Machine, Options, RealServerError};
use crate::config::rules;
use crate::netlink::HeldAddress;
use crate::netlink::types::host_prefix;

/// Looks whether this machine is fit to be a real server for the VIP. Returns what is wrong, one
/// line each with the command that mends it; nothing if all is well. Changes nothing.
///
/// # Errors
/// If the VIP is unusable, an interface is not there, or the kernel does not answer.
pub async fn check(options: &Options) -> Result<Vec<String>, RealServerError> {
    let vip = options.vip;
    rules::vip(vip)?;
    let machine = Machine::look().await?;
    let mut findings = misplaced(&machine, vip);
    findings.extend(on_loopback(&machine, vip)?);
    if vip.is_ipv4() {
        for interface in machine.interfaces(options)? {
            for setting in Setting::BOTH {
                let all = Sysctl::new(ALL, setting).read()?;
                let own = Sysctl::new(&interface, setting).read()?;
                findings.extend(speaking(vip, &interface, setting, all, own));
            }
        }
    }
    Ok(findings)
}

/// The VIP where it must not be, or as it must not be.
pub(super) fn misplaced(machine: &Machine, vip: IpAddr) -> Vec<String> {
    let held = machine.addresses.iter().filter(|held| held.address == vip);
    held.filter_map(|held| {
        let loopback = machine.is_loopback(held.ifindex);
        misplacement(held, machine.name(held.ifindex), loopback)
    })
    .collect()
}

fn misplacement(held: &HeldAddress, interface: &str, loopback: bool) -> Option<String> {
    let HeldAddress { address, prefix_len, .. } = *held;
    let delete = format!("ip addr del {address}/{prefix_len} dev {interface}");
    if !loopback {
        let protocol = if address.is_ipv4() { "ARP" } else { "neighbour solicitations" };
        return Some(format!(
            "{address}/{prefix_len} is on {interface}, which answers {protocol} for it: {delete}"
        ));
    }
    let host = host_prefix(address);
    (prefix_len != host).then(|| {
        format!(
            "{address}/{prefix_len} on lo makes that whole network local, it must be /{host}: \
             {delete} && lb-ctl real-server setup --vip {address}"
        )
    })
}

fn on_loopback(machine: &Machine, vip: IpAddr) -> Result<Vec<String>, RealServerError> {
    let mut findings = Vec::new();
    if !machine.loopback(vip)?.up {
        findings.push("lo is down, and takes no packets: ip link set lo up".to_owned());
    }
    let on_loopback = machine
        .addresses
        .iter()
        .find(|held| held.address == vip && machine.is_loopback(held.ifindex));
    findings.extend(standing(vip, on_loopback));
    Ok(findings)
}

/// What is wrong with the VIP on `lo`, if it is there.
fn standing(vip: IpAddr, held: Option<&HeldAddress>) -> Option<String> {
    let Some(held) = held else {
        return Some(format!("{vip} is not on lo: lb-ctl real-server setup --vip {vip}"));
    };
    let fault = match (held.dad_failed, held.tentative) {
        (true, _) => "failed duplicate address detection",
        (false, true) => "waits for duplicate address detection",
        (false, false) => return None,
    };
    Some(format!(
        "{vip} on lo {fault}: ip addr del {vip}/{} dev lo && lb-ctl real-server setup --vip {vip}",
        held.prefix_len
    ))
}

/// What is wrong with a setting on an interface. The kernel goes by the greater of the two values
/// (`IN_DEV_MAXCONF` in include/linux/inetdevice.h).
fn speaking(vip: IpAddr, interface: &str, setting: Setting, all: u32, own: u32) -> Option<String> {
    let counts = all.max(own);
    if setting.serves(counts) {
        return None;
    }
    let (culprit, wanted) = (if all > own { ALL } else { interface }, setting.wanted());
    let mend = format!("sysctl -w {}={wanted}", Sysctl::new(culprit, setting));
    let fault = match setting {
        Setting::ArpIgnore if counts == 0 => format!("{interface} answers ARP for {vip}"),
        Setting::ArpIgnore => format!("{interface} may answer ARP for {vip}, or not for its own"),
        Setting::ArpAnnounce => format!("{interface} asks ARP in the name of {vip}"),
    };
    let name = Sysctl::new(interface, setting);
    Some(format!("{fault} ({name} counts as {counts}; all has {all}): {mend}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(cidr: &str) -> HeldAddress {
        let (address, prefix) = cidr.split_once('/').unwrap();
        HeldAddress {
            ifindex: 1,
            address: address.parse().unwrap(),
            prefix_len: prefix.parse().unwrap(),
            ours: false,
            protocol: 0,
            tentative: false,
            dad_failed: false,
        }
    }

    #[test]
    fn a_vip_on_lo_with_its_own_prefix_is_in_its_place() {
        for vip in ["192.0.2.10/32", "2001:db8::10/128"] {
            assert_eq!(misplacement(&held(vip), "lo", true), None);
            assert_eq!(standing(held(vip).address, Some(&held(vip))), None);
        }
    }

    #[test]
    fn elsewhere_or_with_another_prefix_it_is_not() {
        for (vip, interface, line) in [
            (
                "192.0.2.10/32",
                "eth0",
                "192.0.2.10/32 is on eth0, which answers ARP for it: \
                 ip addr del 192.0.2.10/32 dev eth0",
            ),
            (
                "2001:db8::10/64",
                "eth0",
                "2001:db8::10/64 is on eth0, which answers neighbour solicitations for it: \
                 ip addr del 2001:db8::10/64 dev eth0",
            ),
            (
                "192.0.2.10/24",
                "lo",
                "192.0.2.10/24 on lo makes that whole network local, it must be /32: \
                 ip addr del 192.0.2.10/24 dev lo && lb-ctl real-server setup --vip 192.0.2.10",
            ),
        ] {
            let found = misplacement(&held(vip), interface, interface == "lo");
            assert_eq!(found.as_deref(), Some(line));
        }
    }

    #[test]
    fn a_missing_or_undecided_vip_is_named() {
        let vip = held("2001:db8::10/128");
        let undecided = HeldAddress { tentative: true, ..vip.clone() };
        let refused = HeldAddress { tentative: true, dad_failed: true, ..vip.clone() };
        for (held, part) in [
            (None, "is not on lo"),
            (Some(&undecided), "waits for duplicate address detection"),
            (Some(&refused), "failed duplicate address detection"),
        ] {
            let found = standing(vip.address, held).unwrap();
            assert!(found.contains(part), "{found}");
            assert!(found.contains("lb-ctl real-server setup --vip 2001:db8::10"), "{found}");
        }
    }

    #[test]
    fn the_greater_of_all_and_the_interface_counts() {
        let vip = "192.0.2.10".parse().unwrap();
        for (setting, all, own, mend) in [
            (Setting::ArpIgnore, 0, 0, Some("sysctl -w net.ipv4.conf.eth0.arp_ignore=1")),
            (Setting::ArpIgnore, 1, 0, None),
            (Setting::ArpIgnore, 0, 1, None),
            (Setting::ArpIgnore, 2, 1, None),
            (Setting::ArpIgnore, 8, 1, Some("sysctl -w net.ipv4.conf.all.arp_ignore=1")),
            (Setting::ArpIgnore, 1, 3, Some("sysctl -w net.ipv4.conf.eth0.arp_ignore=1")),
            (Setting::ArpAnnounce, 1, 0, Some("sysctl -w net.ipv4.conf.all.arp_announce=2")),
            (Setting::ArpAnnounce, 2, 0, None),
            (Setting::ArpAnnounce, 0, 2, None),
        ] {
            let found = speaking(vip, "eth0", setting, all, own);
            let found = found.as_deref().map(|line| line.rsplit(": ").next().unwrap());
            assert_eq!(found, mend, "{setting:?} all {all} own {own}");
        }
    }
}
