//! Kernel requests that come in thousands, done beside the driver so that it never misses a beat.

use std::net::IpAddr;

use tokio::sync::mpsc;

use crate::netlink::types::Route;
use crate::netlink::{Netlink, NetlinkError};

/// What the worker is to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Look up the way to each.
    Routes(Vec<IpAddr>),
    /// Resolve each neighbour and keep it fresh.
    Resolve(Vec<(u32, IpAddr)>),
    /// Keep each no longer.
    Release(Vec<(u32, IpAddr)>),
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Done {
    /// The ways found.
    Routes {
        /// Each address with its way, or none if there is none.
        found: Vec<(IpAddr, Option<Route>)>,
        /// Some could not be looked up.
        failed: bool,
    },
    /// The neighbours were asked for, or released.
    Neighbours,
}

/// The driver's end.
#[derive(Debug)]
pub(super) struct Worker {
    jobs: mpsc::UnboundedSender<Job>,
    done: mpsc::UnboundedReceiver<Done>,
    pending: usize,
}

impl Worker {
    /// Starts the task. It ends when this end is dropped.
    pub(super) fn start(netlink: Netlink) -> Self {
        let (jobs, mut todo) = mpsc::unbounded_channel();
        let (report, done) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(job) = todo.recv().await {
                if report.send(run(&netlink, job).await).is_err() {
                    break;
                }
            }
        });
        Self { jobs, done, pending: 0 }
    }

    /// Jobs are done in order.
    pub(super) fn submit(&mut self, job: Job) {
        // The task ends before this end only by a panic; its jobs then stay pending for ever.
        if self.jobs.send(job).is_ok() {
            self.pending += 1;
        }
    }

    /// Nothing is left to do.
    pub(super) fn is_idle(&self) -> bool {
        self.pending == 0
    }

    /// The next result. Never comes while there is none.
    pub(super) async fn next(&mut self) -> Done {
        match self.done.recv().await {
            Some(done) => {
                self.pending -= 1;
                done
            }
            None => std::future::pending().await,
        }
    }
}

async fn run(netlink: &Netlink, job: Job) -> Done {
    match job {
        Job::Routes(addresses) => {
            let mut found = Vec::with_capacity(addresses.len());
            let mut failed = false;
            for address in addresses {
                match netlink.route_to(address).await {
                    Ok(route) => found.push((address, route)),
                    Err(error) => {
                        failed = true;
                        tracing::warn!("{error}");
                    }
                }
            }
            Done::Routes { found, failed }
        }
        Job::Resolve(neighbours) => {
            let mut failures = Failures::default();
            for (ifindex, address) in neighbours {
                failures.add(netlink.resolve(ifindex, address).await);
            }
            failures.tell();
            Done::Neighbours
        }
        Job::Release(neighbours) => {
            let mut failures = Failures::default();
            for (ifindex, address) in neighbours {
                failures.add(netlink.release(ifindex, address).await);
            }
            failures.tell();
            Done::Neighbours
        }
    }
}

/// One line for a thousand failures of the same kind.
#[derive(Default)]
struct Failures {
    count: usize,
    last: Option<NetlinkError>,
}

impl Failures {
    fn add(&mut self, result: Result<(), NetlinkError>) {
        match result {
            Ok(()) => {}
            // An interface that vanishes takes its neighbours along.
            Err(error) if error.errno() == Some(libc::ENODEV) => tracing::debug!("{error}"),
            Err(error) => {
                self.count += 1;
                self.last = Some(error);
            }
        }
    }

    fn tell(self) {
        match (self.last, self.count) {
            (None, _) => {}
            (Some(error), 1) => tracing::warn!("{error}"),
            (Some(error), count) => tracing::warn!("{error} (and {} more)", count - 1),
        }
    }
}
