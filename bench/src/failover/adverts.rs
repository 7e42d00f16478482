//! How evenly adverts come while the daemon is busy, as another machine hears them.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Socket, Type};

use super::FailoverError;
use super::report::milliseconds;
use crate::lab::{Host, LabError, wait_until};
use crate::report::stats::Spread;

/// IP protocol 112 and its group: RFC 9568, section 5.1.1.
const VRRP: i32 = 112;
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

/// How often the listener looks whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long the next advert may be waited for.
const LIMIT: Duration = Duration::from_secs(10);

/// How far an interval may be from the one that was told.
const TOLERANCE: f64 = 0.2;

/// The times between adverts.
#[derive(Clone, PartialEq, Debug)]
pub struct Evenness {
    /// What the daemon did meanwhile.
    pub during: &'static str,
    /// The time between two adverts that it was told.
    pub interval: Duration,
    /// How many were heard.
    pub adverts: usize,
    /// The times between them, in milliseconds.
    pub between: Spread,
    /// How many of them are further than a fifth from what was told.
    pub outside: usize,
}

impl Evenness {
    /// Of adverts that came at these times; none of fewer than two.
    pub fn of(during: &'static str, interval: Duration, came: &[Duration]) -> Option<Self> {
        let between = came.windows(2).map(|pair| milliseconds(pair[1].saturating_sub(pair[0])));
        let told = milliseconds(interval);
        let outside = between.clone().filter(|it| (it - told).abs() > TOLERANCE * told).count();
        Some(Self { during, interval, adverts: came.len(), between: Spread::of(between)?, outside })
    }

    /// The share of those outside in percent.
    #[expect(clippy::cast_precision_loss, reason = "nobody hears 2^52 adverts")]
    pub fn outside_percent(&self) -> f64 {
        100.0 * self.outside as f64 / (self.adverts - 1) as f64
    }
}

/// Listens on a machine's `eth0` for adverts over IPv4 until it is stopped.
#[derive(Debug)]
pub struct Listener {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Duration>>,
}

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// The machine gets no such socket.
    pub fn start(host: &Host) -> Result<Self, LabError> {
        let failed = LabError::io(format!("listen for adverts on {}", host.name));
        let socket = host.namespace.enter(|| open(host.ipv4))?.map_err(failed)?;
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let stop = Arc::clone(&stop);
            move || listen(&socket, &stop)
        });
        Ok(Self { stop, thread })
    }

    /// Stops, and says when the kernel got each advert.
    ///
    /// # Errors
    ///
    /// There were too few to have times between them.
    ///
    /// # Panics
    ///
    /// The listening thread has.
    pub fn stop(self, during: &'static str, interval: Duration) -> Result<Evenness, FailoverError> {
        self.stop.store(true, Ordering::Relaxed);
        let came = self.thread.join().expect("the listener does not panic");
        let heard = came.len();
        Evenness::of(during, interval, &came).ok_or(FailoverError::TooFewAdverts { heard })
    }
}

/// Waits until a machine hears an advert.
///
/// # Errors
///
/// It gets no socket for that, or there is none for a long time.
pub fn wait(host: &Host) -> Result<(), LabError> {
    let failed = LabError::io(format!("listen for adverts on {}", host.name));
    let socket = host.namespace.enter(|| open(host.ipv4))?.map_err(failed)?;
    // A time without one is no error.
    wait_until("an advert", LIMIT, || Ok(receive(&socket).is_ok_and(|stamp| stamp.is_some())))
}

fn open(own: Ipv4Addr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(VRRP)))?;
    socket.join_multicast_v4(&GROUP, &own)?;
    socket.bind(&SocketAddrV4::new(GROUP, 0).into())?;
    socket.set_read_timeout(Some(LOOK_EVERY))?;
    // The kernel's times: this process may be late.
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    Ok(socket)
}

fn listen(socket: &Socket, stop: &AtomicBool) -> Vec<Duration> {
    let mut came = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        // A time without adverts is no error, and nothing else can be done about one.
        came.extend(receive(socket).ok().flatten());
    }
    came
}

/// When the next packet came, by the clock of the day.
fn receive(socket: &Socket) -> nix::Result<Option<Duration>> {
    let mut buffer = [0; 2048];
    let mut parts = [IoSliceMut::new(&mut buffer)];
    let mut control = nix::cmsg_space!(TimeSpec);
    let message =
        recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty())?;
    let stamp = message.cmsgs()?.find_map(|part| match part {
        ControlMessageOwned::ScmTimestampns(stamp) => Some(Duration::from(stamp)),
        _ => None,
    });
    Ok(stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_further_than_a_fifth_is_outside() {
        let came = [0, 10, 20, 32, 45, 52, 60].map(Duration::from_millis);
        let even = Evenness::of("apply", Duration::from_millis(10), &came).unwrap();
        assert_eq!(even.between, Spread { median: 10.0, min: 7.0, max: 13.0 });
        assert_eq!((even.adverts, even.outside), (7, 2));
        assert!((even.outside_percent() - 100.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn one_advert_has_no_interval() {
        assert_eq!(Evenness::of("apply", Duration::from_millis(10), &[Duration::ZERO]), None);
    }
}
