//! The channel by which transports hand commands to the daemon's task.

use tokio::sync::{mpsc, oneshot};

use crate::command::{Command, CommandError, Reply};

/// A command on its way to the daemon.
#[derive(Debug)]
pub struct Call {
    /// What is asked.
    pub command: Command,
    /// Where the answer goes. The asker may have gone away meanwhile.
    pub answer: oneshot::Sender<Result<Reply, CommandError>>,
}

/// The sending side; cheap to clone.
#[derive(Clone, Debug)]
pub struct Door(mpsc::Sender<Call>);

impl Door {
    /// A door and the receiving side for the daemon.
    pub fn new() -> (Self, mpsc::Receiver<Call>) {
        let (sender, receiver) = mpsc::channel(64);
        (Self(sender), receiver)
    }

    /// Asks the daemon and waits for its answer.
    ///
    /// # Errors
    ///
    /// What the daemon answers, or [`CommandError::Failed`] while it is shutting down.
    pub async fn ask(&self, command: Command) -> Result<Reply, CommandError> {
        let gone = || CommandError::Failed("the daemon is shutting down".to_owned());
        let (answer, reply) = oneshot::channel();
        self.0.send(Call { command, answer }).await.map_err(|_| gone())?;
        reply.await.map_err(|_| gone())?
    }
}
