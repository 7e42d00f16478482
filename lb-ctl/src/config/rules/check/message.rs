//! What is asked for by other protocols and what is expected.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};

use super::{CheckError, text};
use crate::config::hex;

/// Longest datagram: that of IPv4, less its headers.
pub const MAX_PAYLOAD: usize = 65_507;

/// Reads hexadecimal digits.
///
/// # Errors
/// [`CheckError::Hex`].
pub fn hexadecimal(key: &'static str, text: &str) -> Result<Vec<u8>, CheckError> {
    hex::bytes(text).ok_or(CheckError::Hex { key })
}

/// Checks that a datagram can hold what is sent or expected.
///
/// # Errors
/// [`CheckError::Long`].
pub fn datagram(key: &'static str, bytes: Vec<u8>) -> Result<Vec<u8>, CheckError> {
    if bytes.len() <= MAX_PAYLOAD {
        Ok(bytes)
    } else {
        Err(CheckError::Long { key, length: bytes.len() })
    }
}

/// Reads a domain name.
///
/// # Errors
/// [`CheckError::Name`].
pub fn name(text: &str) -> Result<String, CheckError> {
    if text::is_visible(text) && Name::from_ascii(text).is_ok() {
        Ok(text.to_owned())
    } else {
        Err(CheckError::Name { text: text.to_owned() })
    }
}

/// Reads a type of record, in either case.
///
/// # Errors
/// [`CheckError::RecordType`].
pub fn record_type(text: &str) -> Result<String, CheckError> {
    let word = text.to_ascii_uppercase();
    match word.parse::<RecordType>() {
        Ok(_) => Ok(word),
        Err(_) => Err(CheckError::RecordType { text: text.to_owned() }),
    }
}

/// Reads a response code, in either case.
///
/// # Errors
/// [`CheckError::Rcode`].
pub fn rcode(text: &str) -> Result<String, CheckError> {
    let word = text.to_ascii_uppercase();
    match response_code(&word) {
        Some(_) => Ok(word),
        None => Err(CheckError::Rcode { text: text.to_owned() }),
    }
}

/// The response code of this name among those that a message without EDNS can hold (RFC 6895,
/// section 2.3).
pub fn response_code(word: &str) -> Option<ResponseCode> {
    // The names of the library's variants are those of the registry, but for the case.
    let named = |code: &ResponseCode| format!("{code:?}").eq_ignore_ascii_case(word);
    (0..=10).map(|low| ResponseCode::from(0, low)).find(named)
}

/// Reads the name that the director gives itself by SMTP.
///
/// # Errors
/// [`CheckError::Helo`].
pub fn helo(text: &str) -> Result<String, CheckError> {
    if text::is_visible(text) {
        Ok(text.to_owned())
    } else {
        Err(CheckError::Helo { text: text.to_owned() })
    }
}

/// Reads the name of a gRPC service.
///
/// # Errors
/// [`CheckError::Service`].
pub fn service(text: &str) -> Result<String, CheckError> {
    if text.chars().any(char::is_control) {
        return Err(CheckError::Service { text: text.to_owned() });
    }
    Ok(text.to_owned())
}
