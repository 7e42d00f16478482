use lb_common::key::Protocol;
use lb_common::vlan::Tags;

use super::*;

#[test]
fn only_a_resolved_real_has_a_hop_and_only_an_undrained_one_a_weight() {
    let endpoint = Endpoint {
        protocol: Protocol::Udp,
        address: "192.0.2.10".parse().unwrap(),
        port: 53.into(),
    };
    let [up, silent, unknown]: [IpAddr; 3] =
        ["192.0.2.21", "192.0.2.22", "192.0.2.23"].map(|a| a.parse().unwrap());
    let mut service = Service::new(endpoint);
    service.reals.insert(up, Real { drained: true, ..Real::new(3) });
    service.reals.insert(silent, Real::new(2));
    service.reals.insert(unknown, Real::new(1));
    let mut state = State::default();
    state.desired.services.insert(endpoint, service);
    let hop = Hop {
        ifindex: 4,
        interface: "eth0".into(),
        vlans: Tags::NONE,
        mac: [2; 6],
        source: [4; 6],
    };
    state.resolve(up, Resolution::Resolved(hop));
    state.resolve(silent, Resolution::Unresolved(Why::NoRoute));

    let target = state.target();
    let next = NextHop { ifindex: 4, mac: [2; 6], source: [4; 6], tags: Tags::NONE };
    assert_eq!(
        target.services[0].reals,
        [
            TargetReal {
                address: up,
                weight: 0,
                way: Some(Way::Hop(next)),
                sorry: false,
                down: false
            },
            TargetReal { address: silent, weight: 2, way: None, sorry: false, down: false },
            TargetReal { address: unknown, weight: 1, way: None, sorry: false, down: false },
        ]
    );

    state.resolve(up, Resolution::Local);
    assert_eq!((state.hop(up), state.is_local(up), state.is_reached(up)), (None, true, true));
    assert!(!state.is_local(silent) && !state.is_reached(silent));

    assert_eq!(vips(&state.desired), BTreeSet::from([endpoint.address]));
    assert_eq!(rips(&state.desired), BTreeSet::from([up, silent, unknown]));
}

#[test]
fn a_real_that_is_asked_for_again_keeps_its_last_hop_until_nobody_answers() {
    let address: IpAddr = "192.0.2.21".parse().unwrap();
    let interface = || "eth0".to_owned();
    let resolving = || Resolution::Unresolved(Why::Resolving { interface: interface() });
    let hop =
        Hop { ifindex: 4, interface: interface(), vlans: Tags::NONE, mac: [2; 6], source: [4; 6] };
    let next = next_hop(&hop);
    let mut state = State::default();

    state.resolve(address, resolving());
    assert_eq!(state.hop(address), None, "it was never known");
    state.resolve(address, Resolution::Resolved(hop));
    state.resolve(address, resolving());
    assert_eq!(state.hop(address), Some(next));
    state.resolve(
        address,
        Resolution::Unresolved(Why::NoAnswer { address, interface: interface() }),
    );
    assert_eq!(state.hop(address), None);
    state.resolve(address, resolving());
    assert_eq!(state.hop(address), None, "it did not answer");
}

#[test]
fn a_hop_is_inherited_and_forgotten_with_its_real() {
    let address: IpAddr = "2001:db8::21".parse().unwrap();
    let next = NextHop { ifindex: 4, mac: [2; 6], source: [4; 6], tags: Tags::NONE };
    let resolving = Resolution::Unresolved(Why::Resolving { interface: "eth0".into() });
    let mut state = State::default();
    state.inherit_hop(address, next);
    state.resolve_all(HashMap::from([(address, resolving.clone())]));
    assert_eq!(state.hop(address), Some(next));
    state.resolve_all(HashMap::new());
    state.resolve_all(HashMap::from([(address, resolving)]));
    assert_eq!(state.hop(address), None);
}
