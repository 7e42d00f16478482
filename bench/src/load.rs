//! A running load of HTTP requests, each on a connection of its own.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::lab::{Host, LabError};

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);

/// What became of the requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Answers, by what they said: the label of the real.
    pub answers: BTreeMap<String, u64>,
    /// Requests that got no good answer.
    pub failed: u64,
    /// What the first failure was.
    pub first_failure: Option<String>,
    /// The longest time that one request took.
    pub slowest: Duration,
}

impl Report {
    /// The number of requests, well answered or not.
    pub fn total(&self) -> u64 {
        self.answers.values().sum::<u64>() + self.failed
    }

    /// Counts one request that took so long and was answered so.
    pub fn add(&mut self, took: Duration, answer: io::Result<String>) {
        match answer {
            Ok(text) => *self.answers.entry(text).or_default() += 1,
            Err(error) => {
                self.failed += 1;
                self.first_failure.get_or_insert_with(|| error.to_string());
            }
        }
        self.slowest = self.slowest.max(took);
    }
}

/// `GET path` on a new connection from where the calling thread is; returns the body without its
/// line end.
///
/// # Errors
///
/// No connection, no answer within 5 seconds, or a status other than 200.
pub fn get(server: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&server, REQUEST_LIMIT)?;
    stream.set_read_timeout(Some(REQUEST_LIMIT))?;
    stream.set_write_timeout(Some(REQUEST_LIMIT))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {server}\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.split(' ').nth(1) == Some("200") => {
            Ok(body.trim_end().to_owned())
        }
        _ => Err(io::Error::other(format!("no good answer: {answer:?}"))),
    }
}

/// Requests from several threads in the client's namespace, without end. Dropping it ends it.
#[derive(Debug)]
pub struct HttpLoad {
    stop: Arc<AtomicBool>,
    report: Arc<Mutex<Report>>,
    workers: Vec<JoinHandle<Result<(), LabError>>>,
}

impl HttpLoad {
    /// Starts `workers` threads that ask `server` for `/`, each with `pause` between requests.
    pub fn start(client: &Host, server: SocketAddr, workers: usize, pause: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let report = Arc::new(Mutex::new(Report::default()));
        let workers = (0..workers)
            .map(|_| {
                let (client, stop, report) = (client.clone(), Arc::clone(&stop), report.clone());
                thread::spawn(move || {
                    client.namespace.enter(|| ask_until(&stop, &report, server, pause))
                })
            })
            .collect();
        Self { stop, report, workers }
    }

    /// What became of the requests that have ended so far.
    ///
    /// # Panics
    ///
    /// A worker panicked.
    pub fn report(&self) -> Report {
        self.report.lock().expect("no worker panics").clone()
    }

    /// Ends the load after the requests under way, and reports.
    ///
    /// # Errors
    ///
    /// The client's namespace could not be entered.
    ///
    /// # Panics
    ///
    /// A worker panicked.
    pub fn finish(mut self) -> Result<Report, LabError> {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers.drain(..) {
            worker.join().expect("no worker panics")?;
        }
        Ok(self.report())
    }
}

impl Drop for HttpLoad {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers.drain(..) {
            // Whoever drops a load does not ask how it went.
            let _ = worker.join();
        }
    }
}

fn ask_until(stop: &AtomicBool, report: &Mutex<Report>, server: SocketAddr, pause: Duration) {
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        let answer = get(server, "/");
        report.lock().expect("no worker panics").add(start.elapsed(), answer);
        thread::sleep(pause);
    }
}
