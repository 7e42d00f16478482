//! What a service may make of the reals that are up: quorum, hysteresis, slow start.

use std::time::Duration;

use super::check::MAX_TIME;
use crate::config::duration::{self, DurationError};
use crate::config::model::{Scheduler, Service};

/// What a service cannot make of its reals, why, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum QuorumError {
    /// No sum of weights, or one that is always there.
    #[error(
        "quorum {number} is outside 1 to {}: it is the weight that the reals which are up must \
         have together",
        u32::MAX
    )]
    Quorum { number: i128 },
    /// No sum of weights.
    #[error("hysteresis {number} is outside 0 to {}, and must be below the quorum", u32::MAX)]
    Hysteresis { number: i128 },
    /// A service that never goes down.
    #[error(
        "hysteresis {hysteresis} is not below the quorum {quorum}, so the service would never go \
         down: give a smaller one, or a greater quorum"
    )]
    HysteresisQuorum { hysteresis: u32, quorum: u32 },
    /// Neither yes nor no.
    #[error("inhibit-on-failure {word:?} is unknown: use \"true\" or \"false\"")]
    Inhibit { word: String },
    /// No number at all.
    #[error("{what} {text:?} is not a whole number: it is a sum of weights, like 2")]
    NoNumber { what: &'static str, text: String },
    /// Not a duration.
    #[error("slow start {0}")]
    SlowStartForm(DurationError),
    /// Longer than anybody waits.
    #[error("slow start {} is above 13d", duration::written(*.0))]
    SlowStartRange(Duration),
    /// A ramp that nobody sees.
    #[error(
        "scheduler {} gives every real the same share, so none can begin with less: leave the slow \
         start out (0s takes it off), or use another scheduler, like w{}",
        scheduler.name(),
        scheduler.name()
    )]
    SlowStartScheduler { scheduler: Scheduler },
}

/// Reads a quorum.
///
/// # Errors
/// [`QuorumError::Quorum`] below 1 and where the type does not hold it.
pub fn quorum(number: i128) -> Result<u32, QuorumError> {
    u32::try_from(number).ok().filter(|quorum| *quorum > 0).ok_or(QuorumError::Quorum { number })
}

/// Reads a hysteresis, which a quorum is yet to be compared with.
///
/// # Errors
/// [`QuorumError::Hysteresis`] below 0 and where the type does not hold it.
pub fn hysteresis(number: i128) -> Result<u32, QuorumError> {
    u32::try_from(number).map_err(|_| QuorumError::Hysteresis { number })
}

/// Reads the number of a flag.
///
/// # Errors
/// [`QuorumError::NoNumber`].
pub fn number(what: &'static str, text: &str) -> Result<i128, QuorumError> {
    text.parse().map_err(|_| QuorumError::NoNumber { what, text: text.to_owned() })
}

/// Reads the word of `--inhibit-on-failure`.
///
/// # Errors
/// [`QuorumError::Inhibit`].
pub fn inhibit_on_failure(word: &str) -> Result<bool, QuorumError> {
    word.parse().map_err(|_| QuorumError::Inhibit { word: word.to_owned() })
}

/// Reads the time of a slow start; `0s` is none.
///
/// # Errors
/// [`QuorumError::SlowStartForm`] and [`QuorumError::SlowStartRange`].
pub fn slow_start(text: &str) -> Result<Duration, QuorumError> {
    let length = duration::duration(text).map_err(QuorumError::SlowStartForm)?;
    if length <= MAX_TIME { Ok(length) } else { Err(QuorumError::SlowStartRange(length)) }
}

/// Checks that hysteresis and quorum go together.
///
/// # Errors
/// [`QuorumError::HysteresisQuorum`].
pub(super) fn thresholds(service: &Service) -> Result<(), QuorumError> {
    let Service { quorum, hysteresis, .. } = *service;
    if hysteresis < quorum {
        Ok(())
    } else {
        Err(QuorumError::HysteresisQuorum { hysteresis, quorum })
    }
}

/// Checks that weights matter where they are to grow.
///
/// # Errors
/// [`QuorumError::SlowStartScheduler`].
pub(super) fn ramp(service: &Service) -> Result<(), QuorumError> {
    let scheduler = service.scheduler;
    if service.slow_start.is_zero() || scheduler.is_weighted() {
        Ok(())
    } else {
        Err(QuorumError::SlowStartScheduler { scheduler })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<T: std::fmt::Debug>(result: Result<T, QuorumError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn numbers_and_words() {
        assert_eq!((quorum(1), quorum(4_294_967_295)), (Ok(1), Ok(u32::MAX)));
        assert_eq!((hysteresis(0), hysteresis(9)), (Ok(0), Ok(9)));
        for number in [0, -1, 4_294_967_296] {
            assert!(said(quorum(number)).contains("is outside 1 to 4294967295"), "{number}");
        }
        assert!(said(hysteresis(-1)).contains("hysteresis -1 is outside 0"));
        assert_eq!(number("quorum", "7"), Ok(7));
        assert!(said(number("quorum", "x")).contains("quorum \"x\" is not a whole number"));
        assert_eq!(inhibit_on_failure("true"), Ok(true));
        assert!(said(inhibit_on_failure("yes")).contains("use \"true\" or \"false\""));
        assert_eq!(slow_start("0s"), Ok(Duration::ZERO));
        assert_eq!(slow_start("1500ms"), Ok(Duration::from_millis(1500)));
        assert!(said(slow_start("30")).contains("slow start \"30\" has no unit"));
        assert_eq!(said(slow_start("14d")), "slow start 1209600s is above 13d");
    }
}
