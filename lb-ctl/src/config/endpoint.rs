//! Services, reals and weights as they are written on the command line.

use std::net::IpAddr;

use lb_common::key::Protocol;

use super::edit::EditError;
use super::model::Endpoint;
use super::ports::PortsError;
use super::rules;

const SERVICE_FORM: &str =
    "write a service like 192.0.2.10:80, [2001:db8::10]:80 or 192.0.2.10:8000-8100";
const REAL_FORM: &str = "write a real like 192.0.2.21 or 2001:db8::21";

/// What is wrong with a word of the command line, and a right example.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum EndpointError {
    /// The part before the port is no address.
    #[error("{part:?} in {text:?} is not an IPv4 or IPv6 address: {form}")]
    Address { text: String, part: String, form: &'static str },
    /// A service needs a port.
    #[error("{text:?} has no port: {form}")]
    NoPort { text: String, form: &'static str },
    /// An IPv6 address eats the port unless it stands in brackets.
    #[error("{text:?} is an IPv6 address without brackets, so its port cannot be told: {form}")]
    NoBrackets { text: String, form: &'static str },
    /// A bracket too few, too many, or around IPv4.
    #[error("the brackets in {text:?} do not hold an IPv6 address: {form}")]
    Brackets { text: String, form: &'static str },
    /// Not what a service takes.
    #[error("{source}, in {text:?}: {form}")]
    Ports { text: String, source: PortsError, form: &'static str },
    /// Not a port.
    #[error("port {part:?} in {text:?} is not a whole number from 1 to 65535: {form}")]
    Port { text: String, part: String, form: &'static str },
    /// Not a number.
    #[error("weight {text:?} is not a whole number from 0 to 65535: write it like -w 10")]
    Weight { text: String },
    /// A number, but not a weight.
    #[error(transparent)]
    WeightRange(rules::RuleError),
}

/// A real as written: its port is not yet compared with the service's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RealArgument {
    /// The address.
    pub address: IpAddr,
    /// The port, where one was written.
    pub port: Option<u16>,
}

/// Reads `192.0.2.10:80`, `[2001:db8::10]:80`, `192.0.2.10:8000-8100` or `192.0.2.10:0`.
///
/// # Errors
/// Whatever is wrong with the form; whether the address can be a VIP is not asked here.
pub fn parse_service(protocol: Protocol, text: &str) -> Result<Endpoint, EndpointError> {
    let form = SERVICE_FORM;
    let (address, port) = split(text, form)?;
    let port = port.ok_or_else(|| match address {
        IpAddr::V6(_) if !text.starts_with('[') => {
            EndpointError::NoBrackets { text: text.to_owned(), form }
        }
        _ => EndpointError::NoPort { text: text.to_owned(), form },
    })?;
    let port = port.parse().map_err(|source| EndpointError::Ports {
        text: text.to_owned(),
        source,
        form,
    })?;
    Ok(Endpoint { protocol, address, port })
}

/// Reads `192.0.2.21`, `192.0.2.21:80`, `2001:db8::21`, `[2001:db8::21]` or `[2001:db8::21]:80`.
///
/// # Errors
/// Whatever is wrong with the form.
pub fn parse_real(text: &str) -> Result<RealArgument, EndpointError> {
    let (address, port) = split(text, REAL_FORM)?;
    let port = port.map(|part| read_port(text, part)).transpose()?;
    Ok(RealArgument { address, port })
}

/// Reads a weight.
///
/// # Errors
/// Where it is no number, or out of range.
pub fn parse_weight(text: &str) -> Result<u16, EndpointError> {
    match text.strip_prefix('-').unwrap_or(text) {
        digits if is_digits(digits) => match text.parse() {
            Ok(number) => rules::weight(number).map_err(EndpointError::WeightRange),
            Err(_) => Err(EndpointError::Weight { text: text.to_owned() }),
        },
        _ => Err(EndpointError::Weight { text: text.to_owned() }),
    }
}

/// The address of `real`, once its port is found to be that of `service`.
///
/// # Errors
/// [`EditError::Refused`] where it has another port, or where the service has not one port: direct
/// routing cannot rewrite ports.
pub fn real_of(service: Endpoint, real: RealArgument) -> Result<IpAddr, EditError> {
    rules::real_port(service, real.address, real.port)?;
    Ok(real.address)
}

/// The address, and what stands behind the colon.
fn split<'a>(
    text: &'a str,
    form: &'static str,
) -> Result<(IpAddr, Option<&'a str>), EndpointError> {
    if let Some(inner) = text.strip_prefix('[') {
        return bracketed(text, inner, form);
    }
    if let Ok(address) = text.parse() {
        return Ok((address, None));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, digits)) => (host, Some(digits)),
        None => (text, None),
    };
    match host.parse() {
        Ok(IpAddr::V6(_)) => Err(EndpointError::NoBrackets { text: text.to_owned(), form }),
        Ok(address) => Ok((address, port)),
        Err(_) => {
            Err(EndpointError::Address { text: text.to_owned(), part: host.to_owned(), form })
        }
    }
}

fn bracketed<'a>(
    text: &str,
    inner: &'a str,
    form: &'static str,
) -> Result<(IpAddr, Option<&'a str>), EndpointError> {
    let brackets = || EndpointError::Brackets { text: text.to_owned(), form };
    let (address, rest) = inner.split_once(']').ok_or_else(brackets)?;
    let address = IpAddr::V6(address.parse().map_err(|_| brackets())?);
    match rest.strip_prefix(':') {
        Some(port) => Ok((address, Some(port))),
        None if rest.is_empty() => Ok((address, None)),
        None => Err(brackets()),
    }
}

fn read_port(text: &str, part: &str) -> Result<u16, EndpointError> {
    let number = is_digits(part).then(|| part.parse().ok()).flatten();
    number.filter(|port| *port != 0).ok_or_else(|| EndpointError::Port {
        text: text.to_owned(),
        part: part.to_owned(),
        form: REAL_FORM,
    })
}

/// Rust's own integer parser would also take a `+`.
fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
