//! What goes to standard output. All but [`print()`] and [`show`] is pure.

pub(super) mod checked;
pub(super) mod connections;
pub(super) mod events;
pub(super) mod list;
mod number;
pub(super) mod rate;
pub(super) mod reasons;
pub(super) mod status;
mod sync;
pub(super) mod trace;
pub(super) mod vrrp;

use std::io::{self, Write};

use serde::Serialize;

pub(super) use number::Digits;

use super::CliError;
use super::args::Format;
use crate::api::wire::Changes;

/// Writes text to standard output. A reader who has seen enough (`lb-ctl list | head`) is no error.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    show(text).map(drop)
}

/// Writes text to standard output; `false` where the reader has seen enough.
pub(super) fn show(text: &str) -> Result<bool, CliError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(CliError::Failed(format!("cannot write to standard output: {error}"))),
    }
}

/// A value as JSON, for people to read too.
pub(super) fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("wire types are plain data");
    text.push('\n');
    text
}

/// A value as JSON on one line.
pub(super) fn json_line(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).expect("wire types are plain data");
    text.push('\n');
    text
}

/// What a command changed, for verbs whose effect depends on a file.
pub(super) fn changes(changes: &Changes, format: Format) -> String {
    match format {
        Format::Json => json(changes),
        Format::Table if changes.changes.is_empty() => "nothing to change\n".to_owned(),
        Format::Table => lines(&changes.changes),
    }
}

/// What a command changed, for verbs that say themselves what they change: silent for people, as
/// ipvsadm is.
pub(super) fn quiet_changes(changes: &Changes, format: Format) -> String {
    match format {
        Format::Json => json(changes),
        Format::Table => String::new(),
    }
}

/// Lines, each ended.
pub(super) fn lines(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_in_both_forms() {
        let some = Changes { changes: vec!["+ service".to_owned(), "- real".to_owned()] };
        let none = Changes::default();
        assert_eq!(changes(&some, Format::Table), "+ service\n- real\n");
        assert_eq!(changes(&none, Format::Table), "nothing to change\n");
        assert_eq!(changes(&none, Format::Json), "{\n  \"changes\": []\n}\n");
        assert_eq!(quiet_changes(&some, Format::Table), "");
        assert!(quiet_changes(&some, Format::Json).contains("+ service"));
    }
}
