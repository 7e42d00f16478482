//! `real-server`.

use serde_json::json;

use super::args::{Format, RealServerAction};
use super::output::{json as to_json, lines};
use super::{CliError, Said, seam};

pub(super) async fn run(action: &RealServerAction, format: Format) -> Said {
    let (RealServerAction::Setup(options)
    | RealServerAction::Undo(options)
    | RealServerAction::Check(options)) = action;
    let said = seam::real_server(action, options).await?;
    match action {
        RealServerAction::Check(_) => verdict(&options.vip, &said, format),
        _ => Ok(match format {
            Format::Table => lines(&said),
            Format::Json => to_json(&json!({ "changes": said })),
        }),
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
