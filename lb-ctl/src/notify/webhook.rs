//! Events posted as JSON.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url, redirect};
use serde::Serialize;
use tokio::sync::mpsc;

use super::dropped::{Dropped, Medium};
use super::retry::{self, Attempts, Failed};
use super::tls;
use crate::api::wire;
use crate::config::notify::Webhook;
use crate::event::Event;

/// Events of one post at most.
const TOGETHER: usize = 100;

/// What is posted.
#[derive(Serialize)]
struct Post<'a> {
    host: &'a str,
    events: Vec<wire::Event>,
}

/// Posts to one address, in order.
pub(super) struct Poster {
    webhook: Webhook,
    /// As the log names it: the rest of an address may be a secret.
    name: String,
    host: Arc<str>,
    dropped: Arc<Dropped>,
    delays: &'static [Duration],
    client: Option<Client>,
}

impl Poster {
    pub(super) fn new(webhook: Webhook, host: &Arc<str>, dropped: &Arc<Dropped>) -> Self {
        let url = Url::parse(&webhook.url).ok();
        let server = url.as_ref().and_then(Url::host_str).unwrap_or("?");
        let name = format!("webhook at {server}");
        let (host, dropped) = (Arc::clone(host), Arc::clone(dropped));
        Self { webhook, name, host, dropped, delays: retry::DELAYS, client: None }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Posts events as they come, those that wait together, until no more can come.
    pub(super) async fn run(mut self, mut events: mpsc::Receiver<Arc<Event>>) {
        let mut together = Vec::new();
        while events.recv_many(&mut together, TOGETHER).await > 0 {
            let host = Arc::clone(&self.host);
            let told = together.iter().map(|event| wire::Event::from(&**event)).collect();
            let post = Post { host: &host, events: told };
            let name = self.name.clone();
            let mut attempts = Attempts::new(&name, self.delays);
            let succeeded = loop {
                let outcome = self.post(&post).await;
                if let ControlFlow::Break(succeeded) = attempts.after(outcome).await {
                    break succeeded;
                }
            };
            if !succeeded {
                self.dropped.add(Medium::Webhook, together.len());
            }
            together.clear();
        }
    }

    async fn post(&mut self, post: &Post<'_>) -> Result<(), Failed> {
        let client = match &self.client {
            Some(client) => client,
            None => self.client.insert(client(&self.webhook).map_err(Failed::ForNow)?),
        };
        let response = client.post(&self.webhook.url).json(post).send().await;
        let status = response.map_err(|error| Failed::ForNow(words(error)))?.status();
        judge(status)
    }
}

fn client(webhook: &Webhook) -> Result<Client, String> {
    let builder = Client::builder()
        .timeout(webhook.timeout)
        .redirect(redirect::Policy::none())
        // Where events go is said by the definitions alone.
        .no_proxy()
        .user_agent(concat!("lb-ctl/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls::client(webhook.ca.as_deref())?);
    builder.build().map_err(words)
}

fn judge(status: StatusCode) -> Result<(), Failed> {
    let words = format!("the answer is {status}");
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(Failed::ForNow(words)),
        _ if status.is_server_error() => Err(Failed::ForNow(words)),
        _ => Err(Failed::ForGood(words)),
    }
}

/// A failure with its causes, without the address.
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
