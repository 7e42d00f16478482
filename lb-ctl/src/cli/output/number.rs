//! Numbers as ipvsadm writes them. Pure.

/// How much of a large number is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cli) enum Digits {
    /// At most eight digits, then thousands (K), millions (M), and so on.
    Few,
    /// All.
    All,
}

/// A counter in a column: right-aligned in nine characters, or more where all digits need them.
pub(super) fn column(number: u64, digits: Digits) -> String {
    let (number, unit) = match (digits, number) {
        (Digits::All, _) => return format!(" {number:>8}"),
        (_, 0..100_000_000) => return format!("{number:>9}"),
        (_, 100_000_000..1_000_000_000) => (number / 1_000, 'K'),
        (_, 1_000_000_000..100_000_000_000) => (number / 1_000_000, 'M'),
        (_, 100_000_000_000..100_000_000_000_000) => (number / 1_000_000_000, 'G'),
        _ => (number / 1_000_000_000_000, 'T'),
    };
    format!("{number:>8}{unit}")
}

/// Seconds, as people say them.
pub(super) fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_digits() {
        for (number, text) in [
            (0, "        0"),
            (99_999_999, " 99999999"),
            (100_000_000, "  100000K"),
            (999_999_999, "  999999K"),
            (1_000_000_000, "    1000M"),
            (99_999_999_999, "   99999M"),
            (100_000_000_000, "     100G"),
            (99_999_999_999_999, "   99999G"),
            (100_000_000_000_000, "     100T"),
            (u64::MAX, "18446744T"),
        ] {
            assert_eq!(column(number, Digits::Few), text);
        }
    }

    #[test]
    fn all_digits() {
        assert_eq!(column(7, Digits::All), "        7");
        assert_eq!(column(1_234_567_890, Digits::All), " 1234567890");
    }

    #[test]
    fn durations() {
        assert_eq!(duration(59), "59 s");
        assert_eq!(duration(61), "1 min 1 s");
        assert_eq!(duration(86399), "23 h 59 min");
        assert_eq!(duration(90000), "1 d 1 h");
    }
}
