//! The words for what a check cannot be.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::{MAX_PAYLOAD, MAX_RESULTS, MIN_INTERVAL};
use crate::config::duration::{DurationError, written};
use crate::config::hook::HookError;
use crate::config::model::Endpoint;

/// What a check cannot be, why, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum CheckError {
    /// A type that nobody knows.
    #[error(
        "check type {word:?} is unknown: use tcp, http, https, udp, dns, smtp, ping, grpc or exec, \
         or leave the check out"
    )]
    UnknownType { word: String },
    /// A key of another type.
    #[error(
        "`{key}` does not belong to a check of type {kind}: leave it out, or use the type {}",
        one_of(owners)
    )]
    ForeignKey { key: String, kind: &'static str, owners: Vec<&'static str> },
    /// A key that the type cannot do without.
    #[error("a check of type {kind} needs `{key}`: {example}")]
    MissingKey { key: &'static str, kind: &'static str, example: &'static str },
    /// Neither of the two addresses.
    #[error("via {word:?} is unknown: use \"vip\" or \"rip\"")]
    UnknownVia { word: String },
    /// A command whose packets lb-ctl does not send.
    #[error(
        "a check of type exec cannot go via the VIP, since its command sends its packets itself: \
         leave `via` out"
    )]
    ExecVia,
    /// No port.
    #[error("port {number} is outside 1 to 65535")]
    Port { number: i128 },
    /// Which port is meant cannot be told.
    #[error(
        "service {service} has no single port, so the check must say which one is asked: give it a \
         `port`"
    )]
    PortNeeded { service: Endpoint },
    /// Probes that would never leave.
    #[error("bind {bind} is not of the family of the VIP {vip}: give an address that is")]
    BindFamily { bind: IpAddr, vip: IpAddr },
    /// Not a duration.
    #[error("{span} {source}")]
    TimeForm { span: Span, source: DurationError },
    /// Too short or too long.
    #[error("{span} {} is outside {} to 13d", written(*length), written(span.least()))]
    TimeRange { span: Span, length: Duration },
    /// A retry after the next probe.
    #[error(
        "retry delay {} is above the interval {}: give a shorter one, or leave it out",
        written(*retry_delay),
        written(*interval)
    )]
    RetryDelay { retry_delay: Duration, interval: Duration },
    /// Nobody decides by no results, nor waits for so many.
    #[error("{key} {number} is outside 1 to {MAX_RESULTS}: it is a number of results in a row")]
    Results { key: &'static str, number: i128 },
    /// Not what a request can ask for.
    #[error(
        "path {text:?} cannot be asked for: begin it with / and leave blanks, control characters \
         and fragments out (%20 is a blank)"
    )]
    Path { text: String },
    /// Not what the header can hold.
    #[error("host {text:?} is not a host: write it like www.example.org or www.example.org:8080")]
    Host { text: String },
    /// Not what a server can be called.
    #[error("sni {text:?} is not a host name: write it like www.example.org")]
    Sni { text: String },
    /// TLS of a check that does not use it.
    #[error("`{key}` belongs to TLS, which this check does not use: give it `tls` true as well")]
    NoTls { key: &'static str },
    /// Not a status, nor a range of them.
    #[error(
        "status {text:?} is neither a status from 100 to 599 nor a range: write it like \"200\" or \
         \"300-399\""
    )]
    Status { text: String },
    /// A digest of another length, or of other signs.
    #[error("{key} has {digits} hexadecimal digits, and {given} characters are given")]
    Digest { key: &'static str, digits: usize, given: usize },
    /// No regular expression.
    #[error("body_regex is no regular expression: {reason}")]
    Regex { reason: String },
    /// Two things that say the same.
    #[error("`{first}` and `{second}` both say {what}: keep one of the two")]
    Both { first: &'static str, second: &'static str, what: &'static str },
    /// No hexadecimal digits.
    #[error("{key} is not of pairs of hexadecimal digits: write it like \"00ff\"")]
    Hex { key: &'static str },
    /// More than a datagram holds.
    #[error("{key} has {length} bytes, and a datagram holds {MAX_PAYLOAD}: shorten it")]
    Long { key: &'static str, length: usize },
    /// No domain name.
    #[error("name {text:?} is not a domain name: write it like www.example.org")]
    Name { text: String },
    /// No type of record.
    #[error("record_type {text:?} is unknown: write it like \"A\" or \"SOA\"")]
    RecordType { text: String },
    /// No response code.
    #[error("rcode {text:?} is unknown: write it like \"NOERROR\" or \"NXDOMAIN\"")]
    Rcode { text: String },
    /// Not what the command can hold.
    #[error("helo {text:?} is not a name: write it like director.example.org")]
    Helo { text: String },
    /// Not what a service can be called.
    #[error("service {text:?} has control characters: leave them out")]
    Service { text: String },
    /// Which file is meant would depend on where the daemon stands.
    #[error("ca {text:?} is not an absolute path: write it like /etc/ssl/ca.pem")]
    Relative { text: String },
    /// No user's name.
    #[error("user {text:?} is not the name of a user: write it like \"nobody\"")]
    User { text: String },
    /// No command.
    #[error(transparent)]
    Command(#[from] HookError),
}

/// The words with commas and an `or`.
fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}

/// What a time of a check is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Span {
    /// See [`Timing::interval`](crate::config::check::Timing::interval).
    Interval,
    /// See [`Timing::timeout`](crate::config::check::Timing::timeout).
    Timeout,
    /// See [`Timing::retry_delay`](crate::config::check::Timing::retry_delay).
    RetryDelay,
    /// See [`Timing::warmup`](crate::config::check::Timing::warmup).
    Warmup,
}

impl Span {
    /// Its key in a definition.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Interval => "interval",
            Self::Timeout => "timeout",
            Self::RetryDelay => "retry_delay",
            Self::Warmup => "warmup",
        }
    }

    /// The shortest that there is.
    pub const fn least(self) -> Duration {
        match self {
            Self::Interval | Self::RetryDelay => MIN_INTERVAL,
            Self::Timeout => Duration::from_millis(1),
            Self::Warmup => Duration::ZERO,
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RetryDelay => "retry delay",
            other => other.key(),
        })
    }
}
