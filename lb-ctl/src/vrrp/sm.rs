//! The machine of one virtual router (RFC 9568, section 6; RFC 3768, section 6). Pure: time is
//! passed in, and what is to be done is asked for with [`Machine::poll_output`].
//!
//! Beyond the RFC there is a state for faults, and a master that leaves by intention keeps the
//! addresses until somebody else has said that it is master: nothing is sent to nobody in between.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::config::vrrp::{OWNER, Preempt, Version};

mod types;

pub use types::{Heard, Output, Role, Settings, Why};

/// The lowest priority of one who still takes part: what is left of one that has handed over.
const LOWEST: u8 = 1;
/// How long one that leaves for good waits at most for the others' skew time to be over.
const PARTING: Duration = Duration::from_secs(5);
/// What it waits longer: for two adverts on their way, and for what the other director does between.
const ANSWER: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug)]
enum State {
    Init,
    Fault,
    Backup(Backup),
    Master {
        advert_at: Instant,
    },
    /// It has said that it leaves, and holds the addresses until another one says that it has them.
    Parting {
        until: Instant,
    },
}

#[derive(Clone, Copy, Debug)]
struct Backup {
    /// From when on the master's silence counts.
    since: Instant,
    /// What is waited for.
    waiting: Waiting,
    /// Who was heard last is to be taken over from.
    overrules: bool,
    /// When a master of lower priority may be taken over from, once one was heard.
    preempt_at: Option<Instant>,
    /// It still holds the addresses, for nobody else has said that it does.
    holds: bool,
    /// The time is over, and nobody has told it to become master yet.
    ripe: bool,
}

/// For how long a backup waits (RFC 9568, section 6.1).
#[derive(Clone, Copy, Debug)]
enum Waiting {
    /// `Active_Down_Interval` by the interval of the master.
    Down(Duration),
    /// `Skew_Time` alone: the master has left.
    Skew(Duration),
}

/// One virtual router.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    handed_over: bool,
    state: State,
    outputs: VecDeque<Output>,
}

/// `Skew_Time`, the shorter the higher the priority: a share of the master's interval (RFC 9568,
/// section 6.1), or of a second (RFC 3768, section 6.1).
pub fn skew(version: Version, priority: u8, interval: Duration) -> Duration {
    let whole = match version {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => interval,
    };
    whole * (256 - u32::from(priority)) / 256
}

/// `Active_Down_Interval`, in RFC 3768 `Master_Down_Interval`, by the master's interval.
pub fn down_interval(version: Version, priority: u8, interval: Duration) -> Duration {
    interval * 3 + skew(version, priority, interval)
}

impl Machine {
    /// One that does not take part yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, handed_over: false, state: State::Init, outputs: VecDeque::new() }
    }

    /// What it does.
    pub const fn role(&self) -> Role {
        match self.state {
            State::Init | State::Parting { .. } => Role::Init,
            State::Fault => Role::Fault,
            State::Backup(_) => Role::Backup,
            State::Master { .. } => Role::Master,
        }
    }

    /// Whether it has the addresses.
    pub const fn holds(&self) -> bool {
        match self.state {
            State::Master { .. } | State::Parting { .. } => true,
            State::Backup(Backup { holds, .. }) => holds,
            State::Init | State::Fault => false,
        }
    }

    /// Whether it was handed over and not resumed.
    pub const fn is_handed_over(&self) -> bool {
        self.handed_over
    }

    /// Whether it only waits to be told to become master.
    pub const fn is_ripe(&self) -> bool {
        matches!(self.state, State::Backup(Backup { ripe: true, .. }))
    }

    /// What it is told to be.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The priority that it takes part with.
    pub const fn priority(&self) -> u8 {
        if self.handed_over { LOWEST } else { self.settings.priority }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is to be called.
    pub fn next_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Init | State::Fault | State::Backup(Backup { ripe: true, .. }) => None,
            State::Backup(backup) => Some(self.down_at(backup)),
            State::Master { advert_at } => Some(*advert_at),
            State::Parting { until } => Some(*until),
        }
    }

    fn down_at(&self, backup: &Backup) -> Instant {
        let (version, priority) = (self.settings.version, self.priority());
        let wait = match backup.waiting {
            Waiting::Down(interval) => down_interval(version, priority, interval),
            Waiting::Skew(interval) => skew(version, priority, interval),
        };
        backup.since + wait
    }

    /// Other settings, from now on. What it is stays; what it waits for is counted anew.
    pub fn handle_settings(&mut self, now: Instant, settings: Settings) {
        let sooner = settings.interval < self.settings.interval;
        self.settings = settings;
        if let State::Master { advert_at } = &mut self.state
            && sooner
        {
            // Others count by the interval of the last advert, which was longer.
            *advert_at = (*advert_at).min(now + settings.interval);
        }
    }

    /// It takes part from now on: the `Startup` event (section 6.4.1).
    ///
    /// `holds`: the addresses are here already, left by a daemon that was killed. Nobody else may
    /// have them, so they stay until somebody says so.
    pub fn start(&mut self, now: Instant, holds: bool) {
        if !matches!(self.state, State::Init | State::Fault) {
            return;
        }
        // Section 6.4.1, (105) to (130): the owner begins as master.
        if self.priority() == OWNER && !self.settings.grouped {
            self.become_master(now, Why::Owner);
        } else {
            // (135) to (150).
            let waiting = Waiting::Down(self.settings.interval);
            self.become_backup(now, waiting, Why::Started, holds);
        }
    }

    /// It cannot take part.
    pub fn fail(&mut self) {
        match self.state {
            State::Fault => return,
            // Section 6.4.3, (705) to (715): what it does at shutdown.
            State::Master { .. } => self.outputs.push_back(Output::Advertise { priority: 0 }),
            State::Init | State::Backup(_) | State::Parting { .. } => {}
        }
        self.release();
        self.change(State::Fault, Why::Fault);
    }

    /// It is master from now on, because all of its group are.
    pub fn promote(&mut self, now: Instant, why: Why) {
        if matches!(self.state, State::Backup(_)) {
            self.become_master(now, why);
        }
    }

    /// It is master no longer, because not all of its group are.
    pub fn resign(&mut self, now: Instant, why: Why) {
        match self.state {
            State::Master { .. } => {
                self.outputs.push_back(Output::Advertise { priority: 0 });
                self.release();
                self.become_backup(now, Waiting::Down(self.settings.interval), why, false);
            }
            State::Backup(ref mut backup) if backup.ripe => {
                backup.ripe = false;
                backup.since = now;
            }
            _ => {}
        }
    }

    /// An operator hands it over: it takes part with the lowest priority, and leaves the addresses
    /// to whoever takes them. Where nobody does it goes on.
    pub fn hand_over(&mut self, now: Instant) {
        if std::mem::replace(&mut self.handed_over, true) {
            return;
        }
        if matches!(self.state, State::Master { .. }) {
            self.outputs.push_back(Output::Advertise { priority: 0 });
            let waiting = Waiting::Down(self.settings.interval);
            self.become_backup(now, waiting, Why::HandedOver, true);
        }
    }

    /// An operator takes that back.
    pub fn resume(&mut self) {
        self.handed_over = false;
    }

    /// It leaves for good: the `Shutdown` event (sections 6.4.2, (305); 6.4.3, (705)). Others count
    /// on its addresses until [`Output::Left`]. `slowest` is the longest interval of those that
    /// another director takes over together with this one.
    pub fn stop(&mut self, now: Instant, slowest: Duration) {
        match self.state {
            State::Master { .. } => {
                self.outputs.push_back(Output::Advertise { priority: 0 });
                // The others wait for their skew time (6.4.2, (420)): for no more than the lowest's.
                let others = skew(self.settings.version, LOWEST, slowest).min(PARTING);
                self.change(State::Parting { until: now + others + ANSWER }, Why::Stopped);
            }
            State::Parting { .. } => {}
            State::Init | State::Fault | State::Backup(_) => self.leave(),
        }
    }

    /// It leaves, and waits for nobody.
    pub fn abandon(&mut self) {
        if matches!(self.state, State::Master { .. }) {
            self.outputs.push_back(Output::Advertise { priority: 0 });
        }
        self.leave();
    }

    fn leave(&mut self) {
        self.release();
        self.change(State::Init, Why::Stopped);
        self.outputs.push_back(Output::Left);
    }

    /// Another one's advert, found good.
    pub fn handle_advert(&mut self, now: Instant, heard: Heard) {
        match self.state {
            State::Parting { .. } if heard.priority > 0 => self.leave(),
            State::Init | State::Fault | State::Parting { .. } => {}
            State::Backup(backup) => self.heard_as_backup(now, backup, heard),
            State::Master { .. } => self.heard_as_master(now, heard),
        }
    }

    /// Section 6.4.2.
    fn heard_as_backup(&mut self, now: Instant, mut backup: Backup, heard: Heard) {
        if heard.priority > 0 && backup.holds {
            backup.holds = false;
            self.outputs.push_back(Output::Release);
        }
        if heard.priority == 0 {
            // (420): wait for the skew time only.
            backup.since = now;
            backup.waiting = Waiting::Skew(heard.interval);
        } else if self.yields_to(now, &mut backup, heard) {
            // (450) to (470).
            backup.since = now;
            backup.waiting = Waiting::Down(heard.interval);
            backup.overrules = false;
            backup.ripe = false;
        } else {
            // (480): discarded, and the time runs out.
            backup.overrules = true;
        }
        self.state = State::Backup(backup);
    }

    /// (440): no preemption, or a priority that is not lower.
    fn yields_to(&self, now: Instant, backup: &mut Backup, heard: Heard) -> bool {
        if heard.priority >= self.priority() {
            backup.preempt_at = None;
            return true;
        }
        match self.settings.preempt {
            // Section 6.1, Preempt_Mode: the owner takes over whatever is said there.
            _ if self.priority() == OWNER => false,
            Preempt::Never => true,
            Preempt::After(delay) => now < *backup.preempt_at.get_or_insert(now + delay),
        }
    }

    /// Section 6.4.3.
    fn heard_as_master(&mut self, now: Instant, heard: Heard) {
        let own = (self.priority(), self.settings.source);
        if heard.priority > 0 && (heard.priority, heard.source) > own {
            // (725) to (750).
            self.release();
            self.become_backup(now, Waiting::Down(heard.interval), Why::Higher(heard), false);
        } else if !self.has_advertised_at(now) {
            // (715): somebody else leaves; those who listen are told that there is a master.
            // (760): a lower one is told at once, and so are those that it has misled. One answer
            // is enough for all that have waited to be heard while this director did nothing.
            self.advertise(now);
            if heard.priority > 0 {
                self.outputs.push_back(Output::Announce);
            }
        }
    }

    fn has_advertised_at(&self, now: Instant) -> bool {
        let next = now + self.settings.interval;
        matches!(self.state, State::Master { advert_at } if advert_at == next)
    }

    /// What is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.state {
            // Section 6.4.2, (310) to (345).
            State::Backup(mut backup) if self.settings.grouped => {
                backup.ripe = true;
                self.state = State::Backup(backup);
                self.outputs.push_back(Output::Ripe);
            }
            State::Backup(backup) => self.become_master(now, reason(&backup)),
            // Section 6.4.3, (705): the advert timer.
            State::Master { advert_at } => {
                self.advertise(advert_at);
                if let State::Master { advert_at } = &mut self.state
                    && *advert_at <= now
                {
                    // What was missed is not made up for.
                    *advert_at = now + self.settings.interval;
                }
            }
            State::Parting { .. } => self.leave(),
            State::Init | State::Fault => {}
        }
    }

    /// Why it would be master now.
    pub fn why_ripe(&self) -> Why {
        match &self.state {
            State::Backup(backup) => reason(backup),
            _ => Why::Told,
        }
    }

    /// Sends an advert, and the next an interval after `when`.
    fn advertise(&mut self, when: Instant) {
        self.outputs.push_back(Output::Advertise { priority: self.priority() });
        self.state = State::Master { advert_at: when + self.settings.interval };
    }

    fn become_master(&mut self, now: Instant, why: Why) {
        // The advert goes first, so that an old master drops the addresses before they are told of.
        self.outputs.push_back(Output::Advertise { priority: self.priority() });
        self.outputs.push_back(Output::Hold);
        self.change(State::Master { advert_at: now + self.settings.interval }, why);
    }

    fn become_backup(&mut self, now: Instant, waiting: Waiting, why: Why, holds: bool) {
        let backup =
            Backup { since: now, waiting, overrules: false, preempt_at: None, holds, ripe: false };
        self.change(State::Backup(backup), why);
    }

    fn release(&mut self) {
        if self.holds() {
            self.outputs.push_back(Output::Release);
        }
    }

    fn change(&mut self, to: State, why: Why) {
        let from = self.role();
        self.state = to;
        let to = self.role();
        if from != to {
            self.outputs.push_back(Output::Changed { from, to, why });
        }
    }
}

const fn reason(backup: &Backup) -> Why {
    match backup.waiting {
        Waiting::Skew(_) => Why::MasterLeft,
        Waiting::Down(_) if backup.overrules => Why::Preempted,
        Waiting::Down(_) => Why::Silence,
    }
}

#[cfg(test)]
#[path = "sm_tests.rs"]
mod tests;
