//! The bed with generator and sink, and what runs in the director's place.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use aya::Ebpf;
use aya::programs::links::FdLink;
use aya::programs::{Xdp, XdpMode};
use lb_common::traffic::{DIRECTOR, real_mac};
use lb_common::value::Mac;
use lb_common::verdict::Verdict;
use lb_ctl::api::wire;
use nix::net::if_::if_nametoindex;
use xdp_prog::fixtures::frame::Family;

use super::{Arrived, Generator, Sink, SinkProgram, Stream, StreamError, Tracking, definition};
use crate::lab::{
    Counters, Director, DirectorBuilder, Host, Lab, LabError, find_lb_ctl, wait_until,
};

static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("BENCH_XDP"));

/// Longer than anything takes that works.
const SOON: Duration = Duration::from_secs(20);

/// How long frames may be on their way.
const ARRIVE: Duration = Duration::from_secs(5);

/// The director's interface.
const ETH0: &str = "eth0";

/// What kind of site.
#[derive(Clone, Debug)]
pub struct SiteOptions {
    /// The lb-ctl to run.
    pub lb_ctl: PathBuf,
    /// The CPU on which all frames are made and forwarded.
    pub cpu: usize,
    /// Machines that can be real servers.
    pub reals: u8,
    /// What the sink does.
    pub sink: SinkProgram,
}

/// A standing site. Dropping it takes everything away.
pub struct Site {
    generator: Generator,
    /// What has arrived.
    pub sink: Sink,
    /// The bed.
    pub lab: Lab,
    lb_ctl: PathBuf,
    /// What the running lb-ctl had dropped when it was last asked.
    refused: u64,
}

/// Where sent frames have gone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Traced {
    /// Frames sent.
    pub sent: u64,
    /// How long that took.
    pub took: Duration,
    /// Those that reached the sink.
    pub arrived: Arrived,
    /// Those dropped before the director's program, and after it.
    pub dropped: (u64, u64),
    /// Those that lb-ctl dropped: it had no real for them.
    pub refused: u64,
}

impl Traced {
    /// Frames that left the director's program, whether or not they arrived.
    pub fn left(&self) -> u64 {
        self.arrived.total() + self.dropped.1
    }

    /// Frames that the director's interface or lb-ctl dropped.
    pub fn lost(&self) -> u64 {
        self.dropped.0 + self.dropped.1 + self.refused
    }
}

impl Site {
    /// Builds it. No program runs in the director's place yet.
    ///
    /// # Errors
    ///
    /// A step of the bed fails, or the kernel refuses the programs.
    pub fn build(options: &SiteOptions) -> Result<Self, StreamError> {
        let lb_ctl = find_lb_ctl(&options.lb_ctl)?;
        let mut lab = Lab::builder().reals(options.reals).build()?;
        set_mac(&lab.director, DIRECTOR)?;
        for (real, number) in lab.reals.iter().zip(1..) {
            set_mac(real, real_mac(number))?;
        }
        let sink = Sink::attach(&mut lab, options.sink)?;
        let port = lab.director.name.clone();
        let ifindex = lab.switch.enter(|| if_nametoindex(port.as_str()))?;
        let ifindex = ifindex.map_err(StreamError::program("find the director's port"))?;
        Ok(Self { generator: Generator::new(options.cpu, ifindex)?, sink, lab, lb_ctl, refused: 0 })
    }

    /// The addresses of so many of the first reals.
    pub fn addresses(&self, family: Family, reals: u8) -> Vec<IpAddr> {
        let address = |host: &Host| match family {
            Family::V4 => host.ipv4.into(),
            Family::V6 => host.ipv6.into(),
        };
        self.lab.reals.iter().take(reals.into()).map(address).collect()
    }

    /// Starts lb-ctl with one service on so many reals, and waits until all of them are up.
    ///
    /// # Errors
    ///
    /// It does not start, or a real does not come up.
    pub fn start_lb_ctl(
        &mut self,
        tracking: Tracking,
        family: Family,
        reals: u8,
        max_connections: u32,
    ) -> Result<Director, StreamError> {
        let definition = definition(tracking, family, &self.addresses(family, reals));
        let director = DirectorBuilder::new(&self.lab, &self.lb_ctl)
            .argument("--mode")
            .argument("native")
            .argument("--detach-on-exit")
            .argument("--max-connections")
            .argument(max_connections.to_string())
            .start_with(&definition)?;
        wait_until_up(&director)?;
        self.refused = 0;
        Ok(director)
    }

    /// Puts the yardstick into the director's place: it exchanges the MACs, and sends. It stays as
    /// long as what is returned.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn start_swap(&self) -> Result<FdLink, StreamError> {
        self.lab.director.namespace.enter(|| {
            let mut ebpf = Ebpf::load(OBJECT).map_err(StreamError::program("load the swap"))?;
            let found = ebpf.program_mut("swap").ok_or_else(|| StreamError::missing("swap"))?;
            let program: &mut Xdp =
                found.try_into().map_err(StreamError::program("open the swap"))?;
            program.load().map_err(StreamError::program("load the swap"))?;
            let attached = program.attach(ETH0, XdpMode::Driver);
            let id = attached.map_err(StreamError::program("attach the swap"))?;
            let link = program.take_link(id).map_err(StreamError::program("hold the swap"))?;
            link.try_into().map_err(StreamError::program("hold the swap"))
        })?
    }

    /// Waits until no program is in the director's place. Closing a link leaves that to a work
    /// queue of the kernel.
    ///
    /// # Errors
    ///
    /// One stays.
    pub fn wait_empty(&self) -> Result<(), StreamError> {
        let director = &self.lab.director.namespace;
        let what = "the director's interface to have no program";
        Ok(wait_until(what, SOON, || Ok(director.xdp_mode(ETH0)?.is_none()))?)
    }

    /// Says which flows are sent, from the next frame on.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn begin(&mut self, stream: &Stream) -> Result<(), StreamError> {
        self.generator.set_traffic(stream.traffic)
    }

    /// Sends so many frames of the stream that was begun and finds out where each has gone. `run`
    /// is for messages; `director` is in the director's place, unless something else is.
    ///
    /// # Errors
    ///
    /// Frames are lost and nobody has counted them, or the kernel refuses.
    pub fn send(
        &mut self,
        run: &str,
        stream: &Stream,
        frames: u32,
        director: Option<&Director>,
    ) -> Result<Traced, StreamError> {
        let (arrived, counters) = (self.sink.arrived()?, self.counters()?);
        let took = self.generator.send(&self.lab.switch, stream, frames)?;
        let mut traced = self.trace(&arrived, counters, frames, took)?;
        // The last frames may be on their way when the generator has ended.
        let waited = wait_until("the last frames to arrive", ARRIVE, || {
            let now = self.trace(&arrived, counters, frames, took);
            traced = now.map_err(|e| LabError::io("trace the frames")(io::Error::other(e)))?;
            Ok(accounted(&traced) >= traced.sent)
        });
        match waited {
            // What is missing is told below.
            Ok(()) | Err(LabError::Timeout { .. }) => {}
            Err(other) => return Err(other.into()),
        }
        if let Some(director) = director
            && accounted(&traced) < traced.sent
        {
            let all = refused(director)?;
            traced.refused = all - self.refused;
            self.refused = all;
        }
        check_accounts(run, &traced)?;
        Ok(traced)
    }

    fn trace(
        &self,
        arrived: &Arrived,
        counters: Counters,
        frames: u32,
        took: Duration,
    ) -> Result<Traced, StreamError> {
        let dropped = self.counters()? - counters;
        Ok(Traced {
            sent: frames.into(),
            took,
            arrived: self.sink.arrived()?.since(arrived),
            dropped: (dropped.rx_dropped, dropped.tx_dropped),
            refused: 0,
        })
    }

    fn counters(&self) -> Result<Counters, LabError> {
        self.lab.director.namespace.counters(ETH0)
    }
}

fn accounted(traced: &Traced) -> u64 {
    traced.arrived.total() + traced.lost()
}

/// The interfaces count the drops of the bed's own talk, too: there may be a few more than ours.
fn check_accounts(run: &str, traced: &Traced) -> Result<(), StreamError> {
    let (sent, arrived, dropped) = (traced.sent, traced.arrived.total(), traced.lost());
    if arrived <= sent && arrived + dropped >= sent {
        return Ok(());
    }
    Err(StreamError::Missing { run: run.to_owned(), sent, arrived, dropped })
}

/// What lb-ctl has dropped since it started. Asking takes as long as reading its connections does.
fn refused(director: &Director) -> Result<u64, LabError> {
    let status: wire::Status = director.ctl_json(&["status"])?;
    let drops = status.packets.iter().filter(|count| count.verdict == Verdict::Drop.name());
    Ok(drops.map(|count| count.packets).sum())
}

/// Waits until each real of each service is up.
pub(crate) fn wait_until_up(director: &Director) -> Result<(), LabError> {
    wait_until("every real to be up", SOON, || {
        let list: wire::List = director.ctl_json(&["list"])?;
        let mut reals = list.services.iter().flat_map(|service| &service.reals);
        Ok(reals.all(|real| real.state != wire::RealState::Unresolved))
    })
}

fn set_mac(host: &Host, mac: Mac) -> Result<(), LabError> {
    let text = mac.map(|byte| format!("{byte:02x}")).join(":");
    host.namespace.set_mac(ETH0, &text)
}
