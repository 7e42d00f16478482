//! Why a command line was not carried out, and the exit code that says so.

use thiserror::Error;

use crate::api::client::ClientError;
use crate::api::wire::ErrorKind;

const FAILED: u8 = 1;
/// The arguments are not those of a verb.
pub(super) const USAGE: u8 = 2;
const UNREACHABLE: u8 = 3;
const REFUSED: u8 = 4;
const NOT_FOUND_OR_EXISTS: u8 = 5;

/// Why a command line was not carried out.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CliError {
    /// The system did not let it happen. Exit code 1.
    #[error("{0}")]
    Failed(String),
    /// Refused by validation; nothing changed. Exit code 4.
    #[error("{0}")]
    Refused(String),
    /// The object is not there. Exit code 5.
    #[error("{0}")]
    NotFound(String),
    /// A check found something, which is its result: goes to standard output. Exit code 1.
    #[error("{0}")]
    Findings(String),
    /// What the daemon, or its absence, answered.
    #[error(transparent)]
    Daemon(#[from] ClientError),
    /// The same, about a file.
    #[error("{file}: {error}")]
    About {
        /// The file.
        file: String,
        /// What the daemon answered.
        error: ClientError,
    },
}

impl CliError {
    /// What validation says.
    pub(super) fn refused(error: impl std::error::Error) -> Self {
        Self::Refused(error.to_string())
    }

    /// The exit code of the process.
    pub fn code(&self) -> u8 {
        match self {
            Self::Failed(_) | Self::Findings(_) => FAILED,
            Self::Refused(_) => REFUSED,
            Self::NotFound(_) => NOT_FOUND_OR_EXISTS,
            Self::Daemon(error) | Self::About { error, .. } => client_code(error),
        }
    }
}

fn client_code(error: &ClientError) -> u8 {
    match error {
        ClientError::Unreachable { .. } => UNREACHABLE,
        ClientError::NoAnswer(_) => FAILED,
        ClientError::Answered(answer) => match answer.kind {
            ErrorKind::Refused => REFUSED,
            ErrorKind::NotFound | ErrorKind::Exists => NOT_FOUND_OR_EXISTS,
            ErrorKind::Failed => FAILED,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire;

    #[test]
    fn exit_codes() {
        let answered = |kind| {
            let message = "x".to_owned();
            CliError::from(ClientError::Answered(wire::Error { kind, message }))
        };
        assert_eq!(CliError::Failed(String::new()).code(), 1);
        assert_eq!(CliError::Refused(String::new()).code(), 4);
        assert_eq!(CliError::NotFound(String::new()).code(), 5);
        assert_eq!(answered(ErrorKind::Failed).code(), 1);
        assert_eq!(answered(ErrorKind::Refused).code(), 4);
        assert_eq!(answered(ErrorKind::NotFound).code(), 5);
        assert_eq!(answered(ErrorKind::Exists).code(), 5);
        let unreachable = ClientError::Unreachable { reason: String::new(), remedy: "" };
        assert_eq!(CliError::from(unreachable).code(), 3);
        assert_eq!(CliError::from(ClientError::NoAnswer(String::new())).code(), 1);
    }
}
