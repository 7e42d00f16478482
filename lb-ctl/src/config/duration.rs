//! Durations as they are written in definitions and on the command line: `900s`, `15m`, `1h`, `2d`.

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
    let owned = || text.to_owned();
    let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let factor = match unit {
        _ if number.is_empty() => return Err(DurationError::NotADuration { text: owned() }),
        "" => return Err(DurationError::NoUnit { text: owned() }),
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "ms" | "us" | "ns" => return Err(DurationError::NotWhole { text: owned() }),
        _ if unit.starts_with('.') => return Err(DurationError::NotWhole { text: owned() }),
        _ => return Err(DurationError::NotADuration { text: owned() }),
    };
    // All digits: what does not parse is too large.
    Ok(number.parse().unwrap_or(u64::MAX).saturating_mul(factor))
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
}
