//! The way to the reals, as the driver tells it.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use lb_common::vlan::Tags;
use lb_ctl::neigh::{Hop, LinkChange, NeighbourDriver, NeighbourHandle, NetEvent, Resolution, Why};
use lb_ctl::netlink::{Netlink, Notice, Notices};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::bed::{Bed, DIRECTOR_MAC, Family, OTHER_MAC, PATIENCE, REAL_MAC, families, text};

/// How soon a change on the wire must have become an event.
const SOON: Duration = Duration::from_secs(1);

/// The driver at work in the namespace of the calling thread, and all it has told.
struct Watching {
    handle: NeighbourHandle,
    events: mpsc::Receiver<NetEvent>,
    told: HashMap<IpAddr, Resolution>,
}

impl Watching {
    fn start() -> Self {
        let (netlink, notices) = Netlink::connect().unwrap();
        let (sender, events) = mpsc::channel(64);
        let handle = NeighbourDriver::start(netlink, notices, sender);
        Self { handle, events, told: HashMap::new() }
    }

    async fn watch(&mut self, rips: &[IpAddr]) -> HashMap<IpAddr, Resolution> {
        let all = rips.iter().copied().collect();
        let reply = self.handle.watch(all, BTreeSet::new()).await.unwrap();
        assert_eq!(reply.keys().copied().collect::<BTreeSet<_>>(), rips.iter().copied().collect());
        self.told.extend(reply.clone());
        reply
    }

    async fn event(&mut self, within: Duration) -> NetEvent {
        let event = timeout(within, self.events.recv()).await;
        let event = event.unwrap_or_else(|_| panic!("no event; told so far: {:#?}", self.told));
        let event = event.expect("the driver runs");
        if let NetEvent::Resolutions(news) = &event {
            self.told.extend(news.iter().cloned());
        }
        event
    }

    /// Takes events until a real is reached so.
    async fn until(&mut self, rip: IpAddr, expected: &Resolution, within: Duration) {
        let deadline = Instant::now() + within;
        while self.told.get(&rip) != Some(expected) {
            self.event(deadline.saturating_duration_since(Instant::now())).await;
        }
    }

    /// Takes events until this one.
    async fn until_event(&mut self, expected: &NetEvent) {
        while self.event(PATIENCE).await != *expected {}
    }
}

fn hop(bed: &Bed, mac: [u8; 6]) -> Resolution {
    let ifindex = bed.director.index("d0");
    let source = DIRECTOR_MAC;
    Resolution::Resolved(Hop { ifindex, interface: d0(), vlans: Tags::NONE, mac, source })
}

fn unresolved(why: Why) -> Resolution {
    Resolution::Unresolved(why)
}

fn d0() -> String {
    "d0".to_owned()
}

/// Runs a scenario in the director's namespace, for IPv4 and for IPv6.
fn scenario(run: impl AsyncFn(&Bed, Family, Watching) + Sync) {
    for family in families() {
        let bed = Bed::new();
        for parameter in ["retrans_time_ms=100", "mcast_solicit=2", "ucast_solicit=2"] {
            let (name, value) = parameter.split_once('=').unwrap();
            for version in ["ipv4", "ipv6"] {
                bed.director.set(&format!("{version}/neigh/d0/{name}"), value);
            }
        }
        bed.director.block_on(async || run(&bed, family, Watching::start()).await);
    }
}

#[test]
fn a_real_is_resolved_kept_fresh_and_let_go() {
    scenario(async |bed, Family { real, .. }, mut watching| {
        let mut notices = Notices::open().unwrap();
        assert_eq!(
            watching.watch(&[real]).await[&real],
            unresolved(Why::Resolving { interface: d0() })
        );
        watching.until(real, &hop(bed, REAL_MAC), PATIENCE).await;
        let entry = bed.director.ip(&format!("-d neigh show {real}"));
        assert!(entry.contains("managed"), "{entry}");
        assert_eq!(watching.watch(&[real]).await[&real], hop(bed, REAL_MAC));

        watching.watch(&[]).await;
        let mut entry = entry;
        while entry.contains("managed") {
            timeout(PATIENCE, notices.next()).await.unwrap().unwrap();
            entry = bed.director.ip(&format!("-d neigh show {real}"));
        }
        assert!(entry.contains(&text(REAL_MAC)), "{entry}");
    });
}

#[test]
fn a_new_mac_is_followed_within_a_second() {
    scenario(async |bed, Family { real, .. }, mut watching| {
        bed.real.set("ipv4/conf/r0/arp_notify", "1");
        bed.real.set("ipv6/conf/r0/ndisc_notify", "1");
        watching.watch(&[real]).await;
        watching.until(real, &hop(bed, REAL_MAC), PATIENCE).await;
        for mac in [OTHER_MAC, REAL_MAC] {
            bed.real.ip(&format!("link set r0 address {}", text(mac)));
            watching.until(real, &hop(bed, mac), SOON).await;
        }
    });
}

#[test]
fn nobody_answers_and_then_somebody_does() {
    scenario(async |bed, Family { nobody, .. }, mut watching| {
        watching.watch(&[nobody]).await;
        let failed = unresolved(Why::NoAnswer { address: nobody, interface: d0() });
        watching.until(nobody, &failed, PATIENCE).await;
        let prefix = if nobody.is_ipv4() { 24 } else { 64 };
        bed.real.ip(&format!("addr add {nobody}/{prefix} dev r0 nodad"));
        watching.until(nobody, &hop(bed, REAL_MAC), PATIENCE).await;
    });
}

#[test]
fn routes_are_followed() {
    scenario(async |bed, family, mut watching| {
        let Family { real, beyond, director, .. } = family;
        let reply = watching.watch(&[beyond, director]).await;
        assert_eq!(reply[&beyond], unresolved(Why::NoRoute));
        assert_eq!(reply[&director], Resolution::Local);
        bed.director.ip(&format!("route add {beyond} via {real}"));
        watching.until(beyond, &unresolved(Why::Routed { gateway: real }), SOON).await;
        bed.director.ip(&format!("route del {beyond}"));
        watching.until(beyond, &unresolved(Why::NoRoute), SOON).await;
        bed.director.ip(&format!("route add {beyond} dev d0"));
        let failed = unresolved(Why::NoAnswer { address: beyond, interface: d0() });
        watching.until(beyond, &failed, PATIENCE).await;
        bed.director.ip(&format!("route add unreachable {beyond} metric 1"));
        bed.director.ip(&format!("route del {beyond} dev d0"));
        watching.until(beyond, &unresolved(Why::NoRoute), SOON).await;
    });
}

#[test]
fn links_are_followed() {
    scenario(async |bed, Family { real, .. }, mut watching| {
        let index = bed.director.index("d0");
        let link = |present, up| {
            let (name, mac) = (d0(), Some(DIRECTOR_MAC));
            let (master, below) = (None, None);
            NetEvent::Link(LinkChange { index, name, present, up, mac, master, below })
        };
        watching.until_event(&link(true, true)).await;
        watching.watch(&[real]).await;
        watching.until(real, &hop(bed, REAL_MAC), PATIENCE).await;

        bed.real.ip("link set r0 down");
        watching.until_event(&link(true, false)).await;
        watching.until(real, &unresolved(Why::LinkDown { interface: d0() }), SOON).await;
        bed.real.ip("link set r0 up");
        watching.until_event(&link(true, true)).await;
        watching.until(real, &hop(bed, REAL_MAC), PATIENCE).await;

        bed.director.ip("link del d0");
        watching.until_event(&link(false, false)).await;
        watching.until(real, &unresolved(Why::NoRoute), SOON).await;
    });
}

#[test]
fn the_directors_own_mac_is_followed() {
    scenario(async |bed, Family { real, .. }, mut watching| {
        watching.watch(&[real]).await;
        watching.until(real, &hop(bed, REAL_MAC), PATIENCE).await;
        bed.director.ip(&format!("link set d0 address {}", text(OTHER_MAC)));
        let ifindex = bed.director.index("d0");
        let source = OTHER_MAC;
        let hop = Hop { ifindex, interface: d0(), vlans: Tags::NONE, mac: REAL_MAC, source };
        // The kernel forgets all neighbours of the interface, and they are asked for anew.
        watching.until(real, &Resolution::Resolved(hop), PATIENCE).await;
    });
}

#[test]
fn a_real_is_local_while_the_director_has_its_address_but_not_as_a_vip() {
    scenario(async |bed, Family { nobody, vip, .. }, mut watching| {
        let failed = unresolved(Why::NoAnswer { address: nobody, interface: d0() });
        watching.watch(&[nobody, vip]).await;
        let prefix = if nobody.is_ipv4() { 24 } else { 64 };
        bed.director.ip(&format!("addr add {nobody}/{prefix} dev d0"));
        watching.until(nobody, &Resolution::Local, SOON).await;
        bed.director.ip(&format!("addr del {nobody}/{prefix} dev d0"));
        watching.until(nobody, &failed, PATIENCE).await;

        let netlink = Netlink::open().unwrap();
        netlink.add_vip(bed.director.index("d0"), vip).await.unwrap();
        watching.until(vip, &unresolved(Why::Vip), SOON).await;
    });
}

#[test]
fn addresses_that_come_and_go_are_told() {
    scenario(async |bed, Family { vip, director, .. }, mut watching| {
        let ifindex = bed.director.index("d0");
        watching.until_event(&NetEvent::AddressAdded { ifindex, address: director }).await;
        let prefix = if vip.is_ipv4() { 32 } else { 128 };
        bed.director.ip(&format!("addr add {vip}/{prefix} dev d0"));
        watching.until_event(&NetEvent::AddressAdded { ifindex, address: vip }).await;
        bed.director.ip(&format!("addr del {vip}/{prefix} dev d0"));
        watching.until_event(&NetEvent::AddressRemoved { ifindex, address: vip }).await;
    });
}

#[test]
fn an_entry_made_by_hand_is_left_as_it_is() {
    scenario(async |bed, Family { nobody, .. }, mut watching| {
        let ifindex = bed.director.index("d0");
        let lladdr = text(OTHER_MAC);
        bed.director.ip(&format!("neigh add {nobody} lladdr {lladdr} nud permanent dev d0"));
        assert_eq!(watching.watch(&[nobody]).await[&nobody], hop(bed, OTHER_MAC));
        let netlink = Netlink::open().unwrap();
        netlink.resolve(ifindex, nobody).await.unwrap();
        netlink.release(ifindex, nobody).await.unwrap();
        let entry = bed.director.ip(&format!("-d neigh show {nobody}"));
        assert!(entry.contains("PERMANENT") && !entry.contains("managed"), "{entry}");
    });
}

#[test]
fn a_reachable_entry_stays_so_when_asked_for() {
    scenario(async |bed, Family { nobody, .. }, _| {
        let ifindex = bed.director.index("d0");
        let lladdr = text(OTHER_MAC);
        bed.director
            .ip(&format!("neigh add {nobody} lladdr {lladdr} nud reachable dev d0 extern_learn"));
        let netlink = Netlink::open().unwrap();
        netlink.resolve(ifindex, nobody).await.unwrap();
        let entry = bed.director.ip(&format!("-d neigh show {nobody}"));
        for word in ["REACHABLE", "managed", "extern_learn", &lladdr] {
            assert!(entry.contains(word), "{word}: {entry}");
        }
        netlink.release(ifindex, nobody).await.unwrap();
        let entry = bed.director.ip(&format!("-d neigh show {nobody}"));
        assert!(entry.contains(&lladdr) && !entry.contains("managed"), "{entry}");
        netlink.release(ifindex, "192.0.2.77".parse().unwrap()).await.unwrap();
    });
}

#[test]
fn what_notices_were_lost_on_is_read_again() {
    scenario(async |bed, Family { nobody, .. }, mut watching| {
        let entry =
            |mac| format!("neigh replace {nobody} lladdr {} nud permanent dev d0", text(mac));
        bed.director.ip(&entry(REAL_MAC));
        watching.watch(&[nobody]).await;
        let mut notices = Notices::open().unwrap();
        // This thread runs the subscriptions, and it stands still while the batch is at work.
        let flips = (0..30_000u16).map(|n| if n % 2 == 0 { REAL_MAC } else { DIRECTOR_MAC });
        bed.director.ip_batch(flips.chain([OTHER_MAC]).map(entry));
        watching.until(nobody, &hop(bed, OTHER_MAC), PATIENCE).await;
        while timeout(PATIENCE, notices.next()).await.unwrap() != Some(Notice::Overrun) {}
    });
}
