//! How much was not told.

use std::sync::atomic::{AtomicU64, Ordering};

/// By what events are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Medium {
    /// Notify scripts.
    Script,
    /// Mail.
    Mail,
    /// Webhooks.
    Webhook,
}

impl Medium {
    /// All.
    pub const ALL: [Self; 3] = [Self::Script, Self::Mail, Self::Webhook];

    /// The word used in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }
}

/// Events that were not told, because too many waited or telling them failed too often.
#[derive(Debug, Default)]
pub struct Dropped([AtomicU64; Medium::ALL.len()]);

impl Dropped {
    /// Counts some.
    pub fn add(&self, medium: Medium, events: usize) {
        self.0[medium as usize].fetch_add(events as u64, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn counts(&self) -> Vec<(Medium, u64)> {
        let count = |medium: Medium| (medium, self.0[medium as usize].load(Ordering::Relaxed));
        Medium::ALL.map(count).into()
    }
}
