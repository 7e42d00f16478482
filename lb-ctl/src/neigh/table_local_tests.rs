//! Reals that are the director itself.

use super::*;

const fn local() -> Route {
    Route { ifindex: 1, gateway: None, local: true }
}

#[test]
fn a_real_with_an_address_of_the_directors_is_local_while_it_has_it() {
    let mut table = resolved_table();
    assert_eq!(table.set_route(ip(RIP), Some(local())), [ip(RIP)]);
    assert_eq!(table.resolution(ip(RIP)), Resolution::Local);
    assert_eq!(table.asking_on(ip(RIP)), None);
    assert_eq!(table.resolution(ip(RIP6)), over_eth0(REAL));
    assert_eq!(table.set_route(ip(RIP), Some(direct(2))), [ip(RIP)]);
    assert_eq!(table.resolution(ip(RIP)), over_eth0(REAL));
}

#[test]
fn a_vip_that_the_director_holds_makes_no_local_real() {
    let vip = Resolution::Unresolved(Why::Vip);
    let mut table = resolved_table();
    assert_eq!(table.set_vip(2, ip(RIP), true), NONE);
    assert_eq!(table.resolution(ip(RIP)), over_eth0(REAL), "the route counts");
    assert_eq!(table.set_route(ip(RIP), Some(local())), [ip(RIP)]);
    assert_eq!(table.resolution(ip(RIP)), vip);
    assert_eq!(table.set_vip(3, ip(RIP), false), NONE, "of another interface");
    assert_eq!(table.set_vip(2, ip(RIP), false), [ip(RIP)]);
    assert_eq!(table.resolution(ip(RIP)), Resolution::Local);
    assert_eq!(table.replace_vips([(3, ip(RIP))].into()), [ip(RIP)]);
    assert_eq!(table.resolution(ip(RIP)), vip);
}
