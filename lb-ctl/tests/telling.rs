//! Who is told of what happens: by the history, by metrics, by mail and by webhooks, each with the
//! real thing at the other end. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

#[path = "common/control.rs"]
mod control;
#[path = "telling/events.rs"]
mod events;
#[path = "telling/mail.rs"]
mod mail;
#[path = "telling/metrics.rs"]
mod metrics;
#[path = "telling/routers.rs"]
mod routers;
#[path = "telling/support.rs"]
mod support;
#[path = "telling/told.rs"]
mod told;
#[path = "telling/webhook.rs"]
mod webhook;
