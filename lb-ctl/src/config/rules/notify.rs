//! What each key of `notify` must be.

use std::path::PathBuf;
use std::time::Duration;

use super::check::MAX_TIME;
use super::text;
use crate::config::duration::{self, DurationError, written};
use crate::config::hook::HookError;
use crate::config::notify::MailSecurity;

/// Whom nobody can tell, why, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum NotifyError {
    /// No command.
    #[error(transparent)]
    Command(#[from] HookError),
    /// No user's name.
    #[error("user {text:?} is not the name of a user: write it like \"nobody\"")]
    User { text: String },
    /// Not a duration.
    #[error("{key} {source}")]
    TimeForm { key: &'static str, source: DurationError },
    /// Too short or too long.
    #[error("{key} {} is outside {} to 13d", written(*length), written(*least))]
    TimeRange { key: &'static str, length: Duration, least: Duration },
    /// Neither a name nor an address.
    #[error("mail server {text:?} is neither a host name nor an address: give one without a port")]
    Server { text: String },
    /// No way to keep mail private.
    #[error("security {word:?} is unknown: use \"starttls\", \"tls\" or \"none\"")]
    UnknownSecurity { word: String },
    /// One without the other.
    #[error("mail has a `{given}` and no `{missing}`: give both, or none to send without a login")]
    HalfLogin { given: &'static str, missing: &'static str },
    /// An authority for what is not used.
    #[error("`ca` belongs to TLS, which mail with security \"none\" does not use: leave it out")]
    CaWithoutTls,
    /// No mail address.
    #[error("{text:?} is not a mail address ({reason}): write it like ops@example.org")]
    Address { text: String, reason: String },
    /// Mail to nobody.
    #[error("mail has no recipients: name some in `to`, or leave the mail out")]
    NoRecipient,
    /// The same twice.
    #[error("{text:?} stands at {list}[{first}] already: keep one of the two")]
    Duplicate { text: String, list: &'static str, first: usize },
    /// Nothing that can be posted to.
    #[error("url {text:?} cannot be posted to ({reason}): write it like https://example.org/hook")]
    Url { text: String, reason: String },
    /// Which file is meant would depend on where the daemon stands.
    #[error("ca {text:?} is not an absolute path: write it like /etc/ssl/ca.pem")]
    Relative { text: String },
}

/// Reads who runs commands.
///
/// # Errors
/// [`NotifyError::User`].
pub fn user(text: &str) -> Result<String, NotifyError> {
    if text::is_user(text) {
        Ok(text.to_owned())
    } else {
        Err(NotifyError::User { text: text.to_owned() })
    }
}

/// Reads how long something may take.
///
/// # Errors
/// [`NotifyError::TimeForm`], [`NotifyError::TimeRange`] outside a millisecond to thirteen days.
pub fn timeout(text: &str) -> Result<Duration, NotifyError> {
    time("timeout", Duration::from_millis(1), text)
}

/// Reads how long events are gathered; `0s` for not at all.
///
/// # Errors
/// [`NotifyError::TimeForm`], [`NotifyError::TimeRange`] above thirteen days.
pub fn batch(text: &str) -> Result<Duration, NotifyError> {
    time("batch", Duration::ZERO, text)
}

fn time(key: &'static str, least: Duration, text: &str) -> Result<Duration, NotifyError> {
    let length = duration::duration(text);
    let length = length.map_err(|source| NotifyError::TimeForm { key, source })?;
    if (least..=MAX_TIME).contains(&length) {
        Ok(length)
    } else {
        Err(NotifyError::TimeRange { key, length, least })
    }
}

/// Reads a mail server.
///
/// # Errors
/// [`NotifyError::Server`].
pub fn server(text: &str) -> Result<String, NotifyError> {
    if text::is_host(text) {
        Ok(text.to_owned())
    } else {
        Err(NotifyError::Server { text: text.to_owned() })
    }
}

/// Reads the word for how mail is kept private.
///
/// # Errors
/// [`NotifyError::UnknownSecurity`].
pub fn security(word: &str) -> Result<MailSecurity, NotifyError> {
    let found = MailSecurity::ALL.into_iter().find(|security| security.name() == word);
    found.ok_or_else(|| NotifyError::UnknownSecurity { word: word.to_owned() })
}

/// Reads a mail address.
///
/// # Errors
/// [`NotifyError::Address`].
pub fn address(text: &str) -> Result<String, NotifyError> {
    match text.parse::<lettre::Address>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            Err(NotifyError::Address { text: text.to_owned(), reason: error.to_string() })
        }
    }
}

/// Reads where events are posted to. It is kept as it is written.
///
/// # Errors
/// [`NotifyError::Url`].
pub fn url(text: &str) -> Result<String, NotifyError> {
    let refused = |reason: &str| NotifyError::Url { text: text.to_owned(), reason: reason.into() };
    let url = reqwest::Url::parse(text).map_err(|error| refused(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("it is neither http nor https"));
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(refused("it has blanks or control characters"));
    }
    if url.has_host() { Ok(text.to_owned()) } else { Err(refused("it has no host")) }
}

/// Reads the path of a file.
///
/// # Errors
/// [`NotifyError::Relative`].
pub fn ca(text: &str) -> Result<PathBuf, NotifyError> {
    text::absolute(text).ok_or_else(|| NotifyError::Relative { text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<T: std::fmt::Debug>(result: Result<T, NotifyError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn what_is_taken() {
        assert_eq!(user("lb-notify"), Ok("lb-notify".to_owned()));
        assert_eq!(timeout("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(batch("0s"), Ok(Duration::ZERO));
        assert_eq!(server("192.0.2.25"), Ok("192.0.2.25".to_owned()));
        for known in MailSecurity::ALL {
            assert_eq!(security(known.name()), Ok(known));
        }
        assert_eq!(address("ops@example.org"), Ok("ops@example.org".to_owned()));
        for good in ["http://192.0.2.30:8080/a?b=c", "https://[2001:db8::30]/", "HTTPS://A.org"] {
            assert_eq!(url(good), Ok(good.to_owned()));
        }
        assert_eq!(ca("/etc/ssl/ca.pem"), Ok(PathBuf::from("/etc/ssl/ca.pem")));
    }

    #[test]
    fn what_is_refused_is_refused_with_a_remedy() {
        for (message, words) in [
            (said(user("a b")), "user \"a b\" is not the name of a user"),
            (said(timeout("0s")), "timeout 0s is outside 1ms to 13d"),
            (said(timeout("5")), "timeout \"5\" has no unit"),
            (said(batch("14d")), "batch 1209600s is outside 0s to 13d"),
            (said(server("mail:25")), "mail server \"mail:25\" is neither"),
            (said(security("ssl")), "use \"starttls\", \"tls\" or \"none\""),
            (said(address("ops")), "\"ops\" is not a mail address ("),
            (said(address("Ops <ops@example.org>")), "is not a mail address"),
            (said(url("ftp://example.org")), "it is neither http nor https"),
            (said(url("example.org")), "cannot be posted to ("),
            (said(url("https://")), "cannot be posted to ("),
            (said(url(" https://a.org")), "it has blanks"),
            (said(ca("ca.pem")), "ca \"ca.pem\" is not an absolute path"),
        ] {
            assert!(message.contains(words), "{message}\nis not\n{words}");
        }
    }
}
