//! Measuring: a daemon, its flows, and what each event does to them.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use lb_common::limits::DEFAULT_CONNECTIONS;
use lb_common::traffic::{ENDLESS, Traffic};
use serde::Serialize;
use xdp_prog::fixtures::frame::Family;
use xdp_prog::headers::tcp_flags;

use super::script::{Change, EVENTS, Event, MACHINES, REALS, moved, with_real};
use crate::lab::Director;
use crate::stream::{
    Site, Stream, StreamError, Traced, Tracking, endpoint, family_number, wait_until_up,
};

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Effort {
    /// Live flows at the beginning.
    pub flows: u32,
    /// Flows that begin after each event, and live from then on.
    pub new_flows: u32,
    /// How often the whole script is played.
    pub runs: u32,
    /// Possible CPUs of the machine.
    #[serde(skip)]
    pub cpus: u32,
}

impl Effort {
    /// Flows that live when the event with this index happens.
    pub const fn live(self, index: usize) -> u32 {
        self.flows + index as u32 * self.new_flows
    }

    /// Flows of one run, those that begin later included.
    const fn all_flows(self) -> u32 {
        self.live(EVENTS.len())
    }

    /// One CPU's share of the connections holds every flow.
    const fn max_connections(self) -> u32 {
        let room = (self.all_flows() + self.all_flows() / 16).saturating_mul(self.cpus);
        if room > DEFAULT_CONNECTIONS { room } else { DEFAULT_CONNECTIONS }
    }
}

/// What is told apart: a row of the table is one of them and one event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Group {
    /// How the service remembers its connections.
    pub tracking: Tracking,
    /// IPv4 or IPv6.
    pub family: Family,
}

impl Group {
    /// Every group of an lb-ctl that knows these modes.
    pub fn all(known: &[Tracking]) -> Vec<Self> {
        let of = |family| known.iter().map(move |&tracking| Self { tracking, family });
        Family::BOTH.into_iter().flat_map(of).collect()
    }

    /// 4 or 6.
    pub const fn family_number(self) -> u8 {
        family_number(self.family)
    }

    /// The group in one word, for messages and to select by.
    pub fn label(&self) -> String {
        format!("{}/ipv{}", self.tracking.name(), self.family_number())
    }
}

/// What one event did in one run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sample {
    /// Flows that are with another real than before.
    pub moved: u32,
    /// Flows whose real was deleted.
    pub necessary: u32,
    /// Flows that began after the event and went to its real.
    pub new_to_real: u32,
    /// What the command took, and then the packets of all flows.
    pub after: Duration,
}

/// Plays the whole script once: a sample for each event.
///
/// # Errors
///
/// A command fails, a flow reaches no real, or the kernel refuses.
pub fn play(
    site: &mut Site,
    group: Group,
    run: u32,
    effort: Effort,
) -> Result<Vec<Sample>, StreamError> {
    let Group { tracking, family } = group;
    let director = site.start_lb_ctl(tracking, family, REALS, effort.max_connections())?;
    let addresses = site.addresses(family, MACHINES);
    // Each run has flows of its own.
    let first = run * effort.all_flows();
    let mut play = Play { site, director, group, addresses };
    play.sweep(first, effort.flows, tcp_flags::SYN)?;
    let mut before = play.sweep(first, effort.flows, tcp_flags::ACK)?;
    let mut samples = Vec::new();
    for (index, event) in EVENTS.into_iter().enumerate() {
        let live = effort.live(index);
        let begin = Instant::now();
        play.command(event)?;
        let commanded = begin.elapsed();
        let sent = play.send(first, live, tcp_flags::ACK)?;
        let after = play.recorded(live)?;
        let new = play.sweep(first + live, effort.new_flows, tcp_flags::SYN)?;
        samples.push(Sample {
            moved: moved(&before, &after) as u32,
            necessary: event.necessary(&before) as u32,
            new_to_real: with_real(&new, event.real) as u32,
            after: commanded + sent.took,
        });
        before = [after, new].concat();
    }
    let Play { site, director, .. } = play;
    drop(director);
    site.wait_empty()?;
    Ok(samples)
}

struct Play<'a> {
    site: &'a mut Site,
    director: Director,
    group: Group,
    addresses: Vec<IpAddr>,
}

impl Play<'_> {
    /// Gives the command, and waits until a new real can be reached.
    fn command(&self, event: Event) -> Result<(), StreamError> {
        let address = self.addresses[usize::from(event.real) - 1];
        let words = event.command(&endpoint(self.group.family), address);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.director.ctl_ok(&words)?;
        if event.change == Change::Add {
            wait_until_up(&self.director)?;
        }
        Ok(())
    }

    /// Lets each flow send a packet, and says the real of each.
    fn sweep(&mut self, first: u32, flows: u32, flags: u8) -> Result<Vec<u8>, StreamError> {
        self.send(first, flows, flags)?;
        self.recorded(flows)
    }

    /// Lets each flow send a packet.
    fn send(&mut self, first: u32, flows: u32, flags: u8) -> Result<Traced, StreamError> {
        let traffic = Traffic { flow: first, flows: ENDLESS, service: 0, services: 1 };
        let stream = Stream { family: self.group.family, flags, traffic };
        self.site.sink.record_from(first)?;
        self.site.begin(&stream)?;
        self.site.send(&self.group.label(), &stream, flows, Some(&self.director))
    }

    /// The real of each flow that was sent.
    fn recorded(&self, flows: u32) -> Result<Vec<u8>, StreamError> {
        let seen = self.site.sink.recorded(flows)?;
        let lost = seen.iter().filter(|real| real.is_none()).count();
        let all: Option<Vec<u8>> = seen.into_iter().collect();
        all.ok_or_else(|| StreamError::Astray {
            run: self.group.label(),
            what: format!("{lost} of {flows} flows reached no real"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cpus_share_of_the_table_holds_every_flow() {
        for cpus in [1, 2, 64] {
            let effort = Effort { flows: 100_000, new_flows: 2_000, runs: 5, cpus };
            assert!(effort.max_connections() / cpus >= effort.all_flows());
        }
    }

    #[test]
    fn each_mode_is_a_group_in_both_families() {
        let groups = Group::all(&[Tracking::Changes, Tracking::Full]);
        let labels: Vec<String> = groups.iter().map(Group::label).collect();
        assert_eq!(labels, ["changes/ipv4", "full/ipv4", "changes/ipv6", "full/ipv6"]);
    }
}
