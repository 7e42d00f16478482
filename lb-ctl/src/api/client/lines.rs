//! What the daemon tells of line by line.

use std::marker::PhantomData;

use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::{Answer, Client};

/// An answer of many lines; it ends when this is dropped.
#[derive(Debug)]
pub struct Lines<T> {
    client: Client,
    body: Incoming,
    /// What has come and was not read yet.
    come: Vec<u8>,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(client: Client, response: Response<Incoming>) -> Self {
        Self { client, body: response.into_body(), come: Vec::new(), of: PhantomData }
    }

    /// The next value; `None` at the end. Nothing is lost where this is given up before it is
    /// done.
    ///
    /// # Errors
    ///
    /// The daemon broke off, or does not speak as one of this version does.
    pub async fn next(&mut self) -> Answer<Option<T>> {
        loop {
            if let Some(end) = self.come.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.come.drain(..=end).collect();
                return self.client.decode(&line).map(Some);
            }
            match self.body.frame().await {
                None if self.come.is_empty() => return Ok(None),
                None => return Err(self.client.strange("half a line")),
                Some(Err(error)) => return Err(self.client.broke_off(&error)),
                Some(Ok(frame)) => {
                    self.come.extend(frame.into_data().unwrap_or_default());
                }
            }
        }
    }
}
