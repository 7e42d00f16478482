//! The test bed: client, director, real servers and, where wanted, a NAT router, each in a network
//! namespace of its own, joined by the bridges of a switch in another one.
//!
//! Everything is undone when its owner is dropped, on a panic too. [`cleanup`] removes what a
//! killed process has left behind.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aya::programs::Xdp;
use aya::programs::links::FdLink;
use tempfile::TempDir;

mod address;
mod builder;
pub mod cleanup;
pub mod command;
mod director;
mod echo;
mod error;
mod file;
mod interface;
mod keepalived;
mod namespace;
mod process;
mod roles;
mod router;
mod switch;
mod topology;
mod wait;
mod web;
mod wiring;

pub use address::{PUBLIC4, PUBLIC6, SIDE_VIPS, VIP4, VIP6, VIPS};
pub use builder::LabBuilder;
pub use director::{Director, DirectorBuilder, find_lb_ctl, setup_reals};
pub use echo::Echo;
pub use error::LabError;
pub use file::{BIG_FILE_SIZE, sha256};
pub use interface::{Counters, XdpMode};
pub use keepalived::Keepalived;
pub use namespace::{Namespace, in_namespace};
pub use process::Process;
pub use wait::wait_until;
pub use web::WebServer;

/// Where the BPF file system is mounted.
const BPFFS: &str = "/sys/fs/bpf";

/// How long cables may take to carry frames.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// One machine of the bed. Clones are the same machine.
#[derive(Clone, Debug)]
pub struct Host {
    /// `client`, `director`, `director2`, `router`, `client2`, or `real1` and so on.
    pub name: String,
    /// Its network namespace.
    pub namespace: Arc<Namespace>,
    /// The address on its first network.
    pub ipv4: Ipv4Addr,
    /// The address on its first network.
    pub ipv6: Ipv6Addr,
}

impl Host {
    /// Both addresses on its first network.
    pub fn addresses(&self) -> [IpAddr; 2] {
        [self.ipv4.into(), self.ipv6.into()]
    }

    /// The address on its first network in the family of `like`.
    pub fn address_like(&self, like: IpAddr) -> IpAddr {
        if like.is_ipv4() { self.ipv4.into() } else { self.ipv6.into() }
    }

    /// What this machine's servers call themselves: `real 1` for `real1`.
    pub fn label(&self) -> String {
        let digits = self.name.trim_start_matches(|c: char| !c.is_ascii_digit());
        let word = &self.name[..self.name.len() - digits.len()];
        format!("{word} {digits}").trim_end().to_owned()
    }
}

/// A standing test bed. Dropping it takes everything away.
#[derive(Debug)]
pub struct Lab {
    // Dropped first: the programs on the switch's ports.
    ports: Vec<(String, FdLink)>,
    /// Sends requests.
    pub client: Host,
    /// The load balancer's machine, its cable to the switch made fit for native XDP.
    pub director: Host,
    /// The real servers; those behind the director's second interface are last.
    pub reals: Vec<Host>,
    /// Joins the networks, where there are several. Default gateway of all others.
    pub router: Option<Host>,
    /// Sends requests on a network of its own, where the bed was to have it.
    pub second_client: Option<Host>,
    /// Another load balancer's machine like [`Self::director`], where the bed was to have it.
    pub second_director: Option<Host>,
    /// Has the bridges, and a port named after each machine.
    pub switch: Namespace,
    pins: Pins,
    files: TempDir,
    name: String,
    interfaces: &'static [&'static str],
    directors: AtomicUsize,
}

impl Lab {
    /// Describes a bed: one bridge, three reals, 1500 bytes, unless said otherwise.
    pub fn builder() -> LabBuilder {
        LabBuilder::new()
    }

    /// The prefix of the names of all its namespaces.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A folder for the files of this bed, removed with it.
    pub fn files(&self) -> &Path {
        self.files.path()
    }

    /// A folder in the BPF file system for the pins of this bed, removed with it.
    pub fn pins(&self) -> &Path {
        &self.pins.path
    }

    /// The director's interfaces, that of the client's side first: its cables, or the bond of them.
    pub fn interfaces(&self) -> &'static [&'static str] {
        self.interfaces
    }

    /// Client, director, reals, and the router, the second client and the second director if there
    /// are.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        let always = [&self.client, &self.director].into_iter().chain(&self.reals);
        always.chain(&self.router).chain(&self.second_client).chain(&self.second_director)
    }

    /// Starts a web server on each real.
    ///
    /// # Errors
    ///
    /// nginx does not start.
    pub fn start_web(&self, port: u16) -> Result<Vec<WebServer>, LabError> {
        self.reals.iter().map(|real| WebServer::start(self, real, port)).collect()
    }

    /// Puts a loaded native program on the director's port of the switch, in place of the one that
    /// passes everything.
    ///
    /// # Errors
    ///
    /// The kernel refuses it.
    ///
    /// # Panics
    ///
    /// An earlier call failed.
    pub fn replace_port_program(&mut self, program: &mut Xdp) -> Result<(), LabError> {
        let at = self.ports.iter().position(|(port, _)| port == &self.director.name);
        let (port, link) = self.ports.swap_remove(at.expect("the builder put a program there"));
        let link = switch::replace(&port, link, program)?;
        self.ports.push((port, link));
        Ok(())
    }

    /// Makes the switch's port of a real fit for native XDP on the real's `eth0`, as that of the
    /// director is: the real may be a director, too.
    ///
    /// # Errors
    ///
    /// A step fails.
    pub fn admit_native_xdp(&mut self, real: usize) -> Result<(), LabError> {
        let port = wiring::port(&self.reals[real].name, 0);
        self.ports.extend(switch::prepare_for_xdp(&self.switch, &[port])?);
        Ok(())
    }

    /// Takes the carrier from a machine's cable `eth<index>`.
    ///
    /// # Errors
    ///
    /// It has no such cable.
    pub fn cut(&self, host: &Host, index: usize) -> Result<(), LabError> {
        let port = wiring::port(&host.name, index);
        self.switch.ip(&format!("link set dev {port} down\n"))
    }

    /// Gives a cable that was cut its carrier back, and returns when frames can pass.
    ///
    /// # Errors
    ///
    /// The machine has no such cable, or the switch does not forward to it in time.
    pub fn mend(&self, host: &Host, index: usize) -> Result<(), LabError> {
        let port = wiring::port(&host.name, index);
        self.switch.ip(&format!("link set dev {port} up\n"))?;
        wait_until("the cable to carry frames", READY_LIMIT, || {
            switch::forwards(&self.switch, &port)
        })
    }

    /// Lets the bed stand after this process; [`cleanup::remove`] takes it down.
    ///
    /// # Errors
    ///
    /// The programs on the switch's ports cannot be pinned.
    pub fn keep(mut self) -> Result<(), LabError> {
        switch::pin(self.ports.drain(..), &self.pins.path)?;
        self.switch.keep();
        for host in self.hosts() {
            host.namespace.keep();
        }
        self.pins.kept = true;
        self.files.disable_cleanup(true);
        Ok(())
    }

    /// A number that no other director of this bed has.
    fn next_director(&self) -> usize {
        self.directors.fetch_add(1, Ordering::Relaxed)
    }
}

/// A folder in the BPF file system.
#[derive(Debug)]
struct Pins {
    path: PathBuf,
    kept: bool,
}

impl Drop for Pins {
    fn drop(&mut self) {
        if self.kept || !self.path.exists() {
            return;
        }
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            eprintln!("test bed: remove {}: {error}", self.path.display());
        }
    }
}
