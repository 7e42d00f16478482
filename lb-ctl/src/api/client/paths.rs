//! Where requests go. Pure.

use std::net::IpAddr;

use reqwest::Url;

use crate::command::{EventsOf, OnHandEdit, Wanted, WantedEvents};
use crate::config::model::Endpoint;

pub(super) fn forced(path: &str, on_hand_edit: OnHandEdit) -> String {
    match on_hand_edit {
        OnHandEdit::Refuse => path.to_owned(),
        OnHandEdit::Overwrite => format!("{path}?force=true"),
    }
}

fn service_name(endpoint: Endpoint) -> String {
    let Endpoint { protocol, address, port } = endpoint;
    match address {
        IpAddr::V4(address) => format!("{}/{address}:{port}", protocol.name()),
        // Brackets have no place in a path (RFC 3986, section 3.3).
        IpAddr::V6(address) => format!("{}/%5B{address}%5D:{port}", protocol.name()),
    }
}

pub(super) fn filter(only: Option<Endpoint>) -> String {
    only.map_or_else(String::new, |endpoint| format!("?service={}", service_name(endpoint)))
}

pub(super) fn trace_path(wanted: &Wanted) -> String {
    let Wanted { only, source, count, every } = wanted;
    let mut path = format!("/v1/trace?every={every}");
    let service = only.map(|endpoint| format!("&service={}", service_name(endpoint)));
    path.extend(service);
    path.extend(source.map(|network| format!("&source={network}")));
    path.extend(count.map(|count| format!("&count={count}")));
    path
}

pub(super) fn events_path(wanted: &WantedEvents) -> String {
    let WantedEvents { only, count, follow } = wanted;
    let mut path = format!("/v1/events?follow={follow}");
    match only {
        EventsOf::All => {}
        EventsOf::Service(endpoint) => {
            path.extend(["&service=", &service_name(*endpoint)]);
        }
        EventsOf::Instance(name) => path.extend(["&", &instance(name)]),
    }
    path.extend(count.map(|count| format!("&count={count}")));
    path
}

/// Where a virtual router is handed over or resumed.
pub(super) fn router_path(action: &str, name: Option<&str>) -> String {
    let path = format!("/v1/vrrp/{action}");
    name.map_or_else(|| path.clone(), |name| format!("{path}?{}", instance(name)))
}

/// A virtual router as a parameter of a query. Its name may be any text.
fn instance(name: &str) -> String {
    let url = Url::parse_with_params("http://localhost/", [("instance", name)]);
    let url = url.expect("the address is a literal");
    url.query().unwrap_or_default().to_owned()
}

pub(super) fn service_path(endpoint: Endpoint) -> String {
    format!("/v1/services/{}", service_name(endpoint))
}

pub(super) fn real_path(endpoint: Endpoint, address: IpAddr) -> String {
    format!("{}/reals/{address}", service_path(endpoint))
}

pub(super) fn check_path(endpoint: Endpoint, only: Option<IpAddr>) -> String {
    let query = only.map_or_else(String::new, |address| format!("?real={address}"));
    format!("{}/check{query}", service_path(endpoint))
}
