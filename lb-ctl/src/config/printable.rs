//! Text of a definition, as messages quote it.

/// The text with control characters written out: a file must not be able to steer the terminal of
/// who reads a message.
pub fn printable(text: &str) -> String {
    let escape = |c: char| {
        if c.is_control() { c.escape_default().to_string() } else { c.into() }
    };
    text.chars().map(escape).collect()
}
