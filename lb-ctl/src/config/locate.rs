//! Finds the place in a JSON text that a path names, so that a refusal can point at it.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess};
use serde_json::value::RawValue;

/// A place in a text. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// The first character.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The position of the byte at `offset`.
    pub fn of_offset(text: &str, offset: usize) -> Self {
        let before = &text[..offset];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self { line: before.matches('\n').count() + 1, column: before[start..].chars().count() + 1 }
    }

    /// The position that serde_json reports as `line` and `column`; it counts bytes.
    pub fn of_serde(text: &str, line: usize, column: usize) -> Self {
        let line = line.max(1);
        let bytes = text.split('\n').nth(line - 1).unwrap_or_default().bytes();
        let starts_char = |byte: &u8| !matches!(byte, 0x80..=0xbf);
        Self { line, column: bytes.take(column).filter(starts_char).count().max(1) }
    }
}

/// One step of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Into the member of an object.
    Key(String),
    /// Into the element of an array, counted from 0.
    Index(usize),
}

/// The way from the whole text to one value in it; written `services[3].reals[1].address`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// This path and one more key.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.0.push(Step::Key(key.to_owned()));
        self
    }

    /// This path and one more index.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// This path and then another.
    #[must_use]
    pub fn then(mut self, further: Self) -> Self {
        self.0.extend(further.0);
        self
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if key.is_empty() || !key.chars().all(plain) => {
                    write!(f, "[{key:?}]")?;
                }
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The opening and the closing quote of its key, where it is the member of an object.
    pub key: Option<(Position, Position)>,
    /// Its first character.
    pub value: Position,
}

/// The place of the value that `path` names, or nothing where `text` is not JSON or has no such
/// value.
pub fn locate(text: &str, path: &Path) -> Option<Place> {
    let (key, value) = find(text, path)?;
    let key = key.map(|key| {
        let start = offset(text, key);
        let end = start + key.get().len() - 1;
        (Position::of_offset(text, start), Position::of_offset(text, end))
    });
    Some(Place { key, value: Position::of_offset(text, offset(text, value)) })
}

/// The first key that stands a second time in the object that `path` names, and where.
pub fn duplicate_key(text: &str, path: &Path) -> Option<(String, Position)> {
    let (_, object) = find(text, path)?;
    let mut seen = std::collections::HashSet::new();
    members(object)?.into_iter().find_map(|(raw, _)| {
        let key = unquote(raw)?;
        if seen.insert(key.clone()) {
            return None;
        }
        Some((key, Position::of_offset(text, offset(text, raw))))
    })
}

type Member<'t> = (&'t RawValue, &'t RawValue);

fn find<'t>(text: &'t str, path: &Path) -> Option<(Option<&'t RawValue>, &'t RawValue)> {
    let whole: &RawValue = serde_json::from_str(text).ok()?;
    path.0.iter().try_fold((None, whole), |(_, value), step| match step {
        Step::Key(name) => members(value)?
            .into_iter()
            .find(|(key, _)| unquote(key).is_some_and(|key| key == *name))
            .map(|(key, value)| (Some(key), value)),
        Step::Index(index) => {
            let elements: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
            elements.get(*index).map(|value| (None, *value))
        }
    })
}

fn members(object: &RawValue) -> Option<Vec<Member<'_>>> {
    serde_json::from_str::<Members<'_>>(object.get()).ok().map(|members| members.0)
}

fn unquote(key: &RawValue) -> Option<String> {
    serde_json::from_str(key.get()).ok()
}

/// A borrowed fragment is a slice of `text`, so the distance of the two is its offset.
fn offset(text: &str, fragment: &RawValue) -> usize {
    fragment.get().as_ptr().addr() - text.as_ptr().addr()
}

/// The members of an object in their order, duplicates and all.
struct Members<'t>(Vec<Member<'t>>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests;
