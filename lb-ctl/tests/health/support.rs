//! Services with quick checks, and what their reals are found to be.

use std::net::{IpAddr, SocketAddr};

use bench::lab::{Lab, VIPS, wait_until};
use lb_ctl::api::wire::{self, RealState};
use serde_json::{Value, json};

use crate::common::flows::{Answers, shares};
use crate::common::traffic::{SOON, Site, all_reals, given, service};

/// A check that decides in a fraction of a second.
pub(crate) fn quick(check: Value) -> Value {
    let usual = json!({"interval": "100ms", "timeout": "400ms", "fall": 2, "retry_delay": "20ms"});
    given(usual, check)
}

/// One service for each VIP on all reals of the bed, with this check and these keys.
pub(crate) fn checked(lab: &Lab, port: u16, check: &Value, keys: &Value) -> Vec<Value> {
    let one = |vip| {
        let service = service("tcp", vip, port, &all_reals(lab, vip));
        given(given(service, json!({"check": quick(check.clone())})), keys.clone())
    };
    VIPS.iter().map(|vip| one(*vip)).collect()
}

/// A service as the command line names it.
pub(crate) fn name(vip: IpAddr, port: u16) -> String {
    SocketAddr::from((vip, port)).to_string()
}

/// Waits until a real of the service is in this state, for a reason that has these words.
#[track_caller]
pub(crate) fn wait_for(
    site: &Site,
    (vip, port): (IpAddr, u16),
    real: usize,
    state: RealState,
    words: &str,
) -> wire::Real {
    let address = site.lab.reals[real].address_like(vip);
    let look = || site.real(vip, port, address);
    let waited = wait_until(&format!("{address} to be {} ({words})", state.name()), SOON, || {
        let real = look();
        Ok(real.state == state && real.reason.unwrap_or_default().contains(words))
    });
    waited.unwrap_or_else(|error| panic!("{error}; it is {:?}\n{}", look(), site.director.log()));
    look()
}

/// Who answers so many new connections.
pub(crate) fn answers(site: &Site, (vip, port): (IpAddr, u16), count: usize) -> Answers {
    shares(&site.open((vip, port).into(), count))
}

/// Exactly these reals answer new connections.
#[track_caller]
pub(crate) fn only(site: &Site, at: (IpAddr, u16), labels: &[&str], when: &str) {
    let answers = answers(site, at, 40);
    assert!(answers.keys().eq(labels), "{when}, only {labels:?} should answer: {answers:?}");
}
