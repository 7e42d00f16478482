//! What is counted of virtual routers.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::Families;
use crate::vrrp::status::VrrpStatus;

/// Writes all of them.
pub(super) fn encode(routers: &[VrrpStatus], out: &mut Families<'_>) -> fmt::Result {
    standing(routers, out)?;
    counts(routers, out)
}

fn name(each: &VrrpStatus) -> String {
    each.router.instance.name.clone()
}

fn standing(routers: &[VrrpStatus], out: &mut Families<'_>) -> fmt::Result {
    let rows = |value: fn(&VrrpStatus) -> u64| {
        routers.iter().map(move |each| {
            let vrid = each.router.instance.vrid.to_string();
            ([("instance", name(each)), ("vrid", vrid)], value(each))
        })
    };
    let help = "What the virtual router is: 0 init, 1 backup, 2 master, 3 fault";
    out.gauge("lbctl_vrrp_state", help, rows(|each| each.router.role as u64))?;
    let help = "The priority that it takes part with";
    out.gauge("lbctl_vrrp_priority", help, rows(|each| each.router.priority.into()))?;
    let help = "Whether it was handed over by hand, and not resumed";
    out.gauge("lbctl_vrrp_handed_over", help, rows(|each| each.router.handed_over.into()))
}

fn counts(routers: &[VrrpStatus], out: &mut Families<'_>) -> fmt::Result {
    let transitions = routers.iter().flat_map(|each| {
        let counts = each.transitions.counts();
        counts.map(|(to, count)| ([("instance", name(each)), ("to", to.name().to_owned())], count))
    });
    out.counter("lbctl_vrrp_transitions", "Changes of state, by the new one", transitions)?;
    let adverts = routers.iter().flat_map(|each| {
        let counts = [("sent", each.adverts.sent), ("received", each.adverts.received)];
        counts.map(|(direction, count)| {
            ([("instance", name(each)), ("direction", direction.to_owned())], count)
        })
    });
    out.counter("lbctl_vrrp_adverts", "Adverts sent, and good ones heard", adverts)?;
    let rows = |label: &'static str, of: fn(&VrrpStatus) -> &BTreeMap<&'static str, u64>| {
        routers.iter().flat_map(move |each| {
            let row = move |(kind, count): (&&'static str, &u64)| {
                ([("instance", name(each)), (label, (*kind).to_owned())], *count)
            };
            of(each).iter().map(row)
        })
    };
    let rejected = rows("reason", |each| &each.adverts.rejected);
    out.counter("lbctl_vrrp_rejected", "Adverts that were not taken, and why", rejected)?;
    let covered = rows("covered", |each| &each.adverts.covered);
    let help = "Good adverts by what their checksum covers";
    out.counter("lbctl_vrrp_checksum", help, covered)?;
    let differing = routers.iter().map(|each| ([("instance", name(each))], each.adverts.differing));
    let help = "Good adverts with other addresses than the defined ones";
    out.counter("lbctl_vrrp_differing", help, differing)?;
    let help = "How often somebody else said that it has the address";
    let conflicts = routers.iter().flat_map(|each| {
        let row = move |(address, count): (IpAddr, u64)| {
            ([("instance", name(each)), ("address", address.to_string())], count)
        };
        each.strangers.counts().map(row)
    });
    out.counter("lbctl_vrrp_address_conflicts", help, conflicts)
}
