//! Follows scripts, files and processes for virtual routers, each in a task of its own.
//!
//! Only what some virtual router or group follows is looked at. Interfaces and services are brought
//! by who watches them anyway.

mod file;
mod process;
mod procfs;
mod script;

use std::collections::HashMap;
use std::path::PathBuf;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::track::{Fact, Subject, subjects};
use crate::config::vrrp::{Process, Script, Vrrp};

/// What is known of a subject from now on.
pub type Finding = (Subject, Fact);

/// All that is followed.
#[derive(Debug)]
pub struct Trackers {
    runtime: Handle,
    findings: mpsc::UnboundedSender<Finding>,
    running: HashMap<Subject, Running>,
}

/// How a subject is looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Definition {
    Script { script: Script, user: String },
    File(PathBuf),
    Process(Process),
}

#[derive(Debug)]
struct Running {
    definition: Definition,
    task: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Trackers {
    /// Begins to follow what this follows, by tasks of this runtime. The other half is what they
    /// find: of each subject the first that is known, and then what changes. `user` runs the
    /// scripts that name nobody.
    ///
    /// To begin a script holds up the thread that does it until the script is loaded: a
    /// millisecond, and more where it runs as another user, since the daemon is copied then.
    pub fn start(
        runtime: Handle,
        vrrp: &Vrrp,
        user: &str,
    ) -> (Self, mpsc::UnboundedReceiver<Finding>) {
        let (findings, found) = mpsc::unbounded_channel();
        let mut trackers = Self { runtime, findings, running: HashMap::new() };
        trackers.set(vrrp, user);
        (trackers, found)
    }

    /// Goes over to what this follows. Subjects whose definitions stay go on as they are; of those
    /// that are new or different what is found first is told in any case.
    pub fn set(&mut self, vrrp: &Vrrp, user: &str) {
        let wanted = wanted(vrrp, user);
        self.running.retain(|subject, _| wanted.contains_key(subject));
        for (subject, definition) in wanted {
            let before = self.running.remove(&subject);
            let running = match before {
                Some(running) if running.definition == definition => running,
                before => self.begin(&subject, definition, before),
            };
            self.running.insert(subject, running);
        }
    }

    fn begin(&self, subject: &Subject, definition: Definition, before: Option<Running>) -> Running {
        let teller = Teller::new(subject.clone(), self.findings.clone());
        let follow = follow(definition.clone(), teller);
        let task = self.runtime.spawn(async move {
            // Nothing that the one before has found may be told after what this one finds, and no
            // script runs beside itself.
            if let Some(task) = before.and_then(|mut before| before.task.take()) {
                task.abort();
                let _ = task.await;
            }
            follow.await;
        });
        Running { definition, task: Some(task) }
    }
}

async fn follow(definition: Definition, teller: Teller) {
    match definition {
        Definition::Script { script, user } => script::follow(script, user, teller).await,
        Definition::File(path) => file::follow(path, teller).await,
        Definition::Process(process) => process::follow(process, teller).await,
    }
}

/// Whatever is followed, and how it is looked at. What follows from it is not our concern, so that
/// weights make no difference.
fn wanted(vrrp: &Vrrp, user: &str) -> HashMap<Subject, Definition> {
    let define = |subject: &Subject| match subject {
        Subject::Script(name) => vrrp.scripts.get(name).map(|script| Definition::Script {
            script: Script { weight: None, user: None, ..script.clone() },
            user: script.user.as_deref().unwrap_or(user).to_owned(),
        }),
        Subject::File(path) => Some(Definition::File(path.clone())),
        Subject::Process(name) => vrrp
            .processes
            .get(name)
            .map(|process| Definition::Process(Process { weight: None, ..process.clone() })),
        Subject::Interface(_) | Subject::Service(_) => None,
    };
    vrrp.tracks()
        .flat_map(subjects)
        .filter_map(|(subject, _)| define(&subject).map(|definition| (subject, definition)))
        .collect()
}

/// Tells what is known of one subject, where that is new.
struct Teller {
    subject: Subject,
    findings: mpsc::UnboundedSender<Finding>,
    told: Option<Fact>,
}

impl Teller {
    const fn new(subject: Subject, findings: mpsc::UnboundedSender<Finding>) -> Self {
        Self { subject, findings, told: None }
    }

    fn tell(&mut self, fact: Fact) {
        if self.told.as_ref() != Some(&fact) {
            // Who listens may be leaving.
            let _ = self.findings.send((self.subject.clone(), fact.clone()));
            self.told = Some(fact);
        }
    }

    /// Logs why a subject cannot be looked at, once in each row of such looks.
    fn complain(&self, already: &mut bool, why: &std::io::Error) {
        if !std::mem::replace(already, true) {
            let subject = &self.subject;
            tracing::warn!("{subject} cannot be looked at: {why}; what is known of it stays");
        }
    }
}

#[cfg(test)]
#[path = "trackers_tests.rs"]
mod tests;
