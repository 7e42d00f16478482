//! What is asked for by HTTP and what is expected.

use hyper::http::uri::{Authority, PathAndQuery};

use super::{CheckError, text};
use crate::config::check::StatusRange;
use crate::config::hex;

/// Reads the path of a request, with its query (RFC 9112, section 3.2.1).
///
/// # Errors
/// [`CheckError::Path`].
pub fn path(text: &str) -> Result<String, CheckError> {
    let whole = |path: PathAndQuery| path.as_str() == text;
    let good = text.starts_with('/') && text::is_visible(text) && text.parse().is_ok_and(whole);
    if good { Ok(text.to_owned()) } else { Err(CheckError::Path { text: text.to_owned() }) }
}

/// Reads a `Host` header (RFC 9110, section 7.2): a name or an address, and perhaps a port.
///
/// # Errors
/// [`CheckError::Host`].
pub fn host(text: &str) -> Result<String, CheckError> {
    // Who is at the host is no part of the header.
    let good = text::is_visible(text) && !text.contains('@') && text.parse::<Authority>().is_ok();
    if good { Ok(text.to_owned()) } else { Err(CheckError::Host { text: text.to_owned() }) }
}

/// Reads the name that a server is asked for by TLS.
///
/// # Errors
/// [`CheckError::Sni`].
pub fn sni(text: &str) -> Result<String, CheckError> {
    if text::is_host(text) {
        Ok(text.to_owned())
    } else {
        Err(CheckError::Sni { text: text.to_owned() })
    }
}

/// Reads a status (RFC 9110, section 15) or a range of them.
///
/// # Errors
/// [`CheckError::Status`].
pub fn status(text: &str) -> Result<StatusRange, CheckError> {
    let one = |digits: &str| -> Option<u16> {
        let plain = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|status| plain && (100..=599).contains(status))
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (one(first), one(last)) {
        (Some(first), Some(last)) if first <= last => Ok(StatusRange { first, last }),
        _ => Err(CheckError::Status { text: text.to_owned() }),
    }
}

/// Reads the digits of a digest of so many bytes.
///
/// # Errors
/// [`CheckError::Digest`].
pub fn digest<const BYTES: usize>(
    key: &'static str,
    text: &str,
) -> Result<[u8; BYTES], CheckError> {
    hex::bytes(text).and_then(|bytes| bytes.try_into().ok()).ok_or(CheckError::Digest {
        key,
        digits: 2 * BYTES,
        given: text.chars().count(),
    })
}

/// Reads a regular expression.
///
/// # Errors
/// [`CheckError::Regex`], with what the library says of it.
pub fn regex(text: &str) -> Result<String, CheckError> {
    match regex::bytes::Regex::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(CheckError::Regex { reason: last_line(&error.to_string()) }),
    }
}

/// The library draws a picture of the expression and says what is wrong behind it.
fn last_line(message: &str) -> String {
    let last = message.lines().last().unwrap_or(message);
    last.trim_start_matches("error: ").to_owned()
}
