//! What each key of a check must be by itself, and with which others it goes.

use std::time::Duration;

use super::text;
use crate::config::check::{Check, Via};
use crate::config::duration;
use crate::config::model::Endpoint;

mod error;
mod keys;
mod message;
mod page;

pub use error::{CheckError, Span};
pub use keys::{TYPES, belongs};
pub use message::{
    MAX_PAYLOAD, datagram, helo, hexadecimal, name, rcode, record_type, response_code, service,
};
pub use page::{digest, host, path, regex, sni, status};

/// The longest of all times: thirteen days.
pub const MAX_TIME: Duration = Duration::from_hours(13 * 24);

/// The shortest interval: no timer of a busy director keeps a shorter one.
pub const MIN_INTERVAL: Duration = Duration::from_millis(10);

/// Most results that can be asked for in a row.
pub const MAX_RESULTS: u16 = 1000;

/// Reads a port.
///
/// # Errors
/// [`CheckError::Port`].
pub fn port(number: i128) -> Result<u16, CheckError> {
    u16::try_from(number).ok().filter(|port| *port > 0).ok_or(CheckError::Port { number })
}

/// Reads how many successes bring a real up.
///
/// # Errors
/// [`CheckError::Results`] outside 1 to [`MAX_RESULTS`].
pub fn rise(number: i128) -> Result<u16, CheckError> {
    results("rise", number)
}

/// Reads how many failures take a real down.
///
/// # Errors
/// [`CheckError::Results`] outside 1 to [`MAX_RESULTS`].
pub fn fall(number: i128) -> Result<u16, CheckError> {
    results("fall", number)
}

fn results(key: &'static str, number: i128) -> Result<u16, CheckError> {
    u16::try_from(number)
        .ok()
        .filter(|results| (1..=MAX_RESULTS).contains(results))
        .ok_or(CheckError::Results { key, number })
}

/// Reads a time of a check.
///
/// # Errors
/// [`CheckError::TimeForm`] and [`CheckError::TimeRange`].
pub fn time(span: Span, text: &str) -> Result<Duration, CheckError> {
    let length =
        duration::duration(text).map_err(|source| CheckError::TimeForm { span, source })?;
    if (span.least()..=MAX_TIME).contains(&length) {
        Ok(length)
    } else {
        Err(CheckError::TimeRange { span, length })
    }
}

/// Checks that a retry comes no later than the next probe would.
///
/// # Errors
/// [`CheckError::RetryDelay`].
pub fn retry_delay(retry_delay: Duration, interval: Duration) -> Result<Duration, CheckError> {
    if retry_delay <= interval {
        Ok(retry_delay)
    } else {
        Err(CheckError::RetryDelay { retry_delay, interval })
    }
}

/// Reads the word for an address.
///
/// # Errors
/// [`CheckError::UnknownVia`].
pub fn via(word: &str) -> Result<Via, CheckError> {
    let found = Via::ALL.into_iter().find(|via| via.name() == word);
    found.ok_or_else(|| CheckError::UnknownVia { word: word.to_owned() })
}

/// Reads the path of a file.
///
/// # Errors
/// [`CheckError::Relative`].
pub fn ca(text: &str) -> Result<std::path::PathBuf, CheckError> {
    text::absolute(text).ok_or_else(|| CheckError::Relative { text: text.to_owned() })
}

/// Reads who runs a command.
///
/// # Errors
/// [`CheckError::User`].
pub fn user(text: &str) -> Result<String, CheckError> {
    if text::is_user(text) {
        Ok(text.to_owned())
    } else {
        Err(CheckError::User { text: text.to_owned() })
    }
}

/// Checks what a check and its service must be together, and says by which key of the check they
/// are not; the check as a whole where there is none.
///
/// # Errors
/// [`CheckError::BindFamily`] and [`CheckError::PortNeeded`].
pub(super) fn fits(
    check: &Check,
    service: Endpoint,
) -> Result<(), (Option<&'static str>, CheckError)> {
    if let Some(bind) = check.bind
        && bind.is_ipv4() != service.address.is_ipv4()
    {
        return Err((Some("bind"), CheckError::BindFamily { bind, vip: service.address }));
    }
    let needed = check.probe.has_port() && check.port.is_none() && service.port.single().is_none();
    if needed { Err((None, CheckError::PortNeeded { service })) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
