//! Whether the packet path is right about the connections of each real. It counts those that begin
//! and change, and cannot see those that expire. Pure.

use std::collections::HashMap;

use lb_common::details::Picking;
use lb_common::value::{Load, RealId, Ticks, connection_state};

use super::actual::Actual;
use crate::dataplane::{Correction, Tracked};

/// The reals whose connections schedulers ask for, with their generations.
#[derive(Clone, Debug, Default)]
pub struct Audited(HashMap<RealId, u32>);

impl Audited {
    /// Those of `actual`.
    pub fn of(actual: &Actual) -> Self {
        let counts = |service| {
            actual.details(service).is_some_and(|details| details.picking().counts_load())
        };
        let reals = actual.reals_in_use().filter(|(_, real)| counts(real.service));
        Self(reals.map(|(id, real)| (id, real.generation)).collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What must be added to what was believed just before and just after these connections were
    /// read. Meanwhile connections have begun and ended: what lies between the two may be right, and
    /// is left alone. Else each walk would count a second time what began while it was under way.
    pub fn corrections(
        &self,
        (before, after): (&[Load], &[Load]),
        connections: &[Tracked],
    ) -> Vec<Correction> {
        let mut counted: HashMap<RealId, Load> = HashMap::new();
        for each in connections.iter().filter(|each| !each.is_template()) {
            if self.0.get(&each.real) == Some(&each.generation) {
                let load = counted.entry(each.real).or_default();
                let active = connection_state::is_active(each.state);
                *(if active { &mut load.active } else { &mut load.inactive }) += 1;
            }
        }
        let off = self.0.keys().filter_map(|real| {
            let there = counted.get(real).copied().unwrap_or_default();
            let (before, after) = (before.get(*real as usize)?, after.get(*real as usize)?);
            let active = outside(there.active, before.active, after.active);
            let inactive = outside(there.inactive, before.inactive, after.inactive);
            (active != 0 || inactive != 0).then_some(Correction { real: *real, active, inactive })
        });
        off.collect()
    }
}

/// How far a number is from what lies between two others. What was believed may have gone below
/// zero, all around the circle.
fn outside(there: u64, before: u64, after: u64) -> i64 {
    let [there, before, after] = [there, before, after].map(u64::cast_signed);
    there - there.clamp(before.min(after), before.max(after))
}

/// How long at most until the connection table is to be looked through again, though all rings are
/// at rest; `None` where that is not needed. What expires is no load any more; and the templates of
/// clients that have connections are kept, which must be done before they expire.
pub fn walk_within(actual: &Actual) -> Option<Ticks> {
    let services = actual.services().values().filter_map(|s| actual.details(s.id));
    let within = services.filter_map(|details| match (details.persistence, details.picking()) {
        (0, Picking::Hash) => None,
        (0, _) => Some(Ticks::MAX),
        (persistence, _) => Some(persistence / 2),
    });
    within.min()
}

#[cfg(test)]
mod tests {
    use lb_common::key::Protocol;

    use super::*;
    use crate::config::model::Endpoint;

    fn connection(real: RealId, generation: u32, state: u32) -> Tracked {
        let address = "192.0.2.10".parse().unwrap();
        Tracked {
            protocol: Protocol::Tcp,
            client: (address, 1),
            vip: (address, 80),
            endpoint: Endpoint { protocol: Protocol::Tcp, address, port: 80.into() },
            hash: 0,
            real,
            generation,
            state,
            seen: 0,
            left: 1,
        }
    }

    #[test]
    fn what_is_believed_becomes_what_is_there() {
        let audited = Audited(HashMap::from([(1, 7), (2, 7)]));
        let connections = [
            connection(1, 7, connection_state::ESTABLISHED),
            connection(1, 7, connection_state::FIN_WAIT),
            connection(1, 6, connection_state::ESTABLISHED),
            connection(1, 7, connection_state::TEMPLATE),
            connection(3, 7, connection_state::ESTABLISHED),
        ];
        let believed = [
            Load::default(),
            Load { active: 3, inactive: 1 },
            Load { active: 0, inactive: 0_u64.wrapping_sub(2) },
        ];
        let mut found = audited.corrections((&believed, &believed), &connections);
        found.sort_by_key(|correction| correction.real);
        let expected = [
            Correction { real: 1, active: -2, inactive: 0 },
            Correction { real: 2, active: 0, inactive: 2 },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_begins_or_ends_during_a_walk_is_not_counted_twice() {
        let audited = Audited(HashMap::from([(0, 7)]));
        let connections = [connection(0, 7, connection_state::ESTABLISHED); 5];
        let correction = |before, after| {
            let load = |active| [Load { active, inactive: 0 }];
            let found = audited.corrections((&load(before), &load(after)), &connections);
            found.first().map_or(0, |correction| correction.active)
        };
        assert_eq!([correction(3, 6), correction(6, 3), correction(5, 5)], [0, 0, 0]);
        assert_eq!(correction(8, 9), -3, "three have expired");
        assert_eq!(correction(1, 3), 2, "and two were never counted");
        assert_eq!(correction(0_u64.wrapping_sub(1), 2), 3);
    }
}
