//! What a virtual router makes of the things it follows. Pure.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use crate::config::model::Endpoint;
use crate::config::vrrp::{OWNER, Track, Tracked};

/// Something that is followed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Subject {
    /// An interface is up.
    Interface(String),
    /// A script succeeds.
    Script(String),
    /// A file is not there.
    File(PathBuf),
    /// Processes run.
    Process(String),
    /// A service has its quorum.
    Service(Endpoint),
}

impl fmt::Display for Subject {
    /// As in `script chk_nginx`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => write!(f, "interface {name}"),
            Self::Script(name) => write!(f, "script {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Process(name) => write!(f, "process {name}"),
            Self::Service(endpoint) => write!(f, "service {endpoint}"),
        }
    }
}

/// What is known of a subject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// It is as it should be.
    Works,
    /// It is not.
    Fails {
        /// Why, in words that follow the subject's: `is down`.
        why: String,
    },
}

/// What is known of all subjects; one that nothing is known of is missing.
pub type Facts = HashMap<Subject, Fact>;

/// What follows for a virtual router.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Not everything that could put it at fault is known.
    Unknown {
        /// What is not.
        subject: Subject,
    },
    /// It cannot take part.
    Fault {
        /// Because of what.
        why: String,
    },
    /// It takes part.
    Fit {
        /// With this priority.
        priority: u8,
    },
}

/// What follows from the facts for a virtual router of this priority that follows all of these.
///
/// As in keepalived, weights add up, and what comes out stays within 1 and 254. An owner's priority
/// is never another (RFC 9568, section 5.2.4).
pub fn standing<'a>(
    priority: u8,
    tracks: impl IntoIterator<Item = &'a Track>,
    facts: &Facts,
) -> Standing {
    let (mut sum, mut unknown) = (i32::from(priority), None);
    for (subject, weight) in tracks.into_iter().flat_map(subjects) {
        let fact = facts.get(&subject);
        match (fact, weight) {
            (Some(Fact::Fails { why }), None) => {
                return Standing::Fault { why: format!("{subject} {why}") };
            }
            (None, None) => unknown = unknown.or(Some(subject)),
            (Some(Fact::Works), Some(weight)) => sum += i32::from(weight.max(0)),
            // What is not known yet counts for nothing.
            (Some(Fact::Fails { .. }), Some(weight)) => sum += i32::from(weight.min(0)),
            (Some(Fact::Works), None) | (None, Some(_)) => {}
        }
    }
    match unknown {
        Some(subject) => Standing::Unknown { subject },
        None if priority == OWNER => Standing::Fit { priority },
        None => {
            let least_or_more = u8::try_from(sum.max(1)).unwrap_or(OWNER);
            Standing::Fit { priority: least_or_more.min(OWNER - 1) }
        }
    }
}

/// All that is followed, with its weight.
pub fn subjects(track: &Track) -> impl Iterator<Item = (Subject, Option<i16>)> {
    let each = |subject: fn(String) -> Subject| {
        move |tracked: &Tracked<String>| (subject(tracked.what.clone()), tracked.weight)
    };
    let files = track.files.iter().map(|it| (Subject::File(it.what.clone()), it.weight));
    let services = track.services.iter().map(|it| (Subject::Service(it.what), it.weight));
    let interfaces = track.interfaces.iter().map(each(Subject::Interface));
    let scripts = track.scripts.iter().map(each(Subject::Script));
    let processes = track.processes.iter().map(each(Subject::Process));
    interfaces.chain(scripts).chain(files).chain(processes).chain(services)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(name: &str, weight: Option<i16>) -> Tracked<String> {
        Tracked { what: name.to_owned(), weight }
    }

    fn track(scripts: &[(&str, Option<i16>)]) -> Track {
        let scripts = scripts.iter().map(|(name, weight)| script(name, *weight)).collect();
        Track { scripts, ..Track::default() }
    }

    fn facts(known: &[(&str, bool)]) -> Facts {
        let fact = |works: bool| {
            if works { Fact::Works } else { Fact::Fails { why: "fails".to_owned() } }
        };
        known.iter().map(|(name, works)| (Subject::Script((*name).into()), fact(*works))).collect()
    }

    fn priority(priority: u8, track: &Track, facts: &Facts) -> Standing {
        standing(priority, [track], facts)
    }

    #[test]
    fn weights_add_up_within_bounds() {
        let track = track(&[("a", Some(10)), ("b", Some(-30)), ("c", Some(-100))]);
        for (known, expected) in [
            (facts(&[]), 100),
            (facts(&[("a", true), ("b", true)]), 110),
            (facts(&[("a", false), ("b", false)]), 70),
            (facts(&[("b", false), ("c", false)]), 1),
        ] {
            assert_eq!(priority(100, &track, &known), Standing::Fit { priority: expected });
        }
        assert_eq!(priority(250, &track, &facts(&[("a", true)])), Standing::Fit { priority: 254 });
        assert_eq!(priority(255, &track, &facts(&[("b", false)])), Standing::Fit { priority: 255 });
    }

    #[test]
    fn without_a_weight_it_is_a_fault() {
        let track = track(&[("a", None), ("b", None)]);
        let fault = Standing::Fault { why: "script b fails".to_owned() };
        assert_eq!(priority(100, &track, &facts(&[("b", false)])), fault);
        let unknown = Standing::Unknown { subject: Subject::Script("a".to_owned()) };
        assert_eq!(priority(100, &track, &facts(&[("b", true)])), unknown);
        let fit = Standing::Fit { priority: 100 };
        assert_eq!(priority(100, &track, &facts(&[("a", true), ("b", true)])), fit);
    }

    #[test]
    fn a_group_counts_beside_its_member() {
        let (own, group) = (track(&[("a", Some(-5))]), track(&[("b", Some(-7))]));
        let both = facts(&[("a", false), ("b", false)]);
        assert_eq!(standing(100, [&own, &group], &both), Standing::Fit { priority: 88 });
    }
}
