//! What virtual routers follow.

use indexmap::IndexMap;

use super::{by_text, each, once};
use crate::config::endpoint;
use crate::config::file::vrrp::{self as file, Follow, TextOr};
use crate::config::locate::Path;
use crate::config::model::{Endpoint, Service};
use crate::config::rules::vrrp::{self as rule, Named, VrrpError};
use crate::config::rules::{self, Broken, RuleError};
use crate::config::vrrp::{Process, Script, Track, Tracked};

/// What is defined besides, and can be named.
pub(super) struct Known<'a> {
    pub(super) services: &'a IndexMap<Endpoint, Service>,
    pub(super) scripts: &'a IndexMap<String, Script>,
    pub(super) processes: &'a IndexMap<String, Process>,
}

pub(super) fn track(document: Option<&file::Track>, known: &Known<'_>) -> Result<Track, Broken> {
    let Some(document) = document else { return Ok(Track::default()) };
    read(document, known).map_err(|broken| broken.under(&Path::default().key("track")))
}

fn read(document: &file::Track, known: &Known<'_>) -> Result<Track, Broken> {
    let interface = |name: &str| rules::interface(name).map(|()| (name.to_owned(), None));
    let script = |name: &str| {
        let script = known.scripts.get(name).ok_or_else(|| unknown(Named::Script, name))?;
        Ok((name.to_owned(), script.weight))
    };
    let process = |name: &str| {
        let process = known.processes.get(name).ok_or_else(|| unknown(Named::Process, name))?;
        Ok((name.to_owned(), process.weight))
    };
    let file = |path: &str| Ok((rule::file(path)?, None));
    let service = |text: &str| Ok((service(text, known.services)?, None));
    Ok(Track {
        interfaces: list("interfaces", "interface", &document.interfaces, interface)?,
        scripts: list("scripts", "script", &document.scripts, script)?,
        files: list("files", "file", &document.files, file)?,
        processes: list("processes", "process", &document.processes, process)?,
        services: list("services", "service", &document.services, service)?,
    })
}

fn unknown(what: Named, name: &str) -> VrrpError {
    VrrpError::Unknown { what, name: name.to_owned() }
}

/// Reads a list by what gives the subject, and the weight that it has where none is given.
fn list<F: Follow, T: PartialEq>(
    key: &'static str,
    what: &str,
    documents: &[TextOr<F>],
    subject: impl Fn(&str) -> Result<(T, Option<i16>), RuleError>,
) -> Result<Vec<Tracked<T>>, Broken> {
    let read = each(key, documents, |document| {
        let (subject, usual) = subject(document.text()).map_err(by_text(document))?;
        let weight = document.object().and_then(Follow::weight).or(usual);
        Ok(Tracked { what: subject, weight })
    })?;
    let subjects: Vec<&T> = read.iter().map(|tracked| &tracked.what).collect();
    once(key, &subjects, |again| {
        let index = subjects.iter().position(|subject| subject == again).unwrap_or_default();
        format!("{what} {}", documents[index].text())
    })?;
    Ok(read)
}

/// A service, by what it is or by its name. What it is goes first: a name may look like it.
///
/// # Errors
/// [`VrrpError::UnknownService`].
pub(in crate::config) fn service(
    text: &str,
    services: &IndexMap<Endpoint, Service>,
) -> Result<Endpoint, VrrpError> {
    let is_named = |service: &&Service| service.name.as_deref() == Some(text);
    let named = || services.values().find(is_named).map(|service| service.endpoint);
    let found = endpoint_of(text).filter(|endpoint| services.contains_key(endpoint));
    found.or_else(named).ok_or_else(|| VrrpError::UnknownService { text: text.to_owned() })
}

/// Reads `tcp 192.0.2.10:80`.
fn endpoint_of(text: &str) -> Option<Endpoint> {
    let (protocol, address) = text.split_once(' ')?;
    let protocol = rules::protocol(protocol).ok()?;
    endpoint::parse_service(protocol, address).ok()
}
