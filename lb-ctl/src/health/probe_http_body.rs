//! What a response's body must be.

use std::fmt;

use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Bytes};
use md5::Md5;
use regex::bytes::{Regex, RegexBuilder};
use sha2::{Digest as _, Sha256};

use super::deadline::Deadline;
use super::failure::Failure;
use super::probe::ProberError;
use super::probe_http::failure;
use super::words::Words;
use crate::config::check::Body;

/// A body is read up to so many bytes: 1 MiB.
const LONGEST: usize = 1 << 20;
/// A compiled expression is not larger, in bytes.
const LARGEST_REGEX: usize = 1 << 20;

/// Judges bodies.
pub(super) enum Judge {
    /// They are not even read.
    Any,
    Sha256([u8; 32]),
    Md5([u8; 16]),
    Regex(Regex),
}

impl Judge {
    /// Prepared once for all bodies.
    ///
    /// # Errors
    /// [`ProberError::Regex`].
    pub(super) fn new(body: &Body) -> Result<Self, ProberError> {
        Ok(match body {
            Body::Any => Self::Any,
            Body::Sha256(digest) => Self::Sha256(*digest),
            Body::Md5(digest) => Self::Md5(*digest),
            Body::Regex(text) => Self::Regex(
                RegexBuilder::new(text)
                    .size_limit(LARGEST_REGEX)
                    .build()
                    .map_err(|source| ProberError::Regex { text: text.clone(), source })?,
            ),
        })
    }

    /// Reads and judges one.
    ///
    /// # Errors
    /// It is another than it should be, does not come whole in time, or is too long.
    pub(super) async fn read<B>(&self, body: B, deadline: &Deadline) -> Result<(), Failure>
    where
        B: HttpBody<Data = Bytes, Error = hyper::Error> + Unpin,
    {
        match self {
            Self::Any => Ok(()),
            Self::Sha256(expected) => {
                let mut hash = Sha256::new();
                each(body, deadline, |data| hash.update(data)).await?;
                same(&hash.finalize(), expected)
            }
            Self::Md5(expected) => {
                let mut hash = Md5::new();
                each(body, deadline, |data| hash.update(data)).await?;
                same(&hash.finalize(), expected)
            }
            Self::Regex(regex) => {
                let mut whole = Vec::new();
                each(body, deadline, |data| whole.extend_from_slice(data)).await?;
                matches(regex, &whole)
            }
        }
    }
}

/// Reads a body to its end.
async fn each<B>(
    mut body: B,
    deadline: &Deadline,
    mut take: impl FnMut(&[u8]),
) -> Result<(), Failure>
where
    B: HttpBody<Data = Bytes, Error = hyper::Error> + Unpin,
{
    let mut length = 0;
    while let Some(frame) = deadline.within("whole body", body.frame()).await? {
        let frame = frame.map_err(|error| failure(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        length += data.len();
        if length > LONGEST {
            return Err(Failure::Body(Words::new(format_args!(
                "body is longer than {LONGEST} bytes"
            ))));
        }
        take(data);
    }
    Ok(())
}

fn same(got: &[u8], expected: &[u8]) -> Result<(), Failure> {
    if got == expected {
        return Ok(());
    }
    let (got, expected) = (Hex(got), Hex(expected));
    Err(Failure::Body(Words::new(format_args!("body digest is {got}, expected {expected}"))))
}

fn matches(regex: &Regex, body: &[u8]) -> Result<(), Failure> {
    if regex.is_match(body) {
        return Ok(());
    }
    let length = body.len();
    Err(Failure::Body(Words::new(format_args!("body ({length} bytes) does not match {regex}"))))
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
