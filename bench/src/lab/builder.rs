//! Builds the bed from its plan.

use std::fs;
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::topology::{HostPlan, Options, Plan, Wiring};
use super::{BPFFS, Host, Lab, LabError, Namespace, Pins, READY_LIMIT, router, switch, wait_until};

/// What every machine of the bed has set before it gets its interfaces.
///
/// No duplicate address detection and no router solicitation, so that it is ready at once; a new
/// MAC address is told to the neighbours; replies may come in where the route does not point.
const HOST_SETTINGS: [(&str, &str); 10] = [
    ("ipv6/conf/all/accept_dad", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/all/accept_ra", "0"),
    ("ipv6/conf/default/accept_ra", "0"),
    ("ipv6/conf/default/router_solicitations", "0"),
    ("ipv6/conf/default/ndisc_notify", "1"),
    ("ipv4/conf/default/arp_notify", "1"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv4/ip_local_port_range", "10240 65535"),
];

/// The switch forwards frames and takes no part in IP.
const SWITCH_SETTINGS: [(&str, &str); 2] =
    [("ipv6/conf/all/disable_ipv6", "1"), ("ipv6/conf/default/disable_ipv6", "1")];

/// Beds that this process has built.
static BUILT: AtomicUsize = AtomicUsize::new(0);

/// Describes a test bed.
#[derive(Clone, Debug)]
pub struct LabBuilder {
    name: Option<String>,
    options: Options,
}

impl LabBuilder {
    pub(super) fn new() -> Self {
        let options = Options {
            reals: 3,
            far_reals: 0,
            nat_port: None,
            mtu: 1500,
            second_client: false,
            second_director: false,
            wiring: Wiring::Cables,
        };
        Self { name: None, options }
    }

    /// The number of real servers; 3 unless said otherwise.
    #[must_use]
    pub fn reals(mut self, count: u8) -> Self {
        self.options.reals = count;
        self
    }

    /// Puts the last `count` reals on a second bridge, to which the director has a second
    /// interface. A router carries their replies to the client.
    #[must_use]
    pub fn far_reals(mut self, count: u8) -> Self {
        self.options.far_reals = count;
        self
    }

    /// Puts the client behind a router that has one public address, [`super::PUBLIC4`] and
    /// [`super::PUBLIC6`], and maps `port` on it, TCP and UDP, to the VIP.
    #[must_use]
    pub fn nat_router(mut self, port: u16) -> Self {
        self.options.nat_port = Some(port);
        self
    }

    /// Adds a second client on a bridge of its own, to which the director has an interface too. A
    /// router carries the reals' replies to it.
    #[must_use]
    pub fn second_client(mut self) -> Self {
        self.options.second_client = true;
        self
    }

    /// Adds a second director on the networks of the first, its cables fit for native XDP, too.
    #[must_use]
    pub fn second_director(mut self) -> Self {
        self.options.second_director = true;
        self
    }

    /// Joins all machines by one cable each to one bridge, on which the networks are VLANs: 10 for
    /// the client's, 20 for the far reals'. Needs a kernel with the driver `8021q`.
    #[must_use]
    pub fn trunk(mut self) -> Self {
        self.options.wiring = Wiring::Trunk { provider: None };
        self
    }

    /// The same, all VLANs within one of a provider's (802.1ad).
    #[must_use]
    pub fn trunk_within(mut self, vlan: u16) -> Self {
        self.options.wiring = Wiring::Trunk { provider: Some(vlan) };
        self
    }

    /// Gives the director two cables, bonded as `bond0`, one of which is the other's backup. Needs
    /// a kernel with the driver `bonding`.
    #[must_use]
    pub fn bonded_director(mut self) -> Self {
        self.options.wiring = Wiring::Bond;
        self
    }

    /// The largest IP packet on all cables, in bytes; 1500 unless said otherwise.
    #[must_use]
    pub fn mtu(mut self, bytes: u16) -> Self {
        self.options.mtu = bytes;
        self
    }

    /// A fixed name instead of one that no other process has.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Builds the bed, and returns when frames can pass.
    ///
    /// # Errors
    ///
    /// The options contradict each other, or a step fails: what had been built is gone again.
    pub fn build(self) -> Result<Lab, LabError> {
        let plan = Plan::new(self.options)?;
        let name = self.name.unwrap_or_else(|| {
            format!("lb{}-{}", process::id(), BUILT.fetch_add(1, Ordering::Relaxed))
        });
        let files = tempfile::Builder::new()
            .prefix(&format!("{name}."))
            .tempdir()
            .map_err(LabError::io("make a folder for the bed"))?;
        let pins = make_pins(&name)?;

        let switch = Namespace::create(&format!("{name}-sw"))?;
        switch.sysctl(&SWITCH_SETTINGS)?;
        switch.ip(&plan.bridges())?;
        let build = |host| build_host(&plan, host, &name, &switch);
        let client = build(&plan.client)?;
        let director = build(&plan.director)?;
        let reals = plan.reals.iter().map(build).collect::<Result<Vec<_>, _>>()?;
        let router = plan.router.as_ref().map(build).transpose()?;
        let second_client = plan.second_client.as_ref().map(build).transpose()?;
        let second_director = plan.second_director.as_ref().map(build).transpose()?;

        let directors = [&plan.director].into_iter().chain(&plan.second_director);
        let ports: Vec<_> = directors.flat_map(|director| plan.ports(director)).collect();
        let ports = switch::prepare_for_xdp(&switch, &ports)?;
        if let Some(router) = &router {
            router::start(&router.namespace, self.options.nat_port)?;
        }
        wait_until("all cables to carry frames", READY_LIMIT, || {
            let hosts = [&client, &director].into_iter().chain(&reals);
            let hosts = hosts.chain(&router).chain(&second_client).chain(&second_director);
            all_carry(&switch, hosts)
        })?;
        let (interfaces, directors) = (plan.interfaces(), AtomicUsize::new(0));
        Ok(Lab {
            ports,
            client,
            director,
            reals,
            router,
            second_client,
            second_director,
            switch,
            pins,
            files,
            name,
            interfaces,
            directors,
        })
    }
}

fn make_pins(name: &str) -> Result<Pins, LabError> {
    let path = Path::new(BPFFS).join(name);
    fs::create_dir(&path).map_err(LabError::io(format!(
        "make {} (the BPF file system must be mounted: mount -t bpf bpf {BPFFS})",
        path.display()
    )))?;
    Ok(Pins { path, kept: false })
}

fn build_host(
    plan: &Plan,
    host: &HostPlan,
    lab: &str,
    switch: &Namespace,
) -> Result<Host, LabError> {
    let namespace = Namespace::create(&format!("{lab}-{}", host.name))?;
    namespace.sysctl(&HOST_SETTINGS)?;
    switch.ip(&plan.cables(host, namespace.name()))?;
    namespace.ip(&plan.addresses(host))?;
    let network = host.networks[0];
    Ok(Host {
        name: host.name.clone(),
        namespace: Arc::new(namespace),
        ipv4: network.ipv4(host.host),
        ipv6: network.ipv6(host.host),
    })
}

fn all_carry<'a>(
    switch: &Namespace,
    mut hosts: impl Iterator<Item = &'a Host>,
) -> Result<bool, LabError> {
    if !switch::all_forward(switch)? {
        return Ok(false);
    }
    hosts.try_fold(true, |ready, host| Ok(ready && host.namespace.all_up()?))
}
