//! Trying again.

use std::ops::ControlFlow;
use std::time::Duration;

/// How often and after how long what failed is tried again.
pub(super) const DELAYS: &[Duration] =
    &[Duration::from_secs(2), Duration::from_secs(10), Duration::from_mins(1)];

/// Why telling failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failed {
    /// It may succeed later.
    ForNow(String),
    /// It will fail again.
    ForGood(String),
}

/// Attempts at one thing. Failures are logged.
pub(super) struct Attempts<'a> {
    what: &'a str,
    delays: std::slice::Iter<'a, Duration>,
}

impl<'a> Attempts<'a> {
    /// None made yet at `what`.
    pub(super) fn new(what: &'a str, delays: &'a [Duration]) -> Self {
        Self { what, delays: delays.iter() }
    }

    /// Takes in how an attempt ended. Returns at once whether it succeeded where no other is to be
    /// made, and otherwise when the time of the next has come.
    pub(super) async fn after(&mut self, outcome: Result<(), Failed>) -> ControlFlow<bool> {
        let what = self.what;
        let reason = match outcome {
            Ok(()) => return ControlFlow::Break(true),
            Err(Failed::ForGood(reason)) => {
                tracing::error!("{what}: {reason}; given up");
                return ControlFlow::Break(false);
            }
            Err(Failed::ForNow(reason)) => reason,
        };
        let Some(delay) = self.delays.next() else {
            tracing::error!("{what}: {reason}; given up, it was tried often enough");
            return ControlFlow::Break(false);
        };
        tracing::warn!("{what}: {reason}; tried again in {delay:?}");
        tokio::time::sleep(*delay).await;
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAYS: &[Duration] = &[Duration::from_millis(1), Duration::from_millis(2)];

    async fn made(outcomes: &[Result<(), Failed>]) -> (bool, usize) {
        let mut attempts = Attempts::new("test", DELAYS);
        for (index, outcome) in outcomes.iter().enumerate() {
            if let ControlFlow::Break(succeeded) = attempts.after(outcome.clone()).await {
                return (succeeded, index + 1);
            }
        }
        panic!("another is to be made after {}", outcomes.len());
    }

    #[tokio::test]
    async fn it_is_tried_again_as_often_as_there_are_delays() {
        let now = || Err(Failed::ForNow("busy".into()));
        let never = || Err(Failed::ForGood("no".into()));
        assert_eq!(made(&[Ok(())]).await, (true, 1));
        assert_eq!(made(&[now(), now(), Ok(())]).await, (true, 3));
        assert_eq!(made(&[now(), now(), now()]).await, (false, 3));
        assert_eq!(made(&[now(), never()]).await, (false, 2));
    }
}
