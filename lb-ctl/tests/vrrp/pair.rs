//! Two directors of which one is master, and who has the addresses that move.

use std::net::IpAddr;
use std::path::Path;

use bench::lab::{Director, DirectorBuilder, Host, Lab, LabError, wait_until};
use serde_json::{Value, json};

use crate::control::{LB_CTL, SOON, has};

/// The virtual router that every test has.
pub(crate) const INSTANCE: &str = "VI_1";
/// Its address.
pub(crate) const VIP: &str = "192.0.2.10";

/// Priority of the one that is to be master.
pub(crate) const HIGH: u8 = 150;
/// Priority of the other one.
pub(crate) const LOW: u8 = 100;

/// A client and two directors.
pub(crate) fn lab(reals: u8) -> Lab {
    Lab::builder().reals(reals).second_director().build().unwrap()
}

/// The second director.
pub(crate) fn second(lab: &Lab) -> &Host {
    lab.second_director.as_ref().unwrap()
}

/// A virtual router with adverts each 100 ms, and with these keys besides or instead.
pub(crate) fn instance(keys: &Value) -> Value {
    let mut instance = json!({
        "name": INSTANCE, "interface": "eth0", "vrid": 51, "version": 3,
        "advert_interval": "100ms", "addresses": [format!("{VIP}/32")],
    });
    for (key, value) in keys.as_object().unwrap() {
        instance[key] = value.clone();
    }
    // A key that is null is left out.
    instance.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    instance
}

/// A definition of virtual routers alone.
pub(crate) fn definition(instances: &[Value]) -> String {
    json!({ "vrrp": { "instances": instances } }).to_string()
}

/// A daemon on a machine that balances nothing.
pub(crate) fn builder(lab: &Lab, host: &Host) -> DirectorBuilder {
    let builder = DirectorBuilder::on_host(lab, host, Path::new(LB_CTL), &[]);
    builder.argument("--max-connections").argument("1024")
}

/// Starts it with virtual routers.
pub(crate) fn start(lab: &Lab, host: &Host, instances: &[Value]) -> Director {
    builder(lab, host).start_with(&definition(instances)).unwrap()
}

/// Everything that is known of a director's virtual router.
pub(crate) fn shown(director: &Director, instance: &str) -> Value {
    let router = director.router(instance).unwrap();
    serde_json::to_value(router.unwrap_or_else(|| panic!("no {instance}"))).unwrap()
}

/// How often a director's virtual router has come into a state.
pub(crate) fn times(director: &Director, state: &str) -> u64 {
    shown(director, INSTANCE)["transitions"][state].as_u64().unwrap_or_default()
}

/// Waits until so many more adverts of others were taken.
#[track_caller]
pub(crate) fn hear(director: &Director, adverts: u64) {
    more(director, "received", adverts);
}

/// Waits until so many more adverts were sent.
#[track_caller]
pub(crate) fn send(director: &Director, adverts: u64) {
    more(director, "sent", adverts);
}

#[track_caller]
fn more(director: &Director, counter: &str, adverts: u64) {
    let count = || shown(director, INSTANCE)["adverts"][counter].as_u64().unwrap();
    let before = count();
    wait(&format!("{adverts} more adverts {counter}"), || count() >= before + adverts);
}

/// Waits for what comes by itself.
#[track_caller]
pub(crate) fn wait(what: &str, mut ready: impl FnMut() -> bool) {
    if let Err(error) = wait_until(what, SOON, || Ok::<_, LabError>(ready())) {
        panic!("{error}");
    }
}

/// Waits until a machine has an address of the instance on `eth0`, and until the client finds it
/// there: its neighbour table has this machine's MAC.
#[track_caller]
pub(crate) fn wait_for_address(lab: &Lab, host: &Host, address: &str) {
    let vip: IpAddr = address.parse().unwrap();
    let prefixed = format!("{address}/{}", if vip.is_ipv4() { 32 } else { 128 });
    wait(&format!("{} to have {address}", host.name), || has(&host.namespace, "eth0", &prefixed));
    let mac = host.namespace.mac("eth0").unwrap();
    wait(&format!("the client to find {address} on {}", host.name), || {
        // Somebody who had not asked before learns nothing from being told.
        lab.client.namespace.run(&["ping", "-n", "-c1", "-W1", address]).is_ok()
            && lab.client.namespace.neighbour("eth0", vip).unwrap().as_ref() == Some(&mac)
    });
}

/// Waits until a machine has no address of the instance.
#[track_caller]
pub(crate) fn wait_for_release(host: &Host, address: &str) {
    let vip: IpAddr = address.parse().unwrap();
    let prefixed = format!("{address}/{}", if vip.is_ipv4() { 32 } else { 128 });
    wait(&format!("{} to let go of {address}", host.name), || {
        !has(&host.namespace, "eth0", &prefixed)
    });
}
