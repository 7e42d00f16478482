//! The director, and what it is made to be.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{PORT, PathError, RIP, SOURCE, Sink, VIP, Way};
use crate::lab::{self, DirectorBuilder, LabError, Namespace, wait_until};

/// The director's own address.
const DIP: &str = "192.0.2.2/24";

/// How long lb-ctl may take to have its real.
const UP_LIMIT: Duration = Duration::from_secs(20);

/// A router in the middle; no ICMP about routes that are as they are on purpose.
const SETTINGS: [(&str, &str); 5] = [
    ("ipv4/ip_forward", "1"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv6/conf/all/disable_ipv6", "1"),
];

/// A machine with one interface that is to forward.
pub struct Director {
    /// Where it is.
    pub namespace: Arc<Namespace>,
    interface: String,
    lb_ctl: PathBuf,
    files: tempfile::TempDir,
}

/// A director that forwards in some way. Dropping it undoes that.
pub struct Setup<'a> {
    director: &'a Director,
    undo: Vec<String>,
    held: Option<Held>,
}

/// What is there as long as the way is.
enum Held {
    /// Ends the packets of [`Way::Generator`].
    Sink(Sink),
    /// lb-ctl.
    Daemon { _daemon: lab::Director },
}

impl Director {
    /// Makes this interface of this namespace, which must be there, the director's. The real has
    /// the MAC `sink` there, and its neighbour entry never ages: resolving is not measured.
    ///
    /// # Errors
    ///
    /// A setting or an `ip` command is refused.
    pub fn new(
        namespace: Arc<Namespace>,
        interface: &str,
        sink: &str,
        lb_ctl: &Path,
    ) -> Result<Self, PathError> {
        namespace.sysctl(&SETTINGS)?;
        namespace.sysctl(&[(&format!("ipv4/conf/{interface}/send_redirects"), "0")])?;
        let known = |it| format!("neighbour replace {it} lladdr {sink} dev {interface}\n");
        let lines = format!(
            "address add {DIP} dev {interface}\nlink set dev {interface} up\n{}{}",
            known(RIP),
            known(SOURCE)
        );
        namespace.ip(&lines)?;
        let files = tempfile::tempdir().map_err(LabError::io("make a folder for lb-ctl"))?;
        Ok(Self { namespace, interface: interface.to_owned(), lb_ctl: lb_ctl.to_owned(), files })
    }

    /// Makes it forward in this way.
    ///
    /// # Errors
    ///
    /// What the way needs is not there, or refuses.
    pub fn set_up(&self, way: Way) -> Result<Setup<'_>, PathError> {
        let mut setup = Setup { director: self, undo: Vec::new(), held: None };
        match way {
            Way::Generator => {
                let sink = self.namespace.enter(|| Sink::attach(&self.interface))??;
                setup.held = Some(Held::Sink(sink));
            }
            Way::Skb => setup.drop_skbs()?,
            Way::Forwarding => setup.forward()?,
            Way::IpvsRr => setup.balance_by_ipvs("rr")?,
            Way::IpvsMh => setup.balance_by_ipvs("mh")?,
            Way::LbCtl => setup.held = Some(Held::Daemon { _daemon: self.daemon()? }),
        }
        Ok(setup)
    }

    fn daemon(&self) -> Result<lab::Director, PathError> {
        let pins = PathBuf::from(format!("/sys/fs/bpf/lb-ctl-path-{}", std::process::id()));
        let folder = self.files.path().to_owned();
        let definition = format!(
            r#"{{"services": [{{"protocol": "udp", "vip": "{VIP}", "port": {PORT},
                "reals": [{{"address": "{RIP}"}}]}}]}}"#
        );
        let daemon =
            DirectorBuilder::at(&self.namespace, &self.lb_ctl, folder, pins, &[&self.interface])
                .argument("--mode")
                .argument("native")
                .argument("--detach-on-exit")
                // At its start it looks at every ring, and up to Linux 6.7 each such look waits for
                // the end of an RCU grace period (`maybe_wait_bpf_programs`): seconds for thousands.
                .argument("--max-services")
                .argument("8")
                .start_with(&definition)?;
        let mut list = Value::Null;
        let up = wait_until("lb-ctl to have its real", UP_LIMIT, || {
            list = daemon.ctl_json(&["list"])?;
            Ok(list["services"][0]["reals"][0]["state"] == "up")
        });
        match up {
            Err(LabError::Timeout { .. }) => Err(PathError::Unresolved { list: list.to_string() }),
            Err(other) => Err(other.into()),
            Ok(()) => Ok(daemon),
        }
    }

    fn run(&self, command: &str) -> Result<String, LabError> {
        self.namespace.run(&command.split(' ').collect::<Vec<_>>())
    }
}

impl Setup<'_> {
    /// How many packets have ended in the director, where that is what the way does.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn sunk(&self) -> Result<Option<u64>, PathError> {
        match &self.held {
            Some(Held::Sink(sink)) => sink.count().map(Some),
            _ => Ok(None),
        }
    }

    fn drop_skbs(&mut self) -> Result<(), LabError> {
        let interface = &self.director.interface;
        self.step(
            &format!("tc qdisc add dev {interface} ingress"),
            &format!("tc qdisc delete dev {interface} ingress"),
        )?;
        let all = "protocol ip matchall action drop";
        self.director.run(&format!("tc filter add dev {interface} ingress {all}")).map(drop)
    }

    fn forward(&mut self) -> Result<(), LabError> {
        let interface = &self.director.interface;
        self.step(
            &format!("ip route add {VIP}/32 via {RIP} dev {interface}"),
            &format!("ip route delete {VIP}/32"),
        )
    }

    fn balance_by_ipvs(&mut self, scheduler: &str) -> Result<(), LabError> {
        let interface = &self.director.interface;
        self.step(
            &format!("ip address add {VIP}/32 dev {interface}"),
            &format!("ip address delete {VIP}/32 dev {interface}"),
        )?;
        let service = format!("-u {VIP}:{PORT}");
        self.step(&format!("ipvsadm -A {service} -s {scheduler}"), "ipvsadm -C")?;
        self.director.run(&format!("ipvsadm -a {service} -r {RIP}:{PORT} -g")).map(drop)
    }

    fn step(&mut self, command: &str, undo: &str) -> Result<(), LabError> {
        self.director.run(command)?;
        self.undo.push(undo.to_owned());
        Ok(())
    }
}

impl Drop for Setup<'_> {
    fn drop(&mut self) {
        for command in self.undo.iter().rev() {
            if let Err(error) = self.director.run(command) {
                eprintln!("director: {error}");
            }
        }
    }
}
