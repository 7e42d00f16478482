//! The properties of one service, and how those of two differ.

use std::collections::HashSet;

use ipnet::IpNet;

use super::{Field, Properties};
use crate::config::duration::written;
use crate::config::file::Check;
use crate::config::hook::HookCommand;
use crate::config::model::Service;

/// What a service that comes or goes is like.
pub(super) fn properties(service: &Service) -> Properties {
    let usual = Service::new(service.endpoint);
    let word = |given: &str, usual: &str| (given != usual).then(|| given.to_owned());
    let time = |given: u32, usual: u32| (given != usual).then_some(given);
    let (times, usual_times) = (service.timeouts, usual.timeouts);
    Properties {
        name: service.name.clone(),
        scheduler: Some(service.scheduler.name().to_owned()),
        hash: word(service.hash.name(), usual.hash.name()),
        persistence: service.persistence,
        tracking: word(service.tracking.name(), service.default_tracking().name()),
        idle_timeout: time(service.idle_timeout, usual.idle_timeout),
        syn_timeout: time(times.syn, usual_times.syn),
        fin_timeout: time(times.fin, usual_times.fin),
        closed_timeout: time(times.closed, usual_times.closed),
        expire_nodest: (service.expire_nodest != usual.expire_nodest)
            .then_some(service.expire_nodest),
        all_down: word(service.all_down.name(), usual.all_down.name()),
        allow: texts(&service.sources.allow),
        deny: texts(&service.sources.deny),
        sorry_server: service.sorry_server,
        ..health(service)
    }
}

/// The same of its check and of what follows.
fn health(service: &Service) -> Properties {
    let usual = Service::new(service.endpoint);
    let hooks = &service.hooks;
    Properties {
        check: check(service),
        inhibit_on_failure: service.inhibit_on_failure.then_some(true),
        quorum: (service.quorum != usual.quorum).then_some(service.quorum),
        hysteresis: (service.hysteresis != usual.hysteresis).then_some(service.hysteresis),
        slow_start: (service.slow_start != usual.slow_start).then(|| written(service.slow_start)),
        notify_up: command(hooks.up.as_ref()),
        notify_down: command(hooks.down.as_ref()),
        quorum_up: command(hooks.quorum_up.as_ref()),
        quorum_down: command(hooks.quorum_down.as_ref()),
        ..Properties::default()
    }
}

fn check(service: &Service) -> Option<Box<Check>> {
    service.check.as_ref().map(|check| Box::new(check.into()))
}

fn command(command: Option<&HookCommand>) -> Option<String> {
    command.map(ToString::to_string)
}

/// What differs between two services of one endpoint, but for their reals.
pub(super) fn fields(old: &Service, new: &Service) -> Vec<Field> {
    let word = |word: &str| word.to_owned();
    macro_rules! differing {
        ($($field:ident: $value:expr;)+) => {
            [$({
                let value = $value;
                let (from, to) = (value(old), value(new));
                (from != to).then_some(Field::$field { from, to })
            }),+]
        };
    }
    let plain = differing! {
        Name: |service: &Service| service.name.clone();
        Scheduler: |service: &Service| word(service.scheduler.name());
        Hash: |service: &Service| word(service.hash.name());
        Persistence: |service: &Service| service.persistence;
        Tracking: |service: &Service| word(service.tracking.name());
        IdleTimeout: |service: &Service| service.idle_timeout;
        SynTimeout: |service: &Service| service.timeouts.syn;
        FinTimeout: |service: &Service| service.timeouts.fin;
        ClosedTimeout: |service: &Service| service.timeouts.closed;
        ExpireNodest: |service: &Service| service.expire_nodest;
        AllDown: |service: &Service| word(service.all_down.name());
        SorryServer: |service: &Service| service.sorry_server;
        Check: check;
        InhibitOnFailure: |service: &Service| service.inhibit_on_failure;
        Quorum: |service: &Service| service.quorum;
        Hysteresis: |service: &Service| service.hysteresis;
        SlowStart: |service: &Service| written(service.slow_start);
        NotifyUp: |service: &Service| command(service.hooks.up.as_ref());
        NotifyDown: |service: &Service| command(service.hooks.down.as_ref());
        QuorumUp: |service: &Service| command(service.hooks.quorum_up.as_ref());
        QuorumDown: |service: &Service| command(service.hooks.quorum_down.as_ref());
    };
    let allow = moved(&old.sources.allow, &new.sources.allow);
    let deny = moved(&old.sources.deny, &new.sources.deny);
    let lists = [
        allow.map(|(added, removed)| Field::Allow { added, removed }),
        deny.map(|(added, removed)| Field::Deny { added, removed }),
    ];
    plain.into_iter().chain(lists).flatten().collect()
}

/// Prefixes that are only in the second list and those that are only in the first; `None` where
/// there are no such. Their order is no difference.
fn moved(old: &[IpNet], new: &[IpNet]) -> Option<(Vec<String>, Vec<String>)> {
    let only_in = |list: &[IpNet], other: &[IpNet]| {
        let other: HashSet<&IpNet> = other.iter().collect();
        list.iter().filter(|prefix| !other.contains(prefix)).map(ToString::to_string).collect()
    };
    let both: (Vec<String>, Vec<String>) = (only_in(new, old), only_in(old, new));
    (both != (Vec::new(), Vec::new())).then_some(both)
}

fn texts(prefixes: &[IpNet]) -> Vec<String> {
    prefixes.iter().map(ToString::to_string).collect()
}
