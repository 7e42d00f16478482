//! Virtual routers, as they are shown. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::api::wire;
use crate::command::CommandError;
use crate::config::vrrp::Preempt;
use crate::instant::rfc3339;
use crate::vrrp::routers::Status;
use crate::vrrp::sm::Role;
use crate::vrrp::status::{AdvertCounts, Conflict, VrrpStatus};
use crate::vrrp::strangers::Stranger;

/// One moment by both clocks: the one that never jumps, and the one that people read.
#[derive(Clone, Copy, Debug)]
pub(in crate::daemon) struct Now {
    steady: Instant,
    calendar: SystemTime,
}

impl Now {
    /// This moment.
    pub(in crate::daemon) fn read() -> Self {
        Self { steady: Instant::now(), calendar: SystemTime::now() }
    }
}

/// All virtual routers.
pub(in crate::daemon) fn all(known: &[VrrpStatus], now: Now) -> wire::Vrrp {
    wire::Vrrp { instances: known.iter().map(|each| view(each, now)).collect() }
}

/// One with those of its group, or all where none is named.
///
/// # Errors
/// There is none of this name, or none at all.
pub(in crate::daemon) fn chosen(
    known: &[VrrpStatus],
    name: Option<&str>,
    now: Now,
) -> Result<wire::Vrrp, CommandError> {
    if known.is_empty() {
        let message = "no virtual router is defined: see \"vrrp\" in the definition file";
        return Err(CommandError::NotFound(message.to_owned()));
    }
    let Some(name) = name else { return Ok(all(known, now)) };
    let is_named = |each: &&VrrpStatus| each.router.instance.name == name;
    let Some(named) = known.iter().find(is_named) else {
        let names: Vec<_> = known.iter().map(|each| each.router.instance.name.as_str()).collect();
        let names = names.join(", ");
        let message = format!("there is no virtual router {name:?}: there are {names}");
        return Err(CommandError::NotFound(message));
    };
    let group = &named.router.group;
    let along =
        |each: &&VrrpStatus| is_named(each) || (group.is_some() && each.router.group == *group);
    let instances = known.iter().filter(along).map(|each| view(each, now)).collect();
    Ok(wire::Vrrp { instances })
}

fn view(status: &VrrpStatus, now: Now) -> wire::VrrpInstance {
    let VrrpStatus { router, adverts, transitions, strangers } = status;
    let instance = &router.instance;
    let age = now.steady.saturating_duration_since(router.since);
    // To the second: two clocks are read for it, a little differently each time.
    let since = now.calendar.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(age);
    let since = UNIX_EPOCH + Duration::from_secs(since.as_secs());
    let (master, master_priority) = master(router).unzip();
    let addresses = instance.all_addresses().map(|it| format!("{}/{}", it.address, it.prefix));
    wire::VrrpInstance {
        name: instance.name.clone(),
        interface: instance.interface.clone(),
        vrid: instance.vrid,
        version: instance.version.number(),
        group: router.group.clone(),
        state: router.role.into(),
        reason: router.why.clone(),
        since: rfc3339(since),
        age: age.as_secs(),
        priority: router.priority,
        defined_priority: instance.priority,
        advert_interval: instance.advert_interval.as_millis() as u64,
        preempt: instance.preempt != Preempt::Never,
        addresses: addresses.collect(),
        holds: router.holds,
        handed_over: router.handed_over,
        source: router.source,
        master,
        master_priority,
        adverts: view_adverts(adverts),
        transitions: transitions
            .counts()
            .map(|(to, count)| (to.name().to_owned(), count))
            .collect(),
        conflicts: strangers.last().iter().map(|each| conflict(each, now)).collect(),
    }
}

/// Who is master, and with what priority. What a master or one at fault heard last is of the past,
/// and one that has said that it leaves is no master any more.
fn master(router: &Status) -> Option<(IpAddr, u8)> {
    match router.role {
        Role::Master => router.source.map(|source| (source, router.priority)),
        Role::Backup => router.heard.filter(|(_, priority)| *priority > 0 && !router.holds),
        Role::Init | Role::Fault => None,
    }
}

fn view_adverts(counts: &AdvertCounts) -> wire::Adverts {
    let AdvertCounts { sent, received, rejected, covered, differing } = counts;
    let named = |counts: &BTreeMap<&'static str, u64>| {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    };
    wire::Adverts {
        sent: *sent,
        received: *received,
        differing: *differing,
        rejected: named(rejected),
        checksum: named(covered),
    }
}

fn conflict(stranger: &Stranger, now: Now) -> wire::AddressConflict {
    let Stranger { conflict: Conflict { address, mac, interface }, count, at } = stranger;
    wire::AddressConflict {
        address: *address,
        mac: super::mac(*mac),
        interface: interface.clone(),
        count: *count,
        age: now.steady.saturating_duration_since(*at).as_secs(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::VrrpState;
    use crate::vrrp::status::samples;

    fn now() -> Now {
        Now { steady: Instant::now(), calendar: UNIX_EPOCH + Duration::from_hours(24) }
    }

    fn ago(now: Now, wait: Duration) -> Instant {
        now.steady.checked_sub(wait).unwrap()
    }

    #[test]
    fn a_master_names_itself_and_says_since_when() {
        let now = now();
        let known = [samples::master("VI_1", ago(now, Duration::from_millis(90_001)))];
        let shown = all(&known, now).instances.remove(0);
        assert_eq!((shown.state, shown.holds), (VrrpState::Master, true));
        assert_eq!((shown.age, shown.since.as_str()), (90, "1970-01-01T23:58:29Z"));
        assert_eq!(shown.master.zip(shown.master_priority), Some(([192, 0, 2, 2].into(), 150)));
        assert_eq!((shown.advert_interval, shown.addresses), (100, vec!["192.0.2.10/32".into()]));
        assert_eq!(shown.adverts.rejected["checksum"], 2);
        assert_eq!(shown.transitions["master"], 1);
        let other = &shown.conflicts[0];
        assert_eq!((other.mac.as_str(), other.count, other.age), ("02:00:00:00:00:05", 3, 90));
    }

    #[test]
    fn what_is_of_the_past_is_no_master() {
        let now = now();
        let backup = samples::backup("VI_1", now.steady);
        let heard = |change: fn(&mut Status)| {
            let mut status = backup.clone();
            change(&mut status.router);
            all(&[status], now).instances[0].master
        };
        assert_eq!(heard(|_| {}), Some([192, 0, 2, 3].into()));
        assert_eq!(heard(|router| router.heard = Some(([192, 0, 2, 3].into(), 0))), None);
        assert_eq!(heard(|router| router.role = Role::Fault), None);
        assert_eq!(heard(|router| router.holds = true), None, "nobody has taken over yet");
    }

    #[test]
    fn one_is_chosen_with_its_group_and_an_unknown_one_is_not_there() {
        let now = now();
        let known = [
            samples::master("VI_1", now.steady),
            samples::backup("VI_2", now.steady),
            samples::master("VI_3", now.steady),
        ];
        let names = |name: Option<&str>| -> Vec<String> {
            let chosen = chosen(&known, name, now).unwrap();
            chosen.instances.into_iter().map(|instance| instance.name).collect()
        };
        assert_eq!(names(None), ["VI_1", "VI_2", "VI_3"]);
        assert_eq!(names(Some("VI_2")), ["VI_2"], "it has no group");
        assert_eq!(names(Some("VI_3")), ["VI_1", "VI_3"]);
        let Err(CommandError::NotFound(message)) = chosen(&known, Some("VI_9"), now) else {
            panic!("there is none")
        };
        assert_eq!(message, "there is no virtual router \"VI_9\": there are VI_1, VI_2, VI_3");
        assert!(matches!(chosen(&[], None, now), Err(CommandError::NotFound(_))));
    }
}
