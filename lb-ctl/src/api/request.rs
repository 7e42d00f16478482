//! From an HTTP request's parts to a [`Command`]. Pure.

use std::net::IpAddr;
use std::str::FromStr;

use lb_common::key::Protocol;
use serde::de::DeserializeOwned;

use super::properties;
use super::routes::{Operation, Route};
use super::wire;
use crate::command::{Change, Command, OnHandEdit, Wanted};
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
        Operation::List => Command::List { only: query.only },
        Operation::Connections => Command::Connections { only: query.only },
        Operation::Trace => Command::Trace(Wanted { only: query.only, ..query.wanted }),
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
        Operation::DeleteReal => change(Change::DeleteReal {
            endpoint: service(parts.path)?,
            address: address(parts.path)?,
        }),
    }))
}

#[derive(Default)]
struct Query {
    only: Option<Endpoint>,
    on_hand_edit: OnHandEdit,
    wanted: Wanted,
}

impl Query {
    fn read(route: &Route, pairs: &[(String, String)]) -> Result<Self, Refusal> {
        let mut query = Self::default();
        for (name, value) in pairs {
            if !route.query.iter().any(|parameter| parameter.name == name) {
                return Err(Refusal::Unreadable(format!("unknown query parameter `{name}`")));
            }
            match (name.as_str(), value.as_str()) {
                ("force", "true") => query.on_hand_edit = OnHandEdit::Overwrite,
                ("force", "false") => query.on_hand_edit = OnHandEdit::Refuse,
                ("force", other) => {
                    let message = format!("query parameter force=`{other}`: write true or false");
                    return Err(Refusal::Unreadable(message));
                }
                ("source", network) => {
                    query.wanted.source = Some(policy::prefix(network).map_err(unreadable)?);
                }
                ("count", number) => query.wanted.count = Some(at_least_one(name, number)?),
                ("every", number) => query.wanted.every = at_least_one(name, number)?,
                (_, service) => query.only = Some(one_service(service)?),
            }
        }
        Ok(query)
    }
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
    let text = parameter(path, "address");
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
    Ok(Change::AddService { endpoint, properties })
}

fn edit_service(endpoint: Endpoint, body: &[u8]) -> Result<Change, Refusal> {
    let properties = properties::changed(json(body)?).map_err(|error| invalid(&error))?;
    Ok(Change::EditService { endpoint, properties })
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
    match edit {
        wire::RealEdit { weight: Some(weight), drained: None } => {
            Ok(Change::EditReal { endpoint, address, weight })
        }
        wire::RealEdit { weight: None, drained: Some(drained) } => {
            Ok(Change::Drain { endpoint, address, drained })
        }
        wire::RealEdit { weight: None, drained: None } => Err(Refusal::Invalid(format!(
            "real {address} of service {endpoint}: send weight or drained, there is nothing \
             to change"
        ))),
        // One request is one change: half of it done would be hard to tell of.
        wire::RealEdit { weight: Some(_), drained: Some(_) } => Err(Refusal::Invalid(format!(
            "real {address} of service {endpoint}: send weight and drained in two requests"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::routes::ROUTES;
    use super::*;
    use crate::config::edit::ServiceChange;
    use crate::config::model::Tracking;

    fn ask(
        operation: Operation,
        path: &[(&str, &str)],
        query: &[(&str, &str)],
        body: &str,
    ) -> Result<Option<Command>, Refusal> {
        let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        let route = ROUTES.iter().find(|route| route.operation == operation).unwrap();
        let parts = Parts { path: &owned(path), query: &owned(query), body: body.as_bytes() };
        command(route, parts)
    }

    const WEB: &[(&str, &str)] = &[("protocol", "tcp"), ("endpoint", "[2001:db8::10]:80")];

    #[test]
    fn a_service_with_defaults() {
        let body = r#"{"protocol":"tcp","vip":"192.0.2.10","port":80}"#;
        let command = ask(Operation::AddService, &[], &[("force", "true")], body).unwrap().unwrap();
        let Command::Change { change, on_hand_edit } = command else { panic!("no change") };
        assert_eq!(on_hand_edit, OnHandEdit::Overwrite);
        let Change::AddService { endpoint, properties } = change else { panic!("no service") };
        assert_eq!(endpoint.to_string(), "tcp 192.0.2.10:80");
        assert_eq!(properties, ServiceChange::default());
    }

    #[test]
    fn properties_of_a_service_obey_the_rules() {
        let edit = |body| ask(Operation::EditService, WEB, &[], body);
        let body = r#"{"tracking":"full","idle_timeout":30}"#;
        let Some(Command::Change { change: Change::EditService { properties, .. }, .. }) =
            edit(body).unwrap()
        else {
            panic!("no edit")
        };
        let expected = ServiceChange {
            tracking: Some(Tracking::Full),
            idle_timeout: Some(30),
            ..ServiceChange::default()
        };
        assert_eq!(properties, expected);
        for (body, words) in [
            (r#"{"tracking":"some"}"#, "tracking \"some\" is unknown"),
            (r#"{"idle_timeout":0}"#, "idle timeout 0s is outside 1s"),
            (r#"{"idle_timeout":1123201}"#, "outside 1s to 1123200s"),
            (r#"{"idle_timeout":"30s"}"#, "idle_timeout: "),
        ] {
            let Err(Refusal::Invalid(message)) = edit(body) else { panic!("{body} is taken") };
            assert!(message.contains(words), "{body}: {message}");
        }
    }

    #[test]
    fn what_cannot_be_read_and_what_is_not_valid() {
        let add = |body| ask(Operation::AddReal, WEB, &[], body).unwrap_err();
        assert!(matches!(add("{"), Refusal::Unreadable(_)));
        assert!(matches!(add(""), Refusal::Unreadable(_)));
        assert!(matches!(add(r#"{"address":"2001:db8::21"} x"#), Refusal::Unreadable(_)));
        let Refusal::Invalid(message) = add(r#"{"address":"2001:db8::21","weight":70000}"#) else {
            panic!("not invalid")
        };
        assert!(message.starts_with("weight: "), "{message}");
        assert!(matches!(add(r#"{"address":"x"}"#), Refusal::Invalid(_)));
        let Refusal::Invalid(message) = add(r#"{"address":"2001:db8::21","wieght":1}"#) else {
            panic!("not invalid")
        };
        assert!(message.contains("wieght"), "{message}");
    }

    #[test]
    fn a_query_parameter_of_another_route_is_refused() {
        let refusal = ask(Operation::Status, &[], &[("force", "true")], "").unwrap_err();
        assert_eq!(refusal, Refusal::Unreadable("unknown query parameter `force`".to_owned()));
        assert!(ask(Operation::Clear, &[], &[("force", "yes")], "").is_err());
        assert!(ask(Operation::List, &[], &[("service", "sctp/192.0.2.10:80")], "").is_err());
        let one = ask(Operation::List, &[], &[("service", "udp/192.0.2.10:53")], "").unwrap();
        let Some(Command::List { only: Some(only) }) = one else { panic!("no service") };
        assert_eq!(only.to_string(), "udp 192.0.2.10:53");
    }

    #[test]
    fn what_is_to_be_traced() {
        let trace = |query: &[(&str, &str)]| ask(Operation::Trace, &[], query, "");
        assert_eq!(trace(&[]), Ok(Some(Command::Trace(Wanted::default()))));
        let all = [
            ("service", "tcp/192.0.2.10:80"),
            ("source", "198.51.100.0/24"),
            ("count", "5"),
            ("every", "10"),
        ];
        let Ok(Some(Command::Trace(wanted))) = trace(&all) else { panic!("no trace") };
        assert_eq!(wanted.only.unwrap().to_string(), "tcp 192.0.2.10:80");
        assert_eq!(wanted.source.unwrap().to_string(), "198.51.100.0/24");
        assert_eq!((wanted.count, wanted.every), (Some(5), 10));
        for (name, value) in [
            ("count", "0"),
            ("count", "-1"),
            ("every", "0"),
            ("every", "4294967296"),
            ("source", "198.51.100.7/24"),
            ("source", "here"),
        ] {
            assert!(trace(&[(name, value)]).is_err(), "{name}={value} is taken");
        }
    }

    #[test]
    fn draining_and_weight_are_two_changes() {
        let path = [WEB, &[("address", "2001:db8::21")]].concat();
        let both = ask(Operation::EditReal, &path, &[], r#"{"weight":1,"drained":true}"#);
        assert!(matches!(both, Err(Refusal::Invalid(_))));
        let drain = ask(Operation::EditReal, &path, &[], r#"{"drained":true}"#).unwrap().unwrap();
        let Command::Change { change: Change::Drain { drained: true, .. }, .. } = drain else {
            panic!("{drain:?}")
        };
    }
}
