//! Commands, carried out.

use tokio::sync::oneshot;

use super::core::{Core, failed};
use super::telling::{self, Toggled};
use super::view;
use crate::api::door::Call;
use crate::api::wire;
use crate::command::{Change, Command, CommandError, OnHandEdit, Reply};
use crate::config::diff::diff;
use crate::config::edit::{self, EditError, EditErrorKind};
use crate::config::model::Desired;
use crate::config::parse::parse;
use crate::config::{file, store::StoreError};
use crate::dataplane::Dataplane;
use crate::event::EventKind;
use crate::reconcile::op::MapOp;

type Answer = Result<Reply, CommandError>;

impl<D: Dataplane> Core<D> {
    /// Carries out a command. What needs a walk through the connection tables is answered from
    /// another thread, so that nothing else waits for it.
    pub(super) async fn handle_call(&mut self, call: Call) {
        let Call { command, answer } = call;
        let reply = match command {
            Command::Change { change, on_hand_edit } => self.change(change, on_hand_edit).await,
            Command::Diff { text } => self.diff(&text),
            Command::Reload => self.reload().await,
            Command::Zero => self.zero(),
            Command::Definition => Ok(Reply::Definition(file::render(&self.state.desired))),
            Command::List { only } => return self.answer_later(answer, view::list(self, only)),
            Command::Connections { only } => {
                return self.answer_later(answer, view::connections(self, only));
            }
            Command::CheckNow { endpoint, address } => {
                return self.check_now(endpoint, address, answer);
            }
            Command::Trace(wanted) => return self.trace(wanted, answer),
            Command::Metrics => {
                self.ask_vrrp().await;
                return self.answer_later(answer, view::metrics(self));
            }
            Command::Events(wanted) => self.events(wanted),
            Command::Vrrp => self.vrrp().await,
            Command::Handover { instance } => self.hand_over(instance).await,
            Command::Resume { instance } => self.resume(instance).await,
            Command::Status => {
                self.ask_vrrp().await;
                return self.answer_later(answer, view::status(self));
            }
        };
        // The asker may have gone away.
        let _ = answer.send(reply);
    }

    fn answer_later(
        &self,
        answer: oneshot::Sender<Answer>,
        view: Result<view::Unfinished, CommandError>,
    ) {
        let reader = self.connections();
        match (view, reader) {
            (Ok(view), Ok(reader)) => {
                tokio::task::spawn_blocking(move || {
                    let reply = reader.read().map_err(failed).map(|tracked| view.finish(&tracked));
                    // The asker may have gone away.
                    let _ = answer.send(reply);
                });
            }
            (Err(error), _) | (_, Err(error)) => {
                // The asker may have gone away.
                let _ = answer.send(Err(error));
            }
        }
    }

    async fn change(&mut self, change: Change, on_hand_edit: OnHandEdit) -> Answer {
        let next = edited(&self.state.desired, change)?;
        let changes = lines(&self.state.desired, &next);
        let overwrite = on_hand_edit == OnHandEdit::Overwrite;
        if next == self.state.desired && !(overwrite && self.is_edited()) {
            return Ok(Reply::Changed(changes));
        }
        if !overwrite {
            self.refuse_over_hand_edit()?;
        }
        self.check(&next).await?;
        // The file goes first: to put it back loses nothing, while a service that was taken out
        // of the maps comes back without its connections.
        let prepared = self.store.prepare(&next).map_err(failed)?;
        let replaced = self.store.commit(prepared).map_err(failed)?;
        let toggled = telling::toggled(&self.state.desired, &next);
        if let Err(error) = self.go_over(next).await {
            if let Err(lost) = self.store.revert(replaced) {
                tracing::error!("taking a failed change back: {lost}");
            }
            return Err(error);
        }
        self.stale = None;
        self.tell_of_definitions(&changes, toggled);
        Ok(Reply::Changed(changes))
    }

    /// Whether the definition file is not what was last read or written, or cannot be read.
    fn is_edited(&self) -> bool {
        self.store.changed_by_hand().unwrap_or(true)
    }

    fn refuse_over_hand_edit(&self) -> Result<(), CommandError> {
        if self.store.changed_by_hand().map_err(failed)? {
            let path = self.store.path().display();
            return Err(CommandError::Refused(format!(
                "{path} was edited since it was read: `lb-ctl reload` takes the edit over, \
                 --force writes over it"
            )));
        }
        Ok(())
    }

    fn diff(&self, text: &str) -> Answer {
        let next = parse(text).map_err(|e| CommandError::Refused(e.to_string()))?;
        Ok(Reply::Changed(lines(&self.state.desired, &next)))
    }

    /// Reads the definition file again. One that cannot be used leaves everything running as it
    /// is, and is told of in the status until it can.
    pub(super) async fn reload(&mut self) -> Answer {
        match self.take_file().await {
            Ok((changes, toggled)) => {
                let was_stale = self.stale.take().is_some();
                if was_stale || !changes.changes.is_empty() {
                    self.tell_of_definitions(&changes, toggled);
                }
                Ok(Reply::Changed(changes))
            }
            Err(error) => {
                self.stale = Some(error.to_string());
                self.tell(EventKind::ConfigRefused, None, None, error.to_string());
                Err(error)
            }
        }
    }

    async fn take_file(&mut self) -> Result<(wire::Changes, Vec<Toggled>), CommandError> {
        let loaded = self.store.load().map_err(|error| match error {
            StoreError::Definition { .. } | StoreError::TooLong { .. } => {
                CommandError::Refused(error.to_string())
            }
            error => failed(error),
        })?;
        let changes = lines(&self.state.desired, &loaded.desired);
        self.check(&loaded.desired).await?;
        let toggled = telling::toggled(&self.state.desired, &loaded.desired);
        self.go_over(loaded.desired.clone()).await?;
        self.store.accept(loaded);
        Ok((changes, toggled))
    }

    fn zero(&mut self) -> Answer {
        let services = self.actual.services().values().map(|s| MapOp::ZeroService { id: s.id });
        let reals = self.actual.reals_in_use().map(|(id, _)| MapOp::ZeroReal { id });
        let ops: Vec<MapOp> = services.chain(reals).collect();
        // Before any is zero: should this fail halfway, those that are tell nothing either.
        self.settler.assume_carried(self.actual.services().values().map(|s| s.id));
        self.put(&ops)?;
        self.dataplane.zero_reasons().map_err(failed)?;
        Ok(Reply::Done)
    }
}

fn lines(before: &Desired, after: &Desired) -> wire::Changes {
    let changes = diff(before, after).iter().map(ToString::to_string).collect();
    wire::Changes { changes }
}

fn edited(desired: &Desired, change: Change) -> Result<Desired, CommandError> {
    let result = match change {
        Change::AddService { endpoint, properties } => {
            edit::add_service(desired, endpoint, &properties)
        }
        Change::EditService { endpoint, properties } => {
            edit::edit_service(desired, endpoint, &properties)
        }
        Change::DeleteService { endpoint } => edit::delete_service(desired, endpoint),
        Change::AddReal { endpoint, address, weight } => {
            edit::add_real(desired, endpoint, address, weight)
        }
        Change::EditReal { endpoint, address, weight } => {
            edit::edit_real(desired, endpoint, address, weight)
        }
        Change::DeleteReal { endpoint, address } => edit::delete_real(desired, endpoint, address),
        Change::Drain { endpoint, address, drained: true } => {
            edit::drain(desired, endpoint, address)
        }
        Change::Drain { endpoint, address, drained: false } => {
            edit::undrain(desired, endpoint, address)
        }
        Change::Disable { endpoint, address, disabled: true } => {
            edit::disable(desired, endpoint, address)
        }
        Change::Disable { endpoint, address, disabled: false } => {
            edit::enable(desired, endpoint, address)
        }
        Change::Clear => edit::clear(desired),
        Change::Apply { text } => {
            return parse(&text).map_err(|e| CommandError::Refused(e.to_string()));
        }
    };
    result.map_err(|error| refusal(&error))
}

pub(super) fn refusal(error: &EditError) -> CommandError {
    let message = error.to_string();
    match error.kind() {
        EditErrorKind::NotFound => CommandError::NotFound(message),
        EditErrorKind::Exists => CommandError::Exists(message),
        EditErrorKind::Refused => CommandError::Refused(message),
    }
}
