//! Checks that somebody asks for.

use std::net::IpAddr;

use tokio::sync::oneshot;

use super::commands::refusal;
use super::core::Core;
use crate::api::wire;
use crate::command::{CommandError, Reply};
use crate::config::edit;
use crate::config::model::Endpoint;
use crate::dataplane::Dataplane;
use crate::health::record::Answer;

/// A probe that was asked for, and the real it goes to.
type Asked = (IpAddr, oneshot::Receiver<Answer>);

impl<D: Dataplane> Core<D> {
    /// Probes reals now, and answers when all have been. Nothing else waits for that.
    pub(super) fn check_now(
        &self,
        endpoint: Endpoint,
        only: Option<IpAddr>,
        answer: oneshot::Sender<Result<Reply, CommandError>>,
    ) {
        match edit::checked(&self.state.desired, endpoint, only) {
            Ok(reals) => {
                let asked = |real| Some((real, self.checks.ask(&(endpoint, real))?));
                let asked: Vec<Asked> = reals.into_iter().filter_map(asked).collect();
                tokio::spawn(async move {
                    let checked = found(asked).await;
                    // The asker may have gone away.
                    let _ = answer.send(Ok(Reply::Checked(checked)));
                });
            }
            Err(error) => {
                // As well.
                let _ = answer.send(Err(refusal(&error)));
            }
        }
    }
}

async fn found(asked: Vec<Asked>) -> wire::Checked {
    let mut reals = Vec::with_capacity(asked.len());
    for (address, answer) in asked {
        let reason = match answer.await {
            Ok(Ok(())) => None,
            Ok(Err(failed)) => Some(failed.words),
            Err(_) => Some("the definitions changed, and the check was given up".to_owned()),
        };
        reals.push(wire::CheckedReal { address, passed: reason.is_none(), reason });
    }
    wire::Checked { reals }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::failure::Kind;
    use crate::health::record::Failed;

    #[tokio::test]
    async fn each_real_is_told_of_in_its_place() {
        let real = |last| IpAddr::from([192, 0, 2, last]);
        let (good, passed) = oneshot::channel();
        let (bad, failed) = oneshot::channel();
        let (gone, given_up) = oneshot::channel();
        let asked = vec![(real(21), passed), (real(22), failed), (real(23), given_up)];
        drop(gone);
        bad.send(Err(Failed { kind: Kind::Refused, words: "connection refused".to_owned() }))
            .unwrap();
        good.send(Ok(())).unwrap();
        let wire::Checked { reals } = found(asked).await;
        let told: Vec<_> = reals
            .iter()
            .map(|real| (real.address, real.passed, real.reason.as_deref().unwrap_or("")))
            .collect();
        let given_up = "the definitions changed, and the check was given up";
        let expected = [
            (real(21), true, ""),
            (real(22), false, "connection refused"),
            (real(23), false, given_up),
        ];
        assert_eq!(told, expected);
    }
}
