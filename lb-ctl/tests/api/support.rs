//! A real server on a real socket, with a small core in memory behind its door.

use std::path::PathBuf;
use std::process::Output;

use lb_ctl::api::door::{Call, Door};
use lb_ctl::api::{client::Client, server, socket, wire};
use lb_ctl::command::{Change, Command, CommandError, OnHandEdit, Reply};
use lb_ctl::config::edit::{self, ServiceChange};
use lb_ctl::config::model::{Desired, Endpoint, Tracking};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::vrrp::Routers;

/// A text that [`Core`] refuses, as a daemon does with a faulty definition.
pub(crate) const FAULTY: &str = "faulty";
/// What it says then.
pub(crate) const FAULT: &str = "line 1, column 1: expected value";

pub(crate) struct Fixture {
    pub(crate) directory: TempDir,
    pub(crate) socket: PathBuf,
    pub(crate) client: Client,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Fixture {
    /// A daemon whose definition file nobody touched.
    pub(crate) fn start() -> Self {
        Self::with(Core::default())
    }

    pub(crate) fn with(core: Core) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("run/lb-ctl.sock");
        let bound = socket::bind(&socket, None).unwrap();
        let (door, calls) = Door::new();
        tokio::spawn(core.run(calls));
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(server::serve(bound, door, async {
            stopped.await.ok();
        }));
        let client = Client::new(&socket);
        Self { directory, socket, client, stop: Some(stop), server: Some(server) }
    }

    /// Stops the server and waits until it has gone.
    pub(crate) async fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.server.take().unwrap().await.unwrap();
    }

    /// Runs the binary against this server.
    pub(crate) async fn cli(&self, line: &str) -> Ran {
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_lb-ctl"))
            .env("LB_CTL_SOCKET", &self.socket)
            .current_dir(self.directory.path())
            .args(line.split_whitespace())
            .stdin(std::process::Stdio::null())
            .output();
        Ran::from(output.await.unwrap())
    }
}

/// What a run of a program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Keeps services in memory and answers as a daemon would.
#[derive(Default)]
pub(crate) struct Core {
    /// The definition file was edited by hand.
    pub(crate) edited: bool,
    /// Active connections of every real; one fewer each time they are listed.
    pub(crate) active: u64,
    /// How many times reals of services that do not track every flow are listed as settling.
    pub(crate) settling: u64,
    pub(crate) services: Vec<wire::Service>,
    pub(crate) routers: Routers,
}

impl Core {
    async fn run(mut self, mut calls: mpsc::Receiver<Call>) {
        while let Some(Call { command, answer }) = calls.recv().await {
            // The asker may be gone.
            let _ = answer.send(self.answer(command));
        }
    }

    fn answer(&mut self, command: Command) -> Result<Reply, CommandError> {
        match command {
            Command::Change { on_hand_edit: OnHandEdit::Refuse, .. } if self.edited => {
                let message = "the file was edited by hand: reload it, or use --force";
                Err(CommandError::Refused(message.to_owned()))
            }
            Command::Change { change, .. } => self.change(change).map(Reply::Changed),
            Command::Diff { text } if text == FAULTY => Err(CommandError::Refused(FAULT.into())),
            Command::Diff { text } => Ok(changed(format!("~ {} bytes", text.len()))),
            Command::Reload => Ok(Reply::Changed(wire::Changes::default())),
            Command::Zero => Ok(Reply::Done),
            Command::Definition => Ok(Reply::Definition("{\"services\": []}\n".to_owned())),
            Command::List { only } => self.list(only).map(Reply::List),
            Command::Connections { .. } => Ok(Reply::Connections(wire::Connections::default())),
            Command::CheckNow { endpoint, address } => {
                self.check(endpoint, address).map(Reply::Checked)
            }
            Command::Vrrp => Ok(Reply::Vrrp(self.routers.list())),
            Command::Handover { instance } => {
                self.routers.hand_over(instance.as_deref(), true).map(Reply::Vrrp)
            }
            Command::Resume { instance } => {
                self.routers.hand_over(instance.as_deref(), false).map(Reply::Vrrp)
            }
            Command::Events(_) => Ok(Reply::Events(wire::Events::default())),
            Command::Metrics => Err(CommandError::Failed("nothing is counted".to_owned())),
            Command::Trace(_) => Err(CommandError::Failed("no packets behind this".to_owned())),
            Command::Status => Err(CommandError::Failed("no kernel behind this".to_owned())),
        }
    }

    fn change(&mut self, change: Change) -> Result<wire::Changes, CommandError> {
        match change {
            Change::AddService { endpoint, properties } => {
                if self.find(endpoint).is_ok() {
                    return Err(CommandError::Exists(format!("service {endpoint} exists")));
                }
                self.services.push(service(endpoint, &properties)?);
                Ok(line(format!("+ service {endpoint}")))
            }
            Change::EditService { endpoint, properties } => {
                let service = self.find(endpoint)?;
                service.name = properties.name;
                service.idle_timeout = properties.idle_timeout.unwrap_or(service.idle_timeout);
                Ok(line(format!("~ service {endpoint}")))
            }
            Change::DeleteService { endpoint } => {
                self.find(endpoint)?;
                self.services.retain(|one| !is(one, endpoint));
                Ok(line(format!("- service {endpoint}")))
            }
            Change::AddReal { endpoint, address, weight } => {
                self.find(endpoint)?.reals.push(real(address, weight));
                Ok(line(format!("+ real {address} weight {weight}")))
            }
            Change::EditReal { endpoint, address, weight } => {
                let real = self.real(endpoint, address)?;
                real.weight = weight;
                Ok(line(format!("~ real {address} weight {}", real.weight)))
            }
            Change::DeleteReal { endpoint, address } => {
                self.real(endpoint, address)?;
                self.find(endpoint)?.reals.retain(|real| real.address != address);
                Ok(line(format!("- real {address}")))
            }
            Change::Drain { endpoint, address, drained } => {
                self.real(endpoint, address)?.state =
                    if drained { wire::RealState::Drain } else { wire::RealState::Up };
                Ok(line(format!("~ real {address} drained {drained}")))
            }
            Change::Disable { endpoint, address, disabled } => {
                self.real(endpoint, address)?.disabled = disabled;
                Ok(line(format!("~ real {address} disabled {disabled}")))
            }
            Change::Clear => {
                self.services.clear();
                Ok(line("- all".to_owned()))
            }
            Change::Apply { text } if text == FAULTY => Err(CommandError::Refused(FAULT.into())),
            Change::Apply { text } => Ok(line(format!("~ {} bytes", text.len()))),
        }
    }

    fn list(&mut self, only: Option<Endpoint>) -> Result<wire::List, CommandError> {
        self.active = self.active.saturating_sub(1);
        for service in &mut self.services {
            for real in &mut service.reals {
                real.active_connections = self.active;
                real.estimated = service.tracking != Tracking::Full.name();
                real.settling = real.estimated && self.settling > 0;
            }
        }
        self.settling = self.settling.saturating_sub(1);
        let services = match only {
            Some(endpoint) => vec![self.find(endpoint)?.clone()],
            None => self.services.clone(),
        };
        Ok(wire::List { services })
    }

    /// Every real passes that is not drained.
    fn check(
        &mut self,
        endpoint: Endpoint,
        only: Option<std::net::IpAddr>,
    ) -> Result<wire::Checked, CommandError> {
        if let Some(address) = only {
            self.real(endpoint, address)?;
        }
        let reals = self.find(endpoint)?.reals.iter();
        let asked = reals.filter(|real| only.is_none_or(|only| only == real.address));
        let checked = asked.map(|real| {
            let passed = real.state == wire::RealState::Up;
            let reason = (!passed).then(|| "connection refused".to_owned());
            wire::CheckedReal { address: real.address, passed, reason }
        });
        Ok(wire::Checked { reals: checked.collect() })
    }

    fn find(&mut self, endpoint: Endpoint) -> Result<&mut wire::Service, CommandError> {
        let missing = || CommandError::NotFound(format!("there is no service {endpoint}"));
        self.services.iter_mut().find(|one| is(one, endpoint)).ok_or_else(missing)
    }

    fn real(
        &mut self,
        endpoint: Endpoint,
        address: std::net::IpAddr,
    ) -> Result<&mut wire::Real, CommandError> {
        let reals = &mut self.find(endpoint)?.reals;
        let found = reals.iter_mut().find(|real| real.address == address);
        found.ok_or_else(|| CommandError::NotFound(format!("there is no real {address}")))
    }
}

fn is(service: &wire::Service, endpoint: Endpoint) -> bool {
    (service.protocol, service.vip, service.port)
        == (endpoint.protocol, endpoint.address, endpoint.port)
}

fn line(text: String) -> wire::Changes {
    wire::Changes { changes: vec![text] }
}

fn changed(text: String) -> Reply {
    Reply::Changed(line(text))
}

/// A service that is added where there is no other.
fn service(endpoint: Endpoint, properties: &ServiceChange) -> Result<wire::Service, CommandError> {
    let defined = edit::add_service(&Desired::default(), endpoint, properties);
    let defined = defined.map_err(|error| CommandError::Refused(error.to_string()))?;
    Ok(wire::Service::from(&defined.services[0]))
}

fn real(address: std::net::IpAddr, weight: u16) -> wire::Real {
    wire::Real {
        address,
        weight,
        state: wire::RealState::Up,
        reason: None,
        mac: None,
        interface: None,
        active_connections: 0,
        inactive_connections: 0,
        estimated: false,
        settling: false,
        disabled: false,
        health: None,
        stats: wire::Stats::default(),
    }
}
