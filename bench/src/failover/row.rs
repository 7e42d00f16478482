//! What is measured. Pure.

use std::time::Duration;

/// What happens to the master.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// Its cable is cut.
    Cut,
    /// `lb-ctl vrrp handover`.
    Handover,
    /// Its process gets SIGTERM.
    Stop,
}

impl Event {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Handover => "handover",
            Self::Stop => "stop",
        }
    }
}

/// Who holds the address, and who answers there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Who {
    /// lb-ctl; the director itself answers.
    LbCtl,
    /// lb-ctl; a real answers behind its service.
    Balancing,
    /// keepalived; the director itself answers.
    Keepalived,
}

impl Who {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::LbCtl, Self::Balancing, Self::Keepalived];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LbCtl => "lb-ctl",
            Self::Balancing => "lb-ctl, service",
            Self::Keepalived => "keepalived",
        }
    }

    /// What the master can meet with.
    pub const fn events(self) -> &'static [Event] {
        match self {
            Self::LbCtl | Self::Balancing => &[Event::Cut, Event::Handover, Event::Stop],
            // It has no command to hand over.
            Self::Keepalived => &[Event::Cut, Event::Stop],
        }
    }
}

/// A row.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Row {
    /// The time between two adverts.
    pub interval: Duration,
    /// What happens.
    pub event: Event,
    /// To whom.
    pub who: Who,
}

/// What a row's figure is to be at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// So many milliseconds.
    Milliseconds(u32),
    /// What keepalived's row has.
    Row(Row),
}

const FAST: Duration = Duration::from_millis(10);
const SLOW: Duration = Duration::from_secs(1);

/// The times between adverts.
pub const INTERVALS: [Duration; 3] = [SLOW, Duration::from_millis(100), FAST];

impl Row {
    /// All rows, those that are to be compared side by side.
    pub fn all() -> Vec<Self> {
        let mut rows = Vec::new();
        for interval in INTERVALS {
            for event in [Event::Cut, Event::Stop, Event::Handover] {
                let takes_part = |who: &Who| who.events().contains(&event);
                let row = |who| Self { interval, event, who };
                rows.extend(Who::ALL.into_iter().filter(takes_part).map(row));
            }
        }
        rows
    }

    /// What its figure is to be at most.
    pub fn goal(self) -> Option<Goal> {
        if self.who == Who::Keepalived {
            return None;
        }
        match (self.interval, self.event) {
            (FAST, Event::Cut) => Some(Goal::Milliseconds(60)),
            (FAST, Event::Handover) => Some(Goal::Milliseconds(5)),
            (SLOW, Event::Cut | Event::Stop) => {
                Some(Goal::Row(Self { who: Who::Keepalived, ..self }))
            }
            _ => None,
        }
    }

    /// For example `10ms/cut/lb-ctl`.
    pub fn label(&self) -> String {
        format!("{:?}/{}/{}", self.interval, self.event.name(), self.who.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_meets_what_they_can() {
        let rows = Row::all();
        assert_eq!(rows.len(), 3 * (3 + 3 + 2));
        let labels: Vec<_> = rows.iter().map(Row::label).collect();
        assert_eq!(labels[..3], ["1s/cut/lb-ctl", "1s/cut/lb-ctl, service", "1s/cut/keepalived"]);
        assert!(!labels.contains(&"10ms/handover/keepalived".to_owned()));
    }

    #[test]
    fn slow_adverts_are_compared_with_keepalived() {
        let row = Row { interval: SLOW, event: Event::Cut, who: Who::LbCtl };
        assert_eq!(row.goal(), Some(Goal::Row(Row { who: Who::Keepalived, ..row })));
        let fast = Row { interval: FAST, ..row };
        assert_eq!(fast.goal(), Some(Goal::Milliseconds(60)));
        assert_eq!(Row { who: Who::Keepalived, ..fast }.goal(), None);
    }
}
