//! `real-server`.

use serde_json::json;

use super::args::{Format, RealServerAction, RealServerOptions};
use super::output::{json as to_json, lines};
use super::{CliError, Said};
use crate::config::rules::{self, Role};
use crate::realserver::{self, Options, RealServerError};

pub(super) async fn run(action: &RealServerAction, format: Format) -> Said {
    let done = match action {
        RealServerAction::Setup(args) => realserver::setup(&options(args)?).await,
        RealServerAction::Undo(args) => realserver::undo(&options(args)?).await,
        RealServerAction::Check(args) => {
            let findings = realserver::check(&options(args)?).await.map_err(failure)?;
            return verdict(&args.vip, &findings, format);
        }
    };
    let done = done.map_err(failure)?;
    Ok(match format {
        Format::Table => lines(&done),
        Format::Json => to_json(&json!({ "changes": done })),
    })
}

fn options(args: &RealServerOptions) -> Result<Options, CliError> {
    Ok(Options {
        vip: rules::address(Role::Vip, &args.vip).map_err(CliError::refused)?,
        interfaces: args.interfaces.clone(),
        state_dir: args.state_dir.clone(),
    })
}

fn failure(error: RealServerError) -> CliError {
    match error {
        RealServerError::UnusableVip(_) | RealServerError::Misplaced(_) => CliError::refused(error),
        RealServerError::NoInterface { .. } => CliError::NotFound(error.to_string()),
        _ => CliError::Failed(error.to_string()),
    }
}

/// What is wrong is the result here, not a message, and is printed as such; the exit code tells.
fn verdict(vip: &str, findings: &[String], format: Format) -> Said {
    let text = match format {
        Format::Json => to_json(&json!({ "findings": findings })),
        Format::Table if findings.is_empty() => format!("ready for {vip}\n"),
        Format::Table => lines(findings),
    };
    if findings.is_empty() { Ok(text) } else { Err(CliError::Findings(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_printed_and_fail() {
        assert_eq!(verdict("192.0.2.10", &[], Format::Table).unwrap(), "ready for 192.0.2.10\n");
        let one = ["arp_ignore is 0".to_owned()];
        let error = verdict("192.0.2.10", &one, Format::Table).unwrap_err();
        assert_eq!(error, CliError::Findings("arp_ignore is 0\n".to_owned()));
        assert_eq!(error.code(), 1);
    }
}
