//! Which keys a check of which type has.

use super::CheckError;

/// All types.
pub const TYPES: [&str; 9] = ["tcp", "http", "https", "udp", "dns", "smtp", "ping", "grpc", "exec"];

const TIMING: &[&str] = &["interval", "timeout", "rise", "fall", "retry_delay", "warmup"];
const PAGE: &[&str] = &["path", "host", "status", "sha256", "md5", "body_regex"];
const TLS: &[&str] = &["sni", "verify", "ca"];
const DATAGRAM: &[&str] = &["payload", "payload_hex", "expect", "expect_hex"];
const QUERY: &[&str] = &["name", "record_type", "rcode"];

/// The keys of a type beside `type`, `via` and those of timing, which all have.
fn keys(kind: &str) -> Option<&'static [&'static [&'static str]]> {
    const PACKETS: &[&str] = &["port", "bind"];
    Some(match kind {
        "tcp" => &[PACKETS],
        "http" => &[PACKETS, PAGE],
        "https" => &[PACKETS, PAGE, TLS],
        "udp" => &[PACKETS, DATAGRAM],
        "dns" => &[PACKETS, QUERY],
        "smtp" => &[PACKETS, &["helo"]],
        "ping" => &[&["bind"]],
        "grpc" => &[PACKETS, &["service", "tls"], TLS],
        "exec" => &[&["port", "command", "user"]],
        _ => return None,
    })
}

fn has(kind: &str, key: &str) -> bool {
    keys(kind).is_some_and(|lists| lists.iter().any(|list| list.contains(&key)))
}

/// Checks that a check of this type has this key.
///
/// # Errors
/// [`CheckError::UnknownType`] and [`CheckError::ForeignKey`].
pub fn belongs(kind: &str, key: &str) -> Result<(), CheckError> {
    let kind = TYPES
        .into_iter()
        .find(|known| *known == kind)
        .ok_or_else(|| CheckError::UnknownType { word: kind.to_owned() })?;
    if matches!(key, "type" | "via") || TIMING.contains(&key) || has(kind, key) {
        return Ok(());
    }
    let owners = TYPES.into_iter().filter(|other| has(other, key)).collect();
    Err(CheckError::ForeignKey { key: key.to_owned(), kind, owners })
}
