//! Forms of text that checks and notification have in common.

use std::path::PathBuf;

use rustls::pki_types::ServerName;

/// Longest name of a user (`useradd` of Debian's shadow).
const USER_CHARS: usize = 32;

/// Whether `text` is the path of a file wherever the daemon stands.
pub(super) fn absolute(text: &str) -> Option<PathBuf> {
    (text.starts_with('/') && !text.chars().any(char::is_control)).then(|| PathBuf::from(text))
}

/// Whether `text` can be a user's name.
pub(super) fn is_user(text: &str) -> bool {
    (1..=USER_CHARS).contains(&text.chars().count())
        && !text.starts_with('-')
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || ":/".contains(c))
}

/// Whether `text` is what a server can be called: a host name, or an address.
pub(super) fn is_host(text: &str) -> bool {
    ServerName::try_from(text).is_ok()
}

/// Whether `text` is of visible ASCII characters, at least one.
pub(super) fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_hosts_and_paths() {
        for user in ["nobody", "www-data", "_lb", "svc$", &"a".repeat(32)] {
            assert!(is_user(user), "{user}");
        }
        for user in ["", "a b", "a:b", "a/b", "-u", "a\n", &"a".repeat(33)] {
            assert!(!is_user(user), "{user}");
        }
        for host in ["mail.example.org", "192.0.2.25", "2001:db8::25", "localhost"] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", "a b", "mail.example.org:25", "http://a", "a\n", "é"] {
            assert!(!is_host(host), "{host}");
        }
        assert_eq!(absolute("/etc/a.pem"), Some(PathBuf::from("/etc/a.pem")));
        assert_eq!((absolute("a.pem"), absolute(""), absolute("/a\n")), (None, None, None));
        assert!(is_visible("a-b.c") && !is_visible("a b") && !is_visible("") && !is_visible("é"));
    }
}
