//! One virtual router.

use std::time::Duration;

use super::track::{Known, track};
use super::{by_text, each, given, here, hooks, once};
use crate::config::file::vrrp::{self as file, PlacedAddress, TextOr};
use crate::config::locate::Path;
use crate::config::rules::vrrp::{self as rule, VrrpError};
use crate::config::rules::{self, Broken, Role};
use crate::config::vrrp::{Garp, Instance, Preempt, Version, VirtualAddress};

pub(super) fn instance(document: &file::Instance, known: &Known<'_>) -> Result<Instance, Broken> {
    rules::interface(&document.interface).map_err(Broken::at("interface"))?;
    let addresses = addresses("addresses", &document.addresses)?;
    let interval = given("advert_interval", document.advert_interval.as_ref(), |text| {
        rule::time("advert_interval", Duration::ZERO, text)
    })?;
    let mut instance = Instance {
        name: document.name.clone(),
        interface: document.interface.clone(),
        vrid: document.vrid,
        priority: document.priority.unwrap_or(Instance::PRIORITY),
        advert_interval: interval.unwrap_or(Instance::ADVERT_INTERVAL),
        addresses,
        excluded: self::addresses("excluded_addresses", &document.excluded_addresses)?,
        password: password(document.auth.as_ref())?,
        preempt: preempt(document)?,
        unicast_peers: each("unicast_peers", &document.unicast_peers, |text| {
            rule::host(Role::Peer, text).map_err(here)
        })?,
        source: given("source", document.source.as_ref(), |text| rule::host(Role::Source, text))?,
        virtual_mac: document.virtual_mac.unwrap_or_default(),
        checksum: given("checksum", document.checksum.as_ref(), rule::checksum)?
            .unwrap_or_default(),
        track: track(document.track.as_ref(), known)?,
        hooks: hooks(document.notify.as_ref())?,
        garp: garp(document.garp.as_ref())?,
        version: Version::V3,
    };
    instance.version = match document.version {
        Some(number) if number == Version::V2.number() => Version::V2,
        Some(_) => Version::V3,
        None => instance.default_version(),
    };
    rule::instance(&instance)?;
    // One that is as it is by default is not to be written where there is no choice.
    if instance.version == Version::V2 && document.checksum.is_some() {
        return Err(Broken::at("checksum")(VrrpError::ChecksumV2));
    }
    Ok(instance)
}

fn addresses(
    list: &str,
    documents: &[TextOr<PlacedAddress>],
) -> Result<Vec<VirtualAddress>, Broken> {
    each(list, documents, |document| {
        let address = rule::virtual_address(document.text()).map_err(by_text(document))?;
        let interface = document.object().and_then(|placed| placed.interface.clone());
        if let Some(name) = &interface {
            rules::interface(name).map_err(Broken::at("interface"))?;
        }
        Ok(VirtualAddress { interface, ..address })
    })
}

fn password(document: Option<&file::Auth>) -> Result<Option<String>, Broken> {
    let Some(file::Auth { kind, password }) = document else { return Ok(None) };
    let under = |broken: Broken| broken.under(&Path::default().key("auth"));
    rule::auth_type(kind).map_err(Broken::at("type")).map_err(under)?;
    rule::password(password).map(Some).map_err(Broken::at("password")).map_err(under)
}

fn preempt(document: &file::Instance) -> Result<Preempt, Broken> {
    let delay = given("preempt_delay", document.preempt_delay.as_ref(), |text| {
        rule::time("preempt_delay", Duration::ZERO, text)
    })?;
    match (document.preempt.unwrap_or(true), delay) {
        (true, delay) => Ok(Preempt::After(delay.unwrap_or_default())),
        (false, None) => Ok(Preempt::Never),
        (false, Some(_)) => Err(Broken::at("preempt_delay")(VrrpError::DelayWithoutPreempt)),
    }
}

fn garp(document: Option<&file::Garp>) -> Result<Garp, Broken> {
    let usual = Garp::default();
    let Some(document) = document else { return Ok(usual) };
    let read = || {
        let delay = given("delay", document.delay.as_ref(), |text| {
            rule::time("delay", Duration::ZERO, text)
        })?;
        let interfaces = each("interfaces", &document.interfaces, |name| {
            rules::interface(name).map(|()| name.clone()).map_err(here)
        })?;
        once("interfaces", &interfaces, |name| format!("interface {name}"))?;
        Ok(Garp {
            repeat: document.repeat.unwrap_or(usual.repeat),
            delay: delay.unwrap_or(usual.delay),
            refresh: given("refresh", document.refresh.as_ref(), rule::refresh)?
                .unwrap_or(usual.refresh),
            refresh_repeat: document.refresh_repeat.unwrap_or(usual.refresh_repeat),
            interfaces,
        })
    };
    read().map_err(|broken: Broken| broken.under(&Path::default().key("garp")))
}
