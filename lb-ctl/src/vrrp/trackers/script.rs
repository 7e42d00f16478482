//! A script that is to succeed.

use tokio::time::{Instant, sleep_until};

use super::Teller;
use crate::config::check::Timing;
use crate::config::vrrp::Script;
use crate::health::sm::{Condition, Due, Machine, Outcome, Phase};
use crate::health::words::Words;
use crate::hook::{self, Account, Call, HookRunError, Output};
use crate::vrrp::track::Fact;

/// Runs a script again and again, and tells what is new. Whether it works is decided as for the
/// checks of reals: by the first result, and then by so many in a row.
pub(super) async fn follow(script: Script, user: String, mut teller: Teller) {
    // A whole interval from the first run to the second: of scripts there are few, so that they need
    // not be kept apart.
    let phase = Phase(u16::MAX);
    let begin = Instant::now().into_std();
    let mut machine = Machine::new(timing(&script), Condition::Unknown, begin, phase);
    let mut runner = Runner { script, user, account: None };
    loop {
        sleep_until(Instant::from_std(machine.next_deadline())).await;
        let Due::Begin(id) = machine.handle_timeout(Instant::now().into_std()) else { continue };
        let answer = judge(runner.run().await);
        let outcome = if answer.is_ok() { Outcome::Success } else { Outcome::Failure };
        if machine.handle_result(Instant::now().into_std(), id, outcome).is_some() {
            teller.tell(match answer {
                Ok(()) => Fact::Works,
                Err(why) => Fact::Fails { why },
            });
        }
    }
}

fn timing(script: &Script) -> Timing {
    let Script { interval, timeout, rise, fall, .. } = *script;
    Timing { timeout, rise, fall, retry_delay: interval, ..Timing::of(interval) }
}

struct Runner {
    script: Script,
    user: String,
    /// Looked up before the first run that finds it.
    account: Option<Account>,
}

impl Runner {
    async fn run(&mut self) -> Result<Output, HookRunError> {
        let account = match self.account.take() {
            Some(account) => account,
            None => look_up(self.user.clone()).await?,
        };
        let account = self.account.insert(account);
        let Script { command, timeout, .. } = &self.script;
        let (arguments, environment) = (&[], &[]);
        hook::run(&Call { command, arguments, environment, account, timeout: *timeout }).await
    }
}

async fn look_up(user: String) -> Result<Account, HookRunError> {
    // The list of users may be on another machine.
    let account = tokio::task::spawn_blocking(move || Account::find(&user)).await;
    account.expect("looking a user up does not panic")
}

/// Whether a script succeeded; why it did not, in words that follow its name, with the last line of
/// what it said.
fn judge(ended: Result<Output, HookRunError>) -> Result<(), String> {
    let Output { status, text } = match ended {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => output,
        Err(HookRunError::TimedOut { timeout, .. }) => {
            return Err(format!("did not end within {timeout:?}"));
        }
        Err(HookRunError::Start { program, user, source }) => {
            return Err(format!("cannot be started: {program} as user {user}: {source}"));
        }
        Err(error) => return Err(format!("cannot be run: {error}")),
    };
    let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let last = last.map(|line| format!(": {line}")).unwrap_or_default();
    Err(format!("has failed: {}", Words::new(format_args!("{status}{last}"))))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;
    use std::time::Duration;

    use super::*;

    fn ended(raw: i32, text: &str) -> Result<(), String> {
        judge(Ok(Output { status: ExitStatus::from_raw(raw), text: text.to_owned() }))
    }

    #[test]
    fn why_follows_the_name() {
        assert_eq!(ended(0, "whatever"), Ok(()));
        assert_eq!(ended(1 << 8, "").unwrap_err(), "has failed: exit status: 1");
        let expected = "has failed: exit status: 3: no route?[0m";
        assert_eq!(ended(3 << 8, "looking\nno route\x1b[0m\n\n").unwrap_err(), expected);
        assert_eq!(ended(9, "").unwrap_err(), "has failed: signal: 9 (SIGKILL)");
        let program = "/bin/check".to_owned();
        let late = HookRunError::TimedOut { program, timeout: Duration::from_secs(1) };
        assert_eq!(judge(Err(late)).unwrap_err(), "did not end within 1s");
        let nobody = HookRunError::NoUser { user: "x".to_owned() };
        let why = judge(Err(nobody)).unwrap_err();
        assert!(why.starts_with("cannot be run: there is no user \"x\""), "{why}");
    }

    #[test]
    fn what_failed_is_asked_again_no_sooner_than_what_works() {
        let script = Script {
            command: crate::config::hook::HookCommand::parse("/bin/true").unwrap(),
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            rise: 2,
            fall: 3,
            weight: None,
            user: None,
        };
        let begin = std::time::Instant::now();
        let phase = Phase(u16::MAX);
        let mut machine = Machine::new(timing(&script), Condition::Unknown, begin, phase);
        let mut changes = Vec::new();
        let runs = [true, false, false, true, false, false, false, true, true];
        for (turn, works) in (0..).zip(runs) {
            let due = begin + script.interval * turn;
            assert_eq!(machine.next_deadline(), due);
            let Due::Begin(id) = machine.handle_timeout(due) else { panic!("it is due") };
            let outcome = if works { Outcome::Success } else { Outcome::Failure };
            let end = due + Duration::from_millis(700);
            changes.extend(machine.handle_result(end, id, outcome).map(|it| (turn, it)));
        }
        let expected = [(0, Condition::Up), (6, Condition::Down), (8, Condition::Up)];
        assert_eq!(changes, expected);
    }
}
