//! Moments as they are written. Pure.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment to the microsecond, in UTC, as RFC 3339 has it: `2026-11-21T14:03:17.000123Z`.
pub fn rfc3339(at: SystemTime) -> String {
    let at = OffsetDateTime::from(at);
    let micros = at.replace_microsecond(at.microsecond()).unwrap_or(at);
    // It fails for years of more than four digits.
    micros.format(&Rfc3339).unwrap_or_default()
}

/// Reads what [`rfc3339`] wrote.
pub fn from_rfc3339(text: &str) -> Option<SystemTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let at = UNIX_EPOCH + Duration::from_nanos(1_795_000_000_123_456_789);
        let text = rfc3339(at);
        assert_eq!(text, "2026-11-18T11:06:40.123456Z");
        assert_eq!(
            from_rfc3339(&text),
            Some(UNIX_EPOCH + Duration::from_micros(1_795_000_000_123_456))
        );
        assert_eq!(from_rfc3339("yesterday"), None);
    }
}
