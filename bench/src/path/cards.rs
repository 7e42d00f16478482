//! Three network cards in one segment, each in a namespace of its own: one sends, one is the
//! director's, one is the sink.

use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::{Director, LOOK_EVERY, Passage, PathError, QUIET, Setup, Sink, Watch, Way};
use crate::lab::{LabError, Namespace};
use crate::pktgen::{self, Stream};

/// The bed. Dropping it takes it away; the cards go back to where they were.
pub struct Cards {
    // Dropped first: it is on an interface of the namespace.
    sink: Sink,
    sender: Namespace,
    _receiver: Namespace,
    director: Director,
    /// The sending card.
    interface: String,
    /// The MAC of the director's card.
    to: String,
}

impl Cards {
    /// Takes the cards, by name: that which sends, the director's, the sink's.
    ///
    /// # Errors
    ///
    /// There are no such cards, or the kernel refuses something.
    pub fn take([sends, directs, sinks]: [&str; 3], lb_ctl: &Path) -> Result<Self, PathError> {
        pktgen::load()?;
        let name = format!("cards{}", std::process::id());
        let take = |card: &str, role: &str| -> Result<Namespace, LabError> {
            let namespace = Namespace::create(&format!("{name}-{role}"))?;
            namespace.sysctl(&[("ipv6/conf/default/disable_ipv6", "1")])?;
            let words = ["link", "set", "dev", card, "netns", namespace.name()];
            crate::lab::command::run(std::process::Command::new("ip").args(words))?;
            namespace.ip(&format!("link set dev {card} up\n"))?;
            Ok(namespace)
        };
        let sender = take(sends, "sender")?;
        let inside = Arc::new(take(directs, "director")?);
        let receiver = take(sinks, "sink")?;
        let to = inside.mac(directs)?;
        let director = Director::new(inside, directs, &receiver.mac(sinks)?, lb_ctl)?;
        let sink = receiver.enter(|| Sink::attach(sinks))??;
        let interface = sends.to_owned();
        Ok(Self { sink, sender, _receiver: receiver, director, interface, to })
    }

    /// The MAC of the director's card.
    pub fn director_mac(&self) -> &str {
        &self.to
    }

    /// The card that sends.
    pub fn sender(&self) -> &str {
        &self.interface
    }

    /// Sends a stream through the director in this way, as fast as it goes out.
    ///
    /// # Errors
    ///
    /// The way cannot be set up, or hardly a packet arrives.
    pub fn run(&self, way: Way, stream: &Stream) -> Result<Passage, PathError> {
        let _setup: Setup<'_> = self.director.set_up(way)?;
        let before = self.sink.count()?;
        let (sent, watch) = self.watched(before, stream)?;
        let arrived = watch.count - before;
        if arrived * 20 < sent {
            let explanation = "this way does not work here";
            return Err(PathError::Lost { way: way.name(), sent, arrived, explanation });
        }
        Ok(Passage { sent, arrived, took: watch.moving() })
    }

    /// Sends, and watches the sink meanwhile and until nothing more comes: pktgen waits before it
    /// sends and looks only now and then whether it has, and packets lie in queues after that.
    /// Returns the number of packets sent.
    fn watched(&self, before: u64, stream: &Stream) -> Result<(u64, Watch), PathError> {
        let mut watch = Watch::begin(before, Instant::now());
        let sent = thread::scope(|scope| {
            let sending = scope.spawn(|| self.sender.enter(|| pktgen::run(stream)));
            while !sending.is_finished() || watch.moved.elapsed() < QUIET {
                thread::sleep(LOOK_EVERY);
                watch.look(self.sink.count()?, Instant::now());
            }
            let ran = sending.join().unwrap_or_else(|panicked| resume_unwind(panicked))??;
            Ok::<_, PathError>(ran.packets)
        })?;
        Ok((sent, watch))
    }
}
