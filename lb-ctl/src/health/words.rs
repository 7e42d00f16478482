//! Words for operators out of what untrusted machines say. Pure.

use std::fmt::{self, Write as _};
use std::time::Duration;

/// The most characters that words have.
const LONGEST: usize = 180;
/// What stands for what is left out.
const MORE: char = '…';

/// A short text that a terminal, a log line and a mail can take: letters, digits and punctuation
/// of ASCII, letters of other scripts, and no control characters.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Words(String);

impl Words {
    /// The text, with `?` for what does not belong into words, cut where it is too long.
    pub fn new(text: impl fmt::Display) -> Self {
        let mut words = Cleaner { text: String::new(), length: 0 };
        // An error is the cleaner's own, that it is full.
        let _ = write!(words, "{text}");
        Self(words.text)
    }

    /// The same of bytes that may be text.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        // A character takes no more than four bytes: what is behind these would be cut anyway.
        let begin = &bytes[..bytes.len().min(LONGEST * 4 + 4)];
        Self::new(String::from_utf8_lossy(begin).trim())
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

struct Cleaner {
    text: String,
    length: usize,
}

impl fmt::Write for Cleaner {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.length == LONGEST {
                // The text is at its bound only where a character more has come.
                self.text.pop();
                self.text.push(MORE);
                self.length += 1;
            }
            if self.length > LONGEST {
                return Err(fmt::Error);
            }
            self.text.push(clean(character));
            self.length += 1;
        }
        Ok(())
    }
}

/// What writes from right to left, joins or hides is no letter or digit, so it is left out too.
fn clean(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' => ' ',
        ' ' | MORE => character,
        _ if character.is_ascii_graphic() || character.is_alphanumeric() => character,
        _ => '?',
    }
}

/// A time as operators read it: `3 s`, `1.5 s`, `300 ms`.
pub(super) fn time(time: &Duration) -> String {
    let millis = time.as_millis();
    if millis < 1000 {
        return format!("{millis} ms");
    }
    // Whole milliseconds: a float holds those of any timeout exactly enough to be printed.
    format!("{} s", Duration::from_millis(millis as u64).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_stays_as_it_is() {
        for text in ["status 503, expected 200", "Straße: größer als 1 €", "", "…"] {
            let expected = text.replace('€', "?");
            assert_eq!(Words::new(text).to_string(), expected);
        }
    }

    #[test]
    fn what_steers_a_terminal_does_not() {
        let words = Words::new("a\u{1b}[2Jb\r\nc\u{202e}d\u{200b}e\u{7f}\0");
        assert_eq!(words.to_string(), "a?[2Jb  c?d?e??");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let exact = "x".repeat(LONGEST);
        assert_eq!(Words::new(&exact).to_string(), exact);
        let cut = Words::new(format!("{exact}y")).to_string();
        assert_eq!(cut, format!("{}{MORE}", &exact[1..]));
    }

    #[test]
    fn times_are_read_aloud() {
        for (millis, words) in
            [(0, "0 ms"), (300, "300 ms"), (1000, "1 s"), (1500, "1.5 s"), (60_000, "60 s")]
        {
            assert_eq!(time(&Duration::from_millis(millis)), words);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_make_bounded_printable_words(
            bytes in proptest::collection::vec(any::<u8>(), 0..2048),
        ) {
            let words = Words::of_bytes(&bytes).to_string();
            prop_assert!(words.chars().count() <= LONGEST);
            prop_assert!(!words.chars().any(char::is_control));
            prop_assert_eq!(&Words::new(&words).to_string(), &words);
        }
    }
}
