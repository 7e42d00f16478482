//! From an HTTP request's parts to a [`Command`]. Pure.

use std::net::IpAddr;
use std::str::FromStr;

use lb_common::key::Protocol;
use serde::de::DeserializeOwned;

use super::properties;
use super::routes::{Operation, Route};
use super::wire;
use crate::command::{Change, Command, EventsOf, OnHandEdit, Wanted, WantedEvents};
use crate::config::endpoint::parse_service;
use crate::config::model::Endpoint;
use crate::config::rules::{self, RuleError, policy};

/// What a request brings, percent-decoded.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// Parameters of the path.
    pub path: &'a [(String, String)],
    /// Parameters of the query string.
    pub query: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

/// Why a request is no command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It cannot be read. HTTP status 400.
    Unreadable(String),
    /// It can be read and is not valid. HTTP status 422.
    Invalid(String),
}

/// The command that a request to `route` asks for; `None` where the server answers by itself.
///
/// # Errors
///
/// What is wrong with the request.
pub fn command(route: &Route, parts: Parts<'_>) -> Result<Option<Command>, Refusal> {
    let query = Query::read(route, parts.query)?;
    let change = |change| Command::Change { change, on_hand_edit: query.on_hand_edit };
    Ok(Some(match route.operation {
        Operation::OpenApi => return Ok(None),
        Operation::Status => Command::Status,
        Operation::Definition => Command::Definition,
        Operation::Reload => Command::Reload,
        Operation::Zero => Command::Zero,
        Operation::Metrics => Command::Metrics,
        Operation::Vrrp => Command::Vrrp,
        Operation::Handover => Command::Handover { instance: query.instance },
        Operation::Resume => Command::Resume { instance: query.instance },
        Operation::List => Command::List { only: query.only },
        Operation::Connections => Command::Connections { only: query.only },
        Operation::Trace => Command::Trace(Wanted { only: query.only, ..query.wanted }),
        Operation::Events => Command::Events(WantedEvents {
            count: query.wanted.count,
            follow: query.follow,
            only: events_of(query.only, query.instance)?,
        }),
        Operation::Diff => Command::Diff { text: text(parts.body)? },
        Operation::Apply => change(Change::Apply { text: text(parts.body)? }),
        Operation::Clear => change(Change::Clear),
        Operation::AddService => change(add_service(parts.body)?),
        Operation::EditService => change(edit_service(service(parts.path)?, parts.body)?),
        Operation::DeleteService => {
            change(Change::DeleteService { endpoint: service(parts.path)? })
        }
        Operation::AddReal => change(add_real(service(parts.path)?, parts.body)?),
        Operation::EditReal => {
            change(edit_real(service(parts.path)?, address(parts.path)?, parts.body)?)
        }
        Operation::CheckNow => {
            Command::CheckNow { endpoint: service(parts.path)?, address: query.real }
        }
        Operation::DeleteReal => change(Change::DeleteReal {
            endpoint: service(parts.path)?,
            address: address(parts.path)?,
        }),
    }))
}

#[derive(Default)]
struct Query {
    only: Option<Endpoint>,
    real: Option<IpAddr>,
    instance: Option<String>,
    on_hand_edit: OnHandEdit,
    wanted: Wanted,
    follow: bool,
}

impl Query {
    fn read(route: &Route, pairs: &[(String, String)]) -> Result<Self, Refusal> {
        let mut query = Self::default();
        for (name, value) in pairs {
            if !route.query.iter().any(|parameter| parameter.name == name) {
                return Err(Refusal::Unreadable(format!("unknown query parameter `{name}`")));
            }
            match (name.as_str(), value.as_str()) {
                ("force", value) if flag(name, value)? => {
                    query.on_hand_edit = OnHandEdit::Overwrite;
                }
                ("force", _) => query.on_hand_edit = OnHandEdit::Refuse,
                ("follow", value) => query.follow = flag(name, value)?,
                ("source", network) => {
                    query.wanted.source = Some(policy::prefix(network).map_err(unreadable)?);
                }
                ("instance", text) => query.instance = Some(text.to_owned()),
                ("real", text) => query.real = Some(real_address(text)?),
                ("count", number) => query.wanted.count = Some(at_least_one(name, number)?),
                ("every", number) => query.wanted.every = at_least_one(name, number)?,
                (_, service) => query.only = Some(one_service(service)?),
            }
        }
        Ok(query)
    }
}

fn events_of(service: Option<Endpoint>, instance: Option<String>) -> Result<EventsOf, Refusal> {
    match (service, instance) {
        (None, None) => Ok(EventsOf::All),
        (Some(endpoint), None) => Ok(EventsOf::Service(endpoint)),
        (None, Some(name)) => Ok(EventsOf::Instance(name)),
        (Some(_), Some(_)) => Err(Refusal::Unreadable(
            "query parameters service and instance: give one of them".to_owned(),
        )),
    }
}

fn flag(name: &str, text: &str) -> Result<bool, Refusal> {
    text.parse().map_err(|_| {
        Refusal::Unreadable(format!("query parameter {name}=`{text}`: write true or false"))
    })
}

fn at_least_one<N: FromStr + PartialOrd + From<u8>>(name: &str, text: &str) -> Result<N, Refusal> {
    text.parse().ok().filter(|number| *number >= N::from(1)).ok_or_else(|| {
        let message = format!("query parameter {name}=`{text}`: write a whole number from 1 on");
        Refusal::Unreadable(message)
    })
}

fn one_service(text: &str) -> Result<Endpoint, Refusal> {
    let (name, target) = text.split_once('/').unwrap_or((text, ""));
    parse_service(protocol(name)?, target).map_err(unreadable)
}

fn protocol(name: &str) -> Result<Protocol, Refusal> {
    rules::protocol(name).map_err(|error| {
        Refusal::Unreadable(format!("{error}, as in tcp/192.0.2.10:80 or udp/[2001:db8::10]:53"))
    })
}

fn unreadable(error: impl std::error::Error) -> Refusal {
    Refusal::Unreadable(error.to_string())
}

fn parameter<'a>(path: &'a [(String, String)], name: &str) -> &'a str {
    path.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

fn service(path: &[(String, String)]) -> Result<Endpoint, Refusal> {
    let protocol = protocol(parameter(path, "protocol"))?;
    parse_service(protocol, parameter(path, "endpoint")).map_err(unreadable)
}

fn address(path: &[(String, String)]) -> Result<IpAddr, Refusal> {
    real_address(parameter(path, "address"))
}

fn real_address(text: &str) -> Result<IpAddr, Refusal> {
    text.parse().map_err(|_| {
        let message = format!("bad real address `{text}`: write 192.0.2.21 or 2001:db8::21");
        Refusal::Unreadable(message)
    })
}

fn text(body: &[u8]) -> Result<String, Refusal> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Refusal::Unreadable(format!("the definition is not UTF-8 text: {error}"))
    })?;
    Ok(text.to_owned())
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data if path == "." => Refusal::Invalid(inner.to_string()),
            serde_json::error::Category::Data => Refusal::Invalid(format!("{path}: {inner}")),
            _ => Refusal::Unreadable(format!("the body is not JSON: {inner}")),
        }
    })?;
    reader.end().map_err(|error| Refusal::Unreadable(format!("the body is not JSON: {error}")))?;
    Ok(value)
}

fn add_service(body: &[u8]) -> Result<Change, Refusal> {
    let (endpoint, asked) = json::<wire::NewService>(body)?.split();
    let properties = properties::new(asked).map_err(|error| invalid(&error))?;
    Ok(Change::AddService { endpoint, properties: properties.into() })
}

fn edit_service(endpoint: Endpoint, body: &[u8]) -> Result<Change, Refusal> {
    let properties = properties::changed(json(body)?).map_err(|error| invalid(&error))?;
    Ok(Change::EditService { endpoint, properties: properties.into() })
}

fn invalid(error: &RuleError) -> Refusal {
    Refusal::Invalid(error.to_string())
}

fn add_real(endpoint: Endpoint, body: &[u8]) -> Result<Change, Refusal> {
    let new: wire::NewReal = json(body)?;
    Ok(Change::AddReal { endpoint, address: new.address, weight: new.weight.unwrap_or(1) })
}

fn edit_real(endpoint: Endpoint, address: IpAddr, body: &[u8]) -> Result<Change, Refusal> {
    let edit: wire::RealEdit = json(body)?;
    let weight = edit.weight.map(|weight| Change::EditReal { endpoint, address, weight });
    let drained = edit.drained.map(|drained| Change::Drain { endpoint, address, drained });
    let disabled = edit.disabled.map(|disabled| Change::Disable { endpoint, address, disabled });
    let mut asked = [weight, drained, disabled].into_iter().flatten();
    match (asked.next(), asked.next()) {
        (Some(change), None) => Ok(change),
        (None, _) => Err(Refusal::Invalid(format!(
            "real {address} of service {endpoint}: send weight, drained or disabled, there is \
             nothing to change"
        ))),
        // One request is one change: half of it done would be hard to tell of.
        (Some(_), Some(_)) => Err(Refusal::Invalid(format!(
            "real {address} of service {endpoint}: send one of weight, drained and disabled, and \
             the others in further requests"
        ))),
    }
}

#[cfg(test)]
mod tests;
