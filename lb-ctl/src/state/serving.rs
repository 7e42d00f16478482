//! Who takes the new connections of a service. Pure.

use std::net::IpAddr;

use super::State;
use crate::config::model::{AllDown, Endpoint};
use crate::event::EventKind;

/// Who takes the new connections of a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Serving {
    /// One of its reals at least.
    Reals,
    /// Its sorry server.
    Sorry(IpAddr),
    /// Nobody: packets are dropped, or given to the director's own stack.
    Nobody(AllDown),
}

impl Serving {
    /// What there is to tell of a service after what was so `before`.
    pub fn news(self, before: Option<Self>) -> Option<(EventKind, String)> {
        let is_new = before != Some(self);
        match self {
            Self::Sorry(sorry) if is_new => {
                Some((EventKind::SorryOn, format!("{sorry} takes new connections")))
            }
            Self::Reals if matches!(before, Some(Self::Sorry(_))) => {
                Some((EventKind::SorryOff, String::new()))
            }
            Self::Nobody(_) if matches!(before, Some(Self::Nobody(_))) => None,
            Self::Nobody(AllDown::Drop) => {
                Some((EventKind::AllDown, "packets are dropped".to_owned()))
            }
            Self::Nobody(AllDown::Pass) => {
                let message = "packets go to the director's own stack".to_owned();
                Some((EventKind::AllDown, message))
            }
            Self::Sorry(_) | Self::Reals => None,
        }
    }
}

impl State {
    /// Who takes the new connections of a service, as far as that is decided: where nobody does,
    /// while reals are not known yet, it is not.
    pub fn serving(&self, endpoint: &Endpoint) -> Option<Serving> {
        let service = self.desired.services.get(endpoint)?;
        let target = self.service(service);
        let mut takers = target.reals.iter().filter(|real| real.weight > 0 && real.way.is_some());
        if takers.clone().any(|real| !real.sorry) {
            return Some(Serving::Reals);
        }
        if let Some(sorry) = takers.next() {
            return Some(Serving::Sorry(sorry.address));
        }
        (!self.is_open(service)).then_some(Serving::Nobody(service.all_down))
    }
}

#[cfg(test)]
mod tests {
    use lb_common::key::Protocol;

    use super::*;
    use crate::config::model::{Real, Service};
    use crate::neigh::table::{Resolution, Why};

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn endpoint() -> Endpoint {
        Endpoint { protocol: Protocol::Tcp, address: address(10), port: 80.into() }
    }

    fn state(sorry_server: Option<IpAddr>) -> State {
        let mut service = Service { sorry_server, ..Service::new(endpoint()) };
        service.reals.insert(address(21), Real::new(1));
        let mut state = State::default();
        state.desired.services.insert(endpoint(), service);
        state
    }

    #[test]
    fn it_is_decided_when_the_ways_are_known() {
        let mut state = state(Some(address(99)));
        let serving = |state: &State| state.serving(&endpoint());
        assert_eq!(serving(&state), None);
        let interface = "eth0".to_owned();
        state.resolve(address(21), Resolution::Unresolved(Why::Resolving { interface }));
        assert_eq!(serving(&state), None);
        state.resolve(address(21), Resolution::Unresolved(Why::NoRoute));
        assert_eq!(serving(&state), Some(Serving::Nobody(AllDown::Drop)));
        state.resolve(address(99), Resolution::Local);
        assert_eq!(serving(&state), Some(Serving::Sorry(address(99))));
        state.resolve(address(21), Resolution::Local);
        assert_eq!(serving(&state), Some(Serving::Reals));
    }

    #[test]
    fn only_what_is_new_is_told() {
        let [reals, sorry, nobody] =
            [Serving::Reals, Serving::Sorry(address(99)), Serving::Nobody(AllDown::Drop)];
        let kind = |before, now: Serving| now.news(before).map(|(kind, _)| kind);
        for (before, now, expected) in [
            (None, reals, None),
            (None, sorry, Some(EventKind::SorryOn)),
            (None, nobody, Some(EventKind::AllDown)),
            (Some(reals), sorry, Some(EventKind::SorryOn)),
            (Some(sorry), sorry, None),
            (Some(sorry), Serving::Sorry(address(98)), Some(EventKind::SorryOn)),
            (Some(sorry), reals, Some(EventKind::SorryOff)),
            (Some(sorry), nobody, Some(EventKind::AllDown)),
            (Some(nobody), nobody, None),
            (Some(nobody), Serving::Nobody(AllDown::Pass), None),
            (Some(nobody), reals, None),
            (Some(nobody), sorry, Some(EventKind::SorryOn)),
        ] {
            assert_eq!(kind(before, now), expected, "{before:?} -> {now:?}");
        }
    }
}
