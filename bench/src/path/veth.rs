//! One cable: the generator and the sink at one end, the director at the other.
//!
//! Live frames come into the director as from a network card's driver: to an XDP program as they
//! are, and without one the veth builds an skb around each, as drivers do.

use std::path::Path;
use std::sync::Arc;

use lb_common::value::Mac;

use super::{Director, Generator, Passage, PathError, Sink, Way, frame, settled};
use crate::lab::{LabError, Namespace};

const DIRECTOR: Mac = [2, 0, 0, 0, 2, 1];
const DIRECTOR_WORD: &str = "02:00:00:00:02:01";
const SINK_WORD: &str = "02:00:00:00:02:02";
const INTERFACE: &str = "eth0";

/// Frames before a run: caches and the connection are warm then.
const WARM_UP: u32 = 1_000;

/// The bed. Dropping it takes it away.
pub struct Veth {
    // Dropped first: it is on an interface of the namespace.
    sink: Sink,
    generator: Generator,
    outside: Namespace,
    director: Director,
}

impl Veth {
    /// Builds it.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses something.
    pub fn build(lb_ctl: &Path) -> Result<Self, PathError> {
        let name = format!("path{}", std::process::id());
        let outside = Namespace::create(&format!("{name}-outside"))?;
        let inside = Arc::new(Namespace::create(&format!("{name}-director"))?);
        outside.sysctl(&[("ipv6/conf/default/disable_ipv6", "1")])?;
        outside.ip(&format!(
            "link add name {INTERFACE} address {SINK_WORD} type veth \
             peer name {INTERFACE} address {DIRECTOR_WORD} netns {}\n\
             link set dev {INTERFACE} up\n",
            inside.name()
        ))?;
        // With it a veth takes frames into a queue of NAPI and builds skbs there, without it only
        // under an XDP program (kernel commit d3256efd8e8b).
        inside.run(&["ethtool", "-K", INTERFACE, "gro", "on"])?;
        let director = Director::new(inside, INTERFACE, SINK_WORD, lb_ctl)?;
        let (sink, ifindex) = outside.enter(|| {
            let ifindex = nix::net::if_::if_nametoindex(INTERFACE)
                .map_err(|errno| LabError::io("ask for the interface's number")(errno.into()))?;
            Ok::<_, PathError>((Sink::attach(INTERFACE)?, ifindex))
        })??;
        let generator = Generator::load(frame(DIRECTOR), ifindex)?;
        Ok(Self { sink, generator, outside, director })
    }

    /// Sends packets through the director in this way.
    ///
    /// # Errors
    ///
    /// The way cannot be set up, or packets are lost: nothing here may drop any.
    pub fn run(&mut self, way: Way, packets: u32) -> Result<Passage, PathError> {
        let setup = self.director.set_up(way)?;
        let (sink, director) = (&self.sink, &self.director);
        let count = || match way {
            Way::Generator => Ok(setup.sunk()?.unwrap_or_default()),
            Way::Skb => Ok(director.namespace.counters(INTERFACE)?.rx_packets),
            _ => sink.count(),
        };
        let before = count()?;
        let generator = &mut self.generator;
        let took = self.outside.enter(|| {
            generator.send(WARM_UP)?;
            generator.send(packets)
        })??;
        let sent = u64::from(packets) + u64::from(WARM_UP);
        let arrived = settled(before + sent, count)? - before;
        if arrived < sent {
            let explanation = "the figure would not be of the whole way";
            return Err(PathError::Lost { way: way.name(), sent, arrived, explanation });
        }
        let packets = u64::from(packets);
        Ok(Passage { sent: packets, arrived: packets, took })
    }
}
