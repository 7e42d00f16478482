//! Runs the virtual routers, in a thread of their own: what the rest of the daemon does holds up no
//! advert.

use std::io;
use std::net::IpAddr;
use std::thread::JoinHandle;

use rustix::process::setpriority_process;
use rustix::thread::gettid;
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};

use super::routers::Output;
use super::runner::Runner;
use super::status::{Conflict, VrrpStatus};
use super::track::{Fact, Subject};
use crate::config::vrrp::Vrrp;
use crate::netlink::NetlinkError;

/// The most that a thread can ask for, of -20 to 19.
const FIRST: i32 = -20;

/// What the virtual routers are told.
#[derive(Debug)]
pub(super) enum Order {
    /// To go over to these definitions; scripts that name nobody are run by this user.
    Set { vrrp: Box<Vrrp>, user: String },
    /// What is known of something that they follow.
    Learn(Subject, Fact),
    /// To tell where addresses are that do not move between directors.
    Tell { ifindex: u32, addresses: Vec<IpAddr> },
    /// To hand one over, or all; answered by whether there is one.
    HandOver(Option<String>, oneshot::Sender<bool>),
    /// To take that back.
    Resume(Option<String>, oneshot::Sender<bool>),
    /// To say how they stand.
    Status(oneshot::Sender<Vec<VrrpStatus>>),
    /// To leave; answered when nobody counts on them any more.
    Stop(oneshot::Sender<()>),
}

/// What virtual routers have to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Report {
    /// What one, or a group, has done: no more than changes of state.
    Changed(Output),
    /// Somebody else has an address that is held here.
    Conflict {
        /// The name of the virtual router whose address it is.
        instance: String,
        /// What was heard.
        conflict: Conflict,
    },
    /// An advert that does not count; told once for each kind of fault and each sender.
    Rejected {
        /// The name of the virtual router that it was for, where that is known.
        instance: Option<String>,
        /// Where it was heard, from whom, and what is wrong with it.
        why: String,
    },
}

/// The running virtual routers. Dropping it ends them at once, and leaves their addresses where
/// they are; see [`Self::stop`].
#[derive(Debug)]
pub struct Driver {
    orders: mpsc::UnboundedSender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Driver {
    /// Starts the thread, without virtual routers. The other half is what they have to say. What
    /// they follow is followed in the runtime that this is called in.
    ///
    /// # Errors
    ///
    /// Where there is no thread or no netlink socket to be had.
    pub async fn start() -> Result<(Self, mpsc::UnboundedReceiver<Report>), NetlinkError> {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(NetlinkError::Open)?;
        let (orders, ordered) = mpsc::unbounded_channel();
        let (reports, heard) = mpsc::unbounded_channel();
        let (began, outcome) = oneshot::channel();
        let other = Handle::current();
        let run = async move {
            match Runner::new(other, ordered, reports).await {
                Ok(runner) => {
                    // Who began this waits for it.
                    let _ = began.send(Ok(()));
                    runner.run().await;
                }
                Err(error) => drop(began.send(Err(error))),
            }
        };
        let thread = std::thread::Builder::new().name("vrrp".to_owned());
        let run = move || {
            go_first();
            runtime.block_on(run);
        };
        let thread = thread.spawn(run).map_err(NetlinkError::Open)?;
        outcome.await.map_err(|_| NetlinkError::Open(io::ErrorKind::Other.into()))??;
        Ok((Self { orders, thread: Some(thread) }, heard))
    }

    /// Goes over to these definitions. Virtual routers that stay what they are go on undisturbed.
    /// Scripts that name nobody are run by `user`.
    pub fn set(&self, vrrp: &Vrrp, user: &str) {
        self.order(Order::Set { vrrp: Box::new(vrrp.clone()), user: user.to_owned() });
    }

    /// What is known of something that virtual routers may follow.
    pub fn learn(&self, subject: Subject, fact: Fact) {
        self.order(Order::Learn(subject, fact));
    }

    /// Tells the others on a network that these addresses are on this interface.
    pub fn tell(&self, ifindex: u32, addresses: Vec<IpAddr>) {
        self.order(Order::Tell { ifindex, addresses });
    }

    /// Hands one over with its group, or all. Whether there is one of this name.
    pub async fn hand_over(&self, instance: Option<String>) -> bool {
        self.ask(|answer| Order::HandOver(instance, answer)).await.unwrap_or(false)
    }

    /// Takes that back. Whether there is one of this name.
    pub async fn resume(&self, instance: Option<String>) -> bool {
        self.ask(|answer| Order::Resume(instance, answer)).await.unwrap_or(false)
    }

    /// How all stand.
    pub async fn status(&self) -> Vec<VrrpStatus> {
        self.ask(Order::Status).await.unwrap_or_default()
    }

    /// Leaves: adverts with priority 0, and the addresses off when another one has them, or after a
    /// second at most.
    pub async fn stop(&mut self) {
        self.ask(Order::Stop).await;
        if let Some(thread) = self.thread.take()
            && tokio::task::spawn_blocking(|| thread.join()).await.is_err()
        {
            tracing::error!("the thread of the virtual routers did not end well");
        }
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.order(order(answer));
        answered.await.ok()
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            tracing::error!("the thread of the virtual routers has ended: restart lb-ctl");
        }
    }
}

/// Has the kernel run this thread before others that could as well: an advert is a few microseconds'
/// work, and three that are late make another director master.
fn go_first() {
    // The lowest of real time goes before everything that has its turns on a processor, however busy.
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let Err(error) =
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy)
    else {
        return;
    };
    tracing::debug!("adverts are not sent in real time: {error}");
    // Linux has a priority for each thread, and takes its number for a process's: setpriority(2).
    if let Err(error) = setpriority_process(Some(gettid()), FIRST) {
        tracing::debug!("adverts wait for their turn on a busy processor: {error}");
    }
}
