//! The interfaces that the program is meant to be on, and how it stands with each.

use std::collections::{BTreeMap, BTreeSet};

use lb_common::value::Mac;

use super::core::failed;
use super::members::{self, Membership};
use crate::command::CommandError;
use crate::config::model::Desired;
use crate::config::rules;
use crate::dataplane::{AttachMode, Attachment, Dataplane, DataplaneError, Held, ModeChoice};
use crate::neigh::driver::LinkChange;
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
    /// What frames for the director come in by where the program is on it, and with which MAC.
    ingress: BTreeMap<u32, Mac>,
    /// Interfaces with MACs of virtual routers whose frames come in by it.
    virtual_macs: BTreeMap<u32, Mac>,
    /// Those whose addresses are reached through it, by number and name.
    addressed: Vec<(u32, String)>,
    /// What it is a member of.
    membership: Option<Membership>,
}

impl Interface {
    fn new(name: String) -> Self {
        Self {
            name,
            link: None,
            attachment: None,
            problem: None,
            ingress: BTreeMap::new(),
            virtual_macs: BTreeMap::new(),
            addressed: Vec::new(),
            membership: None,
        }
    }

    /// Takes in what the kernel says of it, and of those it depends on.
    fn observe(&mut self, link: Option<Link>, links: &[Link]) {
        self.ingress = link.iter().flat_map(|link| members::ingress(link, links)).collect();
        self.virtual_macs =
            link.iter().flat_map(|link| members::virtual_macs(link, links)).collect();
        let addressed = link.iter().flat_map(|link| members::addressed(link, links));
        self.addressed = addressed.map(|link| (link.index, link.name.clone())).collect();
        self.membership = link.as_ref().and_then(|link| Membership::of(link, links));
        self.link = link;
    }

    /// Whether a change of a link may matter to it.
    fn depends_on(&self, change: &LinkChange) -> bool {
        let index = self.link.as_ref().map(|link| link.index);
        self.name == change.name
            || (index.is_some() && change.master == index)
            || self.ingress.contains_key(&change.index)
            || self.has_addresses_on(change.index)
            || self.virtual_macs.contains_key(&change.index)
            || change.below.is_some_and(|below| self.has_addresses_on(below))
    }

    /// Whether the addresses of this interface, by its number, are reached through it.
    pub(super) fn has_addresses_on(&self, ifindex: u32) -> bool {
        self.addressed.iter().any(|(index, _)| *index == ifindex)
    }

    /// Takes note that the program is on it now.
    fn take(&mut self, mut attachment: Attachment, program_id: u32) {
        let Attachment { mode, reason, .. } = &mut attachment;
        tracing::info!("{}: attached, {} ({reason})", self.name, mode.name());
        if let Some(caveat) = self.membership.as_ref().and_then(|it| it.caveat(*mode)) {
            tracing::warn!("{}: {caveat}", self.name);
            *reason = format!("{reason}; {caveat}");
        }
        let native = *mode == AttachMode::Native;
        if let Some(link) = &mut self.link {
            link.xdp = Some(XdpOnLink { native, program_id });
        }
        self.attachment = Some(attachment);
        self.problem = None;
    }

    /// What the kernel said where it refused the program.
    fn refusal(&self, error: &DataplaneError) -> String {
        match &self.membership {
            Some(membership) => {
                format!("{error} (it is {membership}: name that one instead, or take it out)")
            }
            None => error.to_string(),
        }
    }
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

    fn has(&self, name: &str) -> bool {
        self.list.iter().any(|interface| interface.name == name)
    }

    /// Whether a change of a link may matter.
    pub(super) fn concerns(&self, change: &LinkChange) -> bool {
        self.list.iter().any(|interface| interface.depends_on(change))
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
    /// or that leave none; virtual routers need none to balance on.
    pub(super) fn check(&self, desired: &Desired, links: &[Link]) -> Result<(), CommandError> {
        let wanted = self.wanted(desired);
        let balances = desired.vrrp.instances.is_empty() || !desired.services.is_empty();
        if wanted.is_empty() && balances {
            return Err(CommandError::Refused(
                "no interface would be left to balance on: name one under \"interfaces\"".into(),
            ));
        }
        for name in wanted.iter().filter(|name| !self.has(name)) {
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
        self.check_members(&wanted, links)
    }

    /// Refuses an interface beside the one that it is a member of: the kernel puts the program on
    /// one of them only.
    fn check_members(&self, wanted: &[String], links: &[Link]) -> Result<(), CommandError> {
        for link in links.iter().filter(|link| wanted.contains(&link.name)) {
            let named = members::master(link, links).filter(|it| wanted.contains(&it.name));
            if let Some(master) = named
                && !(self.has(&link.name) && self.has(&master.name))
                && let Some(membership) = Membership::of(link, links)
            {
                return Err(CommandError::Refused(format!(
                    "interface {} is {membership}, which is named as well: name one of them",
                    link.name
                )));
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
                None => Interface::new(name),
            };
            let link = links.iter().find(|link| link.name == interface.name).cloned();
            let index = |link: &Option<Link>| link.as_ref().map(|link| link.index);
            if index(&link) != index(&interface.link) {
                let attached = interface.attachment.take().and_then(|_| index(&interface.link));
                self.renamed.extend(attached);
            }
            interface.observe(link, links);
            self.list.push(interface);
        }
    }

    /// Takes note that no VIP is left on interfaces that were renamed: from now on they are
    /// somebody else's.
    pub(super) fn forget_renamed(&mut self) {
        self.renamed.clear();
    }

    /// The interfaces that packets can come in by, and the MAC of those that are for the director.
    pub(super) fn ingress(&self) -> BTreeMap<u32, Mac> {
        self.list.iter().flat_map(|interface| interface.ingress.clone()).collect()
    }

    /// The MACs of virtual routers, for which packets come in as well.
    pub(super) fn virtual_macs(&self) -> BTreeSet<Mac> {
        self.list.iter().flat_map(|interface| interface.virtual_macs.values().copied()).collect()
    }

    /// The attached interfaces in order, each with those whose addresses are reached through it, for
    /// the VIPs.
    pub(super) fn attached(&self) -> Vec<(u32, String)> {
        let attached = self.list.iter().filter(|interface| interface.attachment.is_some());
        attached.flat_map(|interface| interface.addressed.clone()).collect()
    }

    /// Where VIPs of this daemon can be: interfaces with a pinned link, those that lost theirs with
    /// their name, and wanted ones on which no other program is.
    pub(super) fn reach(&self, links: &[Link], pinned: &[String]) -> Reach {
        let wanted = || self.list.iter().filter_map(|interface| interface.link.as_ref());
        let had = links.iter().filter(|link| pinned.contains(&link.name));
        let free = wanted().filter(|link| link.xdp.is_none());
        let places = |link| members::addressed(link, links).into_iter().map(|link| link.index);
        Reach {
            ours: had.chain(free).flat_map(places).chain(self.renamed.clone()).collect(),
            wanted: wanted().flat_map(places).collect(),
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
            if let Some(link) = &interface.link {
                let ours = link.xdp.is_some_and(|xdp| xdp.program_id == dataplane.program_id());
                if (ours && interface.attachment.is_some()) || (known && which == Which::Fresh) {
                    continue;
                }
                let before = link.xdp.filter(|_| known).map(held);
                match dataplane.attach(&interface.name, link.index, self.mode, before) {
                    Ok(attachment) => interface.take(attachment, dataplane.program_id()),
                    Err(error) => {
                        let refusal = interface.refusal(&error);
                        first = first.and(Err(failed(&refusal)));
                        note(interface, refusal);
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

#[cfg(test)]
#[path = "interfaces_tests.rs"]
mod tests;
