//! Packets, as the daemon tells of them.

use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::Incoming;

use super::{Answer, Client};
use crate::api::wire::TracedPacket;

/// A trace; it ends when this is dropped.
#[derive(Debug)]
pub struct Packets {
    client: Client,
    body: Incoming,
    /// What has come and was not read yet.
    come: Vec<u8>,
}

impl Packets {
    pub(super) fn new(client: Client, response: Response<Incoming>) -> Self {
        Self { client, body: response.into_body(), come: Vec::new() }
    }

    /// The next packet; `None` at the end of the trace. Nothing is lost where this is given up
    /// before it is done.
    ///
    /// # Errors
    ///
    /// The daemon broke off, or does not speak as one of this version does.
    pub async fn next(&mut self) -> Answer<Option<TracedPacket>> {
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
