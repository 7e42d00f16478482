//! Where the command line calls the modules that are built beside it.

use super::CliError;
use super::args::{RealServerAction, RealServerOptions};

/// What was done or found on this real server, one line each.
pub(super) async fn real_server(
    _action: &RealServerAction,
    _options: &RealServerOptions,
) -> Result<Vec<String>, CliError> {
    std::future::ready(Err(CliError::Failed("this build prepares no real servers".to_owned())))
        .await
}
