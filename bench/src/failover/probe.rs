//! A client that asks an address so often that it notices when nobody is there for a few
//! milliseconds.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::timeline::{Answer, Question, Timeline};
use crate::lab::{Host, LabError};

/// How often the receiver looks whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Questions by UDP from a machine of the bed to an echo server, one each `every`, on threads of
/// their own. Dropping it ends them.
#[derive(Debug)]
pub struct Probe {
    begin: Instant,
    stop: Arc<AtomicBool>,
    last: Arc<Mutex<Option<Answered>>>,
    sender: Option<JoinHandle<Vec<Duration>>>,
    receiver: Option<JoinHandle<HashMap<usize, Answer>>>,
}

/// The last answer, and how many came before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answered {
    /// Who gave it.
    pub from: String,
    /// How many answers this one has given since another answered.
    pub in_a_row: usize,
    /// How many answers there were from all.
    pub in_all: usize,
}

impl Probe {
    /// Begins to ask.
    ///
    /// # Errors
    ///
    /// The client cannot open a socket.
    pub fn start(client: &Host, server: SocketAddr, every: Duration) -> Result<Self, LabError> {
        let failed = || LabError::io(format!("ask {server} from {}", client.name));
        let sending = client.namespace.enter(|| open(server))?.map_err(failed())?;
        let receiving = sending.try_clone().map_err(failed())?;
        let (begin, stop) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let last = Arc::new(Mutex::new(None));
        let sender = thread::spawn({
            let stop = Arc::clone(&stop);
            move || send(&sending, server, (begin, every), &stop)
        });
        let receiver = thread::spawn({
            let (stop, last) = (Arc::clone(&stop), Arc::clone(&last));
            move || receive(&receiving, begin, &stop, &last)
        });
        Ok(Self { begin, stop, last, sender: Some(sender), receiver: Some(receiver) })
    }

    /// The time on the probe's clock.
    pub fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Who has given the last answer.
    pub fn answered(&self) -> Option<Answered> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops asking, and says what became of all questions.
    ///
    /// # Panics
    ///
    /// One of its threads has.
    pub fn stop(mut self) -> Timeline {
        self.stop.store(true, Ordering::Relaxed);
        let sent = self.sender.take().expect("it runs until here").join();
        let answers = self.receiver.take().expect("it runs until here").join();
        let mut answers = answers.expect("the receiver does not panic");
        let sent = sent.expect("the sender does not panic").into_iter().enumerate();
        let questions =
            sent.map(|(number, sent)| Question { sent, answer: answers.remove(&number) });
        Timeline { questions: questions.collect() }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// A socket that is not connected: what ICMP says to single questions is no concern of the others.
fn open(server: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.set_read_timeout(Some(LOOK_EVERY))?;
    Ok(socket)
}

/// Sends numbers, and notes when. A moment that was missed is left out.
fn send(
    socket: &UdpSocket,
    server: SocketAddr,
    (begin, every): (Instant, Duration),
    stop: &AtomicBool,
) -> Vec<Duration> {
    let mut sent = Vec::new();
    let mut next = begin;
    while !stop.load(Ordering::Relaxed) {
        let now = Instant::now();
        sent.push(now - begin);
        // One that cannot be sent is lost like any other.
        let _ = socket.send_to((sent.len() - 1).to_string().as_bytes(), server);
        next = (next + every).max(now);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    sent
}

fn receive(
    socket: &UdpSocket,
    begin: Instant,
    stop: &AtomicBool,
    last: &Mutex<Option<Answered>>,
) -> HashMap<usize, Answer> {
    let mut answers = HashMap::new();
    let mut buffer = [0; 256];
    while !stop.load(Ordering::Relaxed) {
        // A time without answers is no error, and nothing else can be done about one.
        let Ok(length) = socket.recv(&mut buffer) else { continue };
        let came = begin.elapsed();
        let text = String::from_utf8_lossy(&buffer[..length]);
        let Some((from, number)) = text.rsplit_once(": ") else { continue };
        let Ok(number) = number.parse() else { continue };
        note(last, from);
        answers.insert(number, Answer { came, from: from.to_owned() });
    }
    answers
}

fn note(last: &Mutex<Option<Answered>>, from: &str) {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let in_all = last.as_ref().map_or(0, |answered| answered.in_all) + 1;
    match last.as_mut() {
        Some(answered) if answered.from == from => {
            answered.in_a_row += 1;
            answered.in_all = in_all;
        }
        _ => *last = Some(Answered { from: from.to_owned(), in_a_row: 1, in_all }),
    }
}
