//! From the text of a definition file to the desired state, or to the first fault and its place.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::file::{self, Document, Object};
use super::locate::{self, Path, Position, Step};
use super::model::Desired;
use super::printable::printable;

pub mod check;
mod interfaces;
pub mod notify;
mod validate;
pub mod vrrp;

pub use interfaces::missing_interface;
use validate::{Fault, validate};

/// Why a definition is refused, and where.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, thiserror::Error)]
#[error("line {line}, column {column}{}: {message}", in_brackets(path))]
pub struct DefinitionError {
    /// The line of the fault, from 1.
    pub line: usize,
    /// The column of the fault in characters, from 1.
    pub column: usize,
    /// The value at fault, like `services[0].reals[1].weight`; empty for the whole text.
    pub path: String,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl DefinitionError {
    fn new(position: Position, path: &Path, message: &str) -> Self {
        Self {
            line: position.line,
            column: position.column,
            path: path.to_string(),
            message: printable(message),
        }
    }
}

fn in_brackets(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" ({path})") }
}

/// Reads a definition.
///
/// # Errors
/// The first fault: of syntax, of shape, or against a rule.
pub fn parse(text: &str) -> Result<Desired, DefinitionError> {
    let document: Document = document(text)?;
    validate(&document).map_err(|Fault { path, error }| refusal_at(text, &path, &error.to_string()))
}

/// Points at the value that `path` names.
fn refusal_at(text: &str, path: &Path, message: &str) -> DefinitionError {
    let position = locate::locate(text, path).map_or(Position::START, |place| place.value);
    DefinitionError::new(position, path, message)
}

/// Reads a definition from the bytes of a file.
///
/// # Errors
/// As [`parse()`], and where the bytes are not UTF-8.
pub fn parse_bytes(bytes: &[u8]) -> Result<Desired, DefinitionError> {
    parse(text(bytes)?)
}

/// Reads a check that stands by itself, as on the command line: its shape, not yet its rules.
///
/// # Errors
/// The first fault, of syntax or of shape.
pub fn check_document(text: &str) -> Result<file::Check, DefinitionError> {
    document(text)
}

/// The text that the bytes of a file hold.
///
/// # Errors
/// Where they are not UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, DefinitionError> {
    std::str::from_utf8(bytes).map_err(|fault| {
        let good = String::from_utf8_lossy(&bytes[..fault.valid_up_to()]);
        DefinitionError::new(
            Position::of_offset(&good, good.len()),
            &Path::default(),
            "this is not UTF-8 text: save the file in UTF-8",
        )
    })
}

fn document<T: DeserializeOwned>(text: &str) -> Result<T, DefinitionError> {
    if let Some(message) = unreadable(text) {
        return Err(DefinitionError::new(Position::START, &Path::default(), message));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let Object(document) = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| refusal(text, &path_of(error.path()), error.inner()))?;
    deserializer.end().map_err(|error| refusal(text, &Path::default(), &error))?;
    Ok(document)
}

/// Texts about which serde_json's own message would leave the reader guessing.
fn unreadable(text: &str) -> Option<&'static str> {
    if text.trim().is_empty() {
        Some("the file is empty: a definition of nothing is `{}`")
    } else if text.starts_with('\u{feff}') {
        Some("the file begins with a byte order mark: save it as UTF-8 without one")
    } else {
        None
    }
}

/// serde_json stops behind the fault; the reader wants to see where it begins.
fn refusal(text: &str, path: &Path, error: &serde_json::Error) -> DefinitionError {
    let stop = Position::of_serde(text, error.line(), error.column());
    let message = error.to_string();
    let suffix = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&suffix).unwrap_or(&message);
    if error.classify() != serde_json::error::Category::Data {
        return DefinitionError::new(stop, path, message);
    }
    if let Some((key, position)) = locate::duplicate_key(text, path) {
        let message = format!("the key `{key}` stands here a second time: keep one of the two");
        return DefinitionError::new(position, &path.clone().key(&key), &message);
    }
    let position = match locate::locate(text, path) {
        // It stopped at the end of the key, so the key itself is refused.
        Some(locate::Place { key: Some((start, end)), .. }) if stop == end => start,
        Some(place) => place.value,
        None => stop,
    };
    DefinitionError::new(position, path, message)
}

fn path_of(path: &serde_path_to_error::Path) -> Path {
    use serde_path_to_error::Segment;
    let step = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    Path(path.iter().filter_map(step).collect())
}

#[cfg(test)]
mod health;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
