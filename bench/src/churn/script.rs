//! What happens to the reals, and what it may do to the flows. Pure.

use std::net::IpAddr;

/// A command about one real.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// `add-real`.
    Add,
    /// `edit-real` with this weight.
    Weight(u16),
    /// `drain`.
    Drain,
    /// `undrain`.
    Undrain,
    /// `delete-real`.
    Delete,
}

/// A change of one real.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// What is done.
    pub change: Change,
    /// To which real; they are numbered from one on.
    pub real: u8,
}

/// Reals at the beginning, each of weight 1.
pub const REALS: u8 = 10;

/// Machines: one real joins.
pub const MACHINES: u8 = REALS + 1;

/// What happens, in this order.
pub const EVENTS: [Event; 8] = [
    Event { change: Change::Add, real: 11 },
    Event { change: Change::Weight(3), real: 1 },
    Event { change: Change::Drain, real: 2 },
    Event { change: Change::Undrain, real: 2 },
    Event { change: Change::Delete, real: 3 },
    Event { change: Change::Add, real: 3 },
    Event { change: Change::Weight(1), real: 1 },
    Event { change: Change::Delete, real: 11 },
];

impl Event {
    /// The command's verb.
    pub const fn verb(self) -> &'static str {
        match self.change {
            Change::Add => "add-real",
            Change::Weight(_) => "edit-real",
            Change::Drain => "drain",
            Change::Undrain => "undrain",
            Change::Delete => "delete-real",
        }
    }

    /// What happens, in a few words.
    pub fn name(self) -> String {
        let real = self.real;
        match self.change {
            Change::Weight(weight) => format!("{} {real} -w {weight}", self.verb()),
            _ => format!("{} {real}", self.verb()),
        }
    }

    /// The command line, for the service and the real's address.
    pub fn command(self, service: &str, address: IpAddr) -> Vec<String> {
        let address = address.to_string();
        let mut words: Vec<String> =
            [self.verb(), "-t", service, "-r", &address].map(str::to_owned).into();
        if let Change::Weight(weight) = self.change {
            words.extend(["-w".to_owned(), weight.to_string()]);
        }
        words
    }

    /// How many flows must find another real, where each was with this real before: those of a
    /// real that is deleted. All others have theirs still.
    pub fn necessary(self, before: &[u8]) -> usize {
        match self.change {
            Change::Delete => with_real(before, self.real),
            _ => 0,
        }
    }
}

/// How many flows are with this real, where each is with this one.
#[expect(clippy::naive_bytecount, reason = "there are other things to wait for")]
pub fn with_real(flows: &[u8], real: u8) -> usize {
    flows.iter().filter(|with| **with == real).count()
}

/// How many flows are with another real than before.
pub fn moved(before: &[u8], after: &[u8]) -> usize {
    before.iter().zip(after).filter(|(before, after)| before != after).count()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_is_one_that_the_state_allows() {
        let mut reals: BTreeSet<u8> = (1..=REALS).collect();
        let mut drained = BTreeSet::new();
        for event in EVENTS {
            assert!((1..=MACHINES).contains(&event.real));
            let there = reals.contains(&event.real);
            match event.change {
                Change::Add => assert!(!there && reals.insert(event.real), "{}", event.name()),
                Change::Delete => assert!(reals.remove(&event.real), "{}", event.name()),
                Change::Drain => assert!(there && drained.insert(event.real), "{}", event.name()),
                Change::Undrain => assert!(drained.remove(&event.real), "{}", event.name()),
                Change::Weight(_) => assert!(there, "{}", event.name()),
            }
        }
        assert_eq!(reals, (1..=REALS).collect(), "the script ends as it begins");
    }

    #[test]
    fn commands_are_what_a_person_types() {
        let address = "192.0.2.21".parse().unwrap();
        let event = Event { change: Change::Weight(3), real: 1 };
        assert_eq!(
            event.command("198.18.0.0:80", address).join(" "),
            "edit-real -t 198.18.0.0:80 -r 192.0.2.21 -w 3"
        );
        let event = Event { change: Change::Delete, real: 1 };
        assert_eq!(
            event.command("198.18.0.0:80", address).join(" "),
            "delete-real -t 198.18.0.0:80 -r 192.0.2.21"
        );
    }

    #[test]
    fn only_flows_of_a_deleted_real_must_move() {
        let before = [1, 2, 2, 3];
        let delete = Event { change: Change::Delete, real: 2 };
        assert_eq!(delete.necessary(&before), 2);
        let drain = Event { change: Change::Drain, real: 2 };
        assert_eq!(drain.necessary(&before), 0);
        assert_eq!(moved(&before, &[1, 3, 1, 1]), 3);
        assert_eq!(moved(&before, &before), 0);
    }
}
