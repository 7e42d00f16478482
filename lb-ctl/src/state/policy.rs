//! How a service treats its clients and connections, as the packet path is to see it. Pure.

use lb_common::details::Picking;
use lb_common::timeout::Timeouts;
use lb_common::value::ticks_from_secs;
use lb_common::wide::source;

use crate::config::model::{AllDown, Hash, Scheduler, Service, Sources};
use crate::reconcile::target::{Persistence, Scheduling, SourceLists, TargetService};

/// A service but for its reals.
pub(super) fn policy(service: &Service) -> TargetService {
    let idle = ticks_from_secs(service.idle_timeout);
    let timeouts = service.timeouts;
    let capped = |seconds| ticks_from_secs(seconds).min(idle);
    let persistence = service.persistence.map(|persistence| Persistence {
        timeout: ticks_from_secs(persistence.timeout),
        prefix: persistence.prefix,
    });
    TargetService {
        scheduling: scheduling(service.scheduler, service.hash),
        timeouts: Timeouts {
            syn: capped(timeouts.syn),
            idle,
            fin: capped(timeouts.fin),
            closed: capped(timeouts.closed),
        },
        persistence,
        keep_dead: !service.expire_nodest,
        pass_when_down: service.all_down == AllDown::Pass,
        sources: source_lists(&service.sources),
        ..TargetService::new(service.endpoint, service.tracking, idle)
    }
}

fn scheduling(scheduler: Scheduler, hash: Hash) -> Scheduling {
    let picking = match scheduler {
        Scheduler::Mh | Scheduler::Sh => Picking::Hash,
        Scheduler::Rr | Scheduler::Wrr => Picking::Turns,
        Scheduler::Lc => Picking::Least,
        Scheduler::Wlc => Picking::LeastWeighted,
        Scheduler::Sed => Picking::ShortestDelay,
        Scheduler::Nq => Picking::NeverQueue,
    };
    Scheduling {
        picking,
        equal_weights: scheduler == Scheduler::Rr,
        hash_source: scheduler == Scheduler::Sh || hash == Hash::Source,
    }
}

fn source_lists(sources: &Sources) -> SourceLists {
    let allowed = sources.allow.iter().map(|prefix| (*prefix, source::ALLOW));
    let denied = sources.deny.iter().map(|prefix| (*prefix, source::DENY));
    SourceLists {
        prefixes: allowed.chain(denied).collect(),
        deny_others: !sources.allow.is_empty(),
    }
}
