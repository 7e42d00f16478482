//! What became of a handover. Pure.

use crate::api::wire::{VrrpInstance, VrrpState};

/// What became of a handover.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// Nothing is known yet.
    Pending,
    /// Another one was heard that is master.
    Taken,
    /// There was nothing to hand over.
    WasNotMaster,
    /// Nobody was heard, and this director goes on.
    Nobody,
    /// This director cannot go on either.
    Lost,
}

/// What became of a virtual router that was handed over, by what it was before that and what it is
/// now.
pub(super) fn outcome(before: Option<&VrrpInstance>, now: &VrrpInstance) -> Outcome {
    let Some(before) = before.filter(|before| before.state == VrrpState::Master || before.holds)
    else {
        return Outcome::WasNotMaster;
    };
    match now.state {
        VrrpState::Backup if now.holds || now.master.is_none() => Outcome::Pending,
        VrrpState::Backup => Outcome::Taken,
        VrrpState::Master if before.handed_over || promotions(now) > promotions(before) => {
            Outcome::Nobody
        }
        // It was not told yet.
        VrrpState::Master => Outcome::Pending,
        VrrpState::Init | VrrpState::Fault => Outcome::Lost,
    }
}

/// How often it has become master.
fn promotions(instance: &VrrpInstance) -> u64 {
    instance.transitions.get("master").copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    fn with(change: impl FnOnce(&mut VrrpInstance)) -> VrrpInstance {
        let mut instance = samples::router("VI_1");
        instance.transitions.insert("master".to_owned(), 1);
        change(&mut instance);
        instance
    }

    fn handed_over(change: impl FnOnce(&mut VrrpInstance)) -> VrrpInstance {
        with(|now| {
            (now.state, now.handed_over) = (VrrpState::Backup, true);
            (now.master, now.master_priority) = (None, None);
            change(now);
        })
    }

    #[test]
    fn it_is_taken_when_another_master_is_heard() {
        let before = with(|_| {});
        let after = |now: &VrrpInstance| outcome(Some(&before), now);
        assert_eq!(after(&before), Outcome::Pending, "the daemon is still about it");
        assert_eq!(after(&handed_over(|_| {})), Outcome::Pending, "it still holds the addresses");
        let taken = handed_over(|now| {
            (now.holds, now.master) = (false, Some([192, 0, 2, 3].into()));
        });
        assert_eq!(after(&taken), Outcome::Taken);
    }

    #[test]
    fn it_goes_on_where_it_has_become_master_again() {
        let before = with(|_| {});
        let again = handed_over(|now| {
            now.state = VrrpState::Master;
            now.transitions.insert("master".to_owned(), 2);
        });
        assert_eq!(outcome(Some(&before), &again), Outcome::Nobody);
        let once_more = handed_over(|now| now.state = VrrpState::Master);
        assert_eq!(outcome(Some(&once_more), &once_more), Outcome::Nobody, "it goes on as before");
        let fault = handed_over(|now| now.state = VrrpState::Fault);
        assert_eq!(outcome(Some(&before), &fault), Outcome::Lost);
    }

    #[test]
    fn a_backup_has_nothing_to_hand_over() {
        let backup = with(|one| (one.state, one.holds) = (VrrpState::Backup, false));
        assert_eq!(outcome(Some(&backup), &handed_over(|_| {})), Outcome::WasNotMaster);
        assert_eq!(outcome(None, &handed_over(|_| {})), Outcome::WasNotMaster);
    }
}
