//! A command of the operator's, which exits with 0 while the real is up.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use super::deadline::Deadline;
use super::driver::Target;
use super::failure::Failure;
use super::probe::ProberError;
use super::words::Words;
use crate::config::check::Exec;
use crate::config::hook::HookCommand;
use crate::config::model::Endpoint;
use crate::hook::{Account, Call, HookRunError, run};

/// A command, prepared.
pub(super) struct ExecProbe {
    command: HookCommand,
    account: Account,
    /// What is the same for all reals.
    environment: [(&'static str, String); 3],
}

impl ExecProbe {
    /// Prepared once for all probes. The user is looked up here.
    ///
    /// # Errors
    /// There is no such user.
    pub(super) fn new(
        exec: &Exec,
        service: Endpoint,
        port: Option<u16>,
    ) -> Result<Self, ProberError> {
        // A service of many ports, whose check names none, has its first.
        let port = port.unwrap_or(service.port.first());
        Ok(Self {
            command: exec.command.clone(),
            account: Account::find(&exec.user)?,
            environment: [
                ("LB_CTL_VIP", service.address.to_string()),
                ("LB_CTL_PORT", port.to_string()),
                ("LB_CTL_PROTOCOL", service.protocol.name().to_owned()),
            ],
        })
    }

    pub(super) async fn probe(&self, target: &Target, deadline: &Deadline) -> Result<(), Failure> {
        let mut environment = self.environment.to_vec();
        environment.push(("LB_CTL_REAL", target.real.to_string()));
        let call = Call {
            command: &self.command,
            arguments: &[],
            environment: &environment,
            account: &self.account,
            timeout: deadline.left(),
        };
        match run(&call).await {
            Ok(output) => judge(output.status, &output.text),
            Err(HookRunError::TimedOut { .. }) => Err(deadline.silence("exit")),
            Err(error) => Err(Failure::System(Words::new(error))),
        }
    }
}

fn judge(status: ExitStatus, output: &str) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    let end = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => status.to_string(),
    };
    let last = output.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let last = last.map(|line| format!(": {line}")).unwrap_or_default();
    Err(Failure::Exit(Words::new(format_args!("{end}{last}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(raw: i32, output: &str) -> String {
        judge(ExitStatus::from_raw(raw), output).unwrap_err().to_string()
    }

    #[test]
    fn the_last_line_says_why() {
        assert_eq!(judge(ExitStatus::from_raw(0), "all is well"), Ok(()));
        assert_eq!(words(1 << 8, "looking\nno route\x1b[0m\n\n"), "exit code 1: no route?[0m");
        assert_eq!(words(127 << 8, ""), "exit code 127");
        assert_eq!(words(9, ""), "killed by signal 9");
        assert!(words(1 << 8, &"long ".repeat(1000)).chars().count() <= 200);
    }
}
