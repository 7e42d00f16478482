//! Durations as they are written in definitions and on the command line: `900s`, `15m`, `1h`, `2d`,
//! and where less than a second matters `500ms`.

use std::time::Duration;

/// What is wrong with the text of a duration, and a right example.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum DurationError {
    /// A number alone.
    #[error("{text:?} has no unit: write \"{text}s\" for seconds")]
    NoUnit { text: String },
    /// A unit or a number that has no place here.
    #[error("{text:?} is not in whole seconds: write it like \"900s\"")]
    NotWhole { text: String },
    /// Finer than a timer is.
    #[error("{text:?} is not in whole milliseconds: write it like \"500ms\" or \"5s\"")]
    TooFine { text: String },
    /// Anything else.
    #[error("{text:?} is not a duration: write it like \"900s\", \"15m\", \"1h\" or \"2d\"")]
    NotADuration { text: String },
}

/// Reads a whole number of seconds, minutes, hours or days, and returns seconds. What is too long
/// for the type is as long as the type can hold.
///
/// # Errors
/// [`DurationError`], for whatever is not written so.
pub fn seconds(text: &str) -> Result<u64, DurationError> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        Unit::Seconds(factor) => factor,
        Unit::Milliseconds | Unit::Finer => {
            return Err(DurationError::NotWhole { text: text.to_owned() });
        }
    };
    Ok(number.saturating_mul(factor))
}

/// Reads a whole number of milliseconds, seconds, minutes, hours or days. What is too long for the
/// number of milliseconds is as long as that can hold.
///
/// # Errors
/// [`DurationError`], for whatever is not written so.
pub fn duration(text: &str) -> Result<Duration, DurationError> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        Unit::Milliseconds => 1,
        Unit::Seconds(factor) => factor * 1000,
        Unit::Finer => return Err(DurationError::TooFine { text: text.to_owned() }),
    };
    Ok(Duration::from_millis(number.saturating_mul(factor)))
}

/// A duration as it is read: in seconds where it has no part of one.
pub fn written(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

/// What stands behind the number.
enum Unit {
    /// So many seconds.
    Seconds(u64),
    Milliseconds,
    /// Parts of a second that are finer, or written with a point.
    Finer,
}

fn split(text: &str) -> Result<(u64, Unit), DurationError> {
    let owned = || text.to_owned();
    let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let unit = match unit {
        _ if number.is_empty() => return Err(DurationError::NotADuration { text: owned() }),
        "" => return Err(DurationError::NoUnit { text: owned() }),
        "s" => Unit::Seconds(1),
        "m" => Unit::Seconds(60),
        "h" => Unit::Seconds(60 * 60),
        "d" => Unit::Seconds(24 * 60 * 60),
        "ms" => Unit::Milliseconds,
        "us" | "ns" => Unit::Finer,
        _ if unit.starts_with('.') => Unit::Finer,
        _ => return Err(DurationError::NotADuration { text: owned() }),
    };
    // All digits: what does not parse is too large.
    Ok((number.parse().unwrap_or(u64::MAX), unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_and_a_unit() {
        for (text, expected) in [
            ("0s", 0),
            ("1s", 1),
            ("900s", 900),
            ("0900s", 900),
            ("15m", 900),
            ("1h", 3600),
            ("2d", 172_800),
            ("99999999999999999999s", u64::MAX),
            ("999999999999999999d", u64::MAX),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for (text, words) in [
            ("900", "\"900\" has no unit: write \"900s\""),
            ("500ms", "not in whole seconds"),
            ("1.5s", "not in whole seconds"),
            ("", "not a duration"),
            ("s", "not a duration"),
            ("-5s", "not a duration"),
            ("+5s", "not a duration"),
            ("5 s", "not a duration"),
            ("5S", "not a duration"),
            ("1h30m", "not a duration"),
            ("5w", "not a duration"),
            ("٣s", "not a duration"),
        ] {
            let error = seconds(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text:?}: {error}");
        }
    }

    #[test]
    fn where_less_than_a_second_matters() {
        for (text, millis) in [
            ("0s", 0),
            ("10ms", 10),
            ("1500ms", 1500),
            ("5s", 5000),
            ("2m", 120_000),
            ("13d", 1_123_200_000),
            ("99999999999999999999ms", u64::MAX),
            ("99999999999999999d", u64::MAX),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for (text, words) in [
            ("5", "\"5\" has no unit: write \"5s\""),
            ("1.5s", "not in whole milliseconds"),
            ("10us", "not in whole milliseconds"),
            ("soon", "not a duration"),
        ] {
            let error = duration(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text:?}: {error}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (millis, text) in [(0, "0s"), (1, "1ms"), (1000, "1s"), (1500, "1500ms")] {
            let length = Duration::from_millis(millis);
            assert_eq!(written(length), text);
            assert_eq!(duration(text), Ok(length));
        }
    }
}
