//! The interfaces that the program is meant to be on, and how it stands with each.

use std::collections::{BTreeMap, BTreeSet};

use lb_common::value::Mac;

use super::core::failed;
use crate::command::CommandError;
use crate::config::model::Desired;
use crate::config::rules;
use crate::dataplane::{AttachMode, Attachment, Dataplane, Held, ModeChoice};
use crate::netlink::types::{Link, XdpOnLink};
use crate::vip::Reach;

/// Which interfaces to put the program on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Which {
    /// Those by which nothing is forwarded yet.
    Fresh,
    /// Those as well on which an earlier program is.
    All,
}

/// One interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Interface {
    pub(super) name: String,
    /// As the kernel last told; `None` while there is none of this name.
    pub(super) link: Option<Link>,
    pub(super) attachment: Option<Attachment>,
    /// Why the program is not on it.
    pub(super) problem: Option<String>,
}

/// All interfaces, those of the command line first.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    given: Vec<String>,
    list: Vec<Interface>,
    mode: ModeChoice,
    /// Indices of interfaces that the program was on until somebody gave them another name; their
    /// VIPs are to be taken off.
    renamed: BTreeSet<u32>,
}

impl Interfaces {
    pub(super) fn new(given: Vec<String>, mode: ModeChoice) -> Self {
        Self { given, mode, ..Self::default() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Interface> {
        self.list.iter()
    }

    pub(super) fn concerns(&self, name: &str) -> bool {
        self.list.iter().any(|interface| interface.name == name)
    }

    /// The names wanted under these definitions, without repetition.
    pub(super) fn wanted(&self, desired: &Desired) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.given.iter().chain(&desired.interfaces) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// Refuses definitions that name an interface which does not exist and was not there before,
    /// or that leave none.
    pub(super) fn check(&self, desired: &Desired, links: &[Link]) -> Result<(), CommandError> {
        let wanted = self.wanted(desired);
        if wanted.is_empty() {
            return Err(CommandError::Refused(
                "no interface would be left to balance on: name one under \"interfaces\"".into(),
            ));
        }
        for name in wanted.iter().filter(|name| !self.concerns(name)) {
            // Those of the command line have not been looked at yet.
            rules::interface(name).map_err(|error| CommandError::Refused(error.to_string()))?;
            match links.iter().find(|link| link.name == *name) {
                None => {
                    return Err(CommandError::Refused(format!(
                        "no such interface: {name} (`ip link` lists those there are)"
                    )));
                }
                Some(link) if link.mac.is_none() => {
                    return Err(CommandError::Refused(format!(
                        "interface {name} is not Ethernet: direct routing rewrites MAC addresses"
                    )));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Takes in the wanted names and what the kernel says of them.
    pub(super) fn refresh(&mut self, desired: &Desired, links: &[Link]) {
        let mut before = std::mem::take(&mut self.list);
        for name in self.wanted(desired) {
            let known = before.iter().position(|interface| interface.name == name);
            let mut interface = match known {
                Some(index) => before.swap_remove(index),
                None => Interface { name, link: None, attachment: None, problem: None },
            };
            let link = links.iter().find(|link| link.name == interface.name).cloned();
            let index = |link: &Option<Link>| link.as_ref().map(|link| link.index);
            if index(&link) != index(&interface.link) {
                let attached = interface.attachment.take().and_then(|_| index(&interface.link));
                self.renamed.extend(attached);
            }
            interface.link = link;
            self.list.push(interface);
        }
    }

    /// Takes note that no VIP is left on interfaces that were renamed: from now on they are
    /// somebody else's.
    pub(super) fn forget_renamed(&mut self) {
        self.renamed.clear();
    }

    /// MACs of the interfaces that packets can come in by.
    pub(super) fn ingress(&self) -> BTreeMap<u32, Mac> {
        let links = self.list.iter().filter_map(|interface| interface.link.as_ref());
        links.filter_map(|link| Some((link.index, link.mac?))).collect()
    }

    /// Attached interfaces in order, for the VIPs.
    pub(super) fn attached(&self) -> Vec<(u32, String)> {
        let attached = self.list.iter().filter(|interface| interface.attachment.is_some());
        attached.filter_map(|i| Some((i.link.as_ref()?.index, i.name.clone()))).collect()
    }

    /// Where VIPs of this daemon can be: interfaces with a pinned link, those that lost theirs with
    /// their name, and wanted ones on which no other program is.
    pub(super) fn reach(&self, links: &[Link], pinned: &[String]) -> Reach {
        let wanted = || self.list.iter().filter_map(|interface| interface.link.as_ref());
        let had = links.iter().filter(|link| pinned.contains(&link.name));
        let free = wanted().filter(|link| link.xdp.is_none());
        Reach {
            ours: had.chain(free).map(|link| link.index).chain(self.renamed.clone()).collect(),
            wanted: wanted().map(|link| link.index).collect(),
        }
    }

    /// Takes the program off interfaces that are gone or no longer wanted.
    pub(super) fn detach_others<D: Dataplane>(
        &self,
        dataplane: &mut D,
    ) -> Result<(), CommandError> {
        for name in dataplane.attached().map_err(failed)? {
            let present = |i: &Interface| i.name == name && i.link.is_some();
            if !self.list.iter().any(present) {
                dataplane.detach(&name).map_err(failed)?;
                tracing::info!("{name}: detached");
            }
        }
        Ok(())
    }

    /// Puts the program on interfaces it is not on. Goes on after a failure and returns the first;
    /// each is noted with its interface.
    pub(super) fn attach<D: Dataplane>(
        &mut self,
        dataplane: &mut D,
        which: Which,
    ) -> Result<(), CommandError> {
        let mut first = Ok(());
        let pinned = dataplane.attached().map_err(failed)?;
        for interface in &mut self.list {
            let known = pinned.contains(&interface.name);
            if let Some(link) = &mut interface.link {
                let ours = link.xdp.is_some_and(|xdp| xdp.program_id == dataplane.program_id());
                if (ours && interface.attachment.is_some()) || (known && which == Which::Fresh) {
                    continue;
                }
                let before = link.xdp.filter(|_| known).map(held);
                match dataplane.attach(&interface.name, link.index, self.mode, before) {
                    Ok(attachment) => {
                        let Attachment { mode, reason, .. } = &attachment;
                        tracing::info!("{}: attached, {} ({reason})", interface.name, mode.name());
                        let native = *mode == AttachMode::Native;
                        link.xdp = Some(XdpOnLink { native, program_id: dataplane.program_id() });
                        interface.attachment = Some(attachment);
                        interface.problem = None;
                    }
                    Err(error) => {
                        note(interface, error.to_string());
                        first = first.and(Err(failed(error)));
                    }
                }
            } else {
                note(interface, "the interface is not there".into());
            }
        }
        first
    }
}

fn held(xdp: XdpOnLink) -> Held {
    let mode = if xdp.native { AttachMode::Native } else { AttachMode::Generic };
    Held { mode, program_id: xdp.program_id }
}

/// Notes and logs a problem, once.
fn note(interface: &mut Interface, problem: String) {
    interface.attachment = None;
    if interface.problem.as_ref() != Some(&problem) {
        tracing::warn!("{}: not attached: {problem}", interface.name);
        interface.problem = Some(problem);
    }
}
