//! Where the command line calls the modules that are built beside it.

use super::CliError;
use super::args::{RealServerAction, RealServerOptions};
use super::daemon::DaemonOptions;

/// Numbers of services and reals that a definition's text holds.
///
/// # Errors
///
/// `LINE:COLUMN: path: message` of the first fault.
pub(super) fn count(_text: &str) -> Result<(usize, usize), String> {
    Err("1:1: definition files are not read by this build".to_owned())
}

/// The JSON Schema of the definition file.
pub(super) fn schema() -> Result<serde_json::Value, CliError> {
    Err(CliError::Failed(
        "definition files are not read by this build".to_owned(),
    ))
}

/// Runs the daemon until it is told to leave.
pub(super) async fn daemon(_options: DaemonOptions) -> Result<(), CliError> {
    std::future::ready(Err(CliError::Failed("this build has no daemon".to_owned()))).await
}

/// What was done or found on this real server, one line each.
pub(super) async fn real_server(
    _action: &RealServerAction,
    _options: &RealServerOptions,
) -> Result<Vec<String>, CliError> {
    std::future::ready(Err(CliError::Failed(
        "this build prepares no real servers".to_owned(),
    )))
    .await
}
