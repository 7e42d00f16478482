//! The daemon: one task owns the state, and one closed set of events drives it.

mod arrivals;
mod asking;
mod checks;
mod commands;
mod core;
mod error;
mod health;
mod intake;
mod interfaces;
mod members;
pub mod options;
mod preflight;
mod settling;
mod sync;
mod telling;
mod trace;
mod view;
mod vrrp;

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use self::arrivals::Arrivals;
use self::checks::Checks;
use self::core::{Core, Strictness};
pub use self::error::DaemonError;
use self::intake::{Due, Event, Events};
use self::interfaces::Interfaces;
use self::options::DaemonOptions;
use self::settling::Settler;
use self::sync::Syncing;
use self::telling::Telling;
use self::trace::Tracing;
use self::vrrp::VirtualRouters;
use crate::api::door::Door;
use crate::api::{server, socket};
use crate::config::store::Store;
use crate::dataplane::Dataplane;
use crate::dataplane::aya::{AyaDataplane, OpenOptions};
use crate::health::driver::Driver;
use crate::metrics::server as metrics;
use crate::neigh::driver::NeighbourDriver;
use crate::netlink::Netlink;
use crate::reconcile::actual::Actual;
use crate::state::State;
use crate::vrrp::driver as routers;

/// How long changes of links and addresses are gathered before they are acted on.
const GATHER: Duration = Duration::from_millis(100);
/// How often what could not be put into effect is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Runs the daemon until it is told to leave.
///
/// # Errors
///
/// Why it did not start. Once it runs, failures are logged and tried again.
pub async fn run(options: DaemonOptions) -> Result<(), DaemonError> {
    preflight::kernel()?;
    preflight::raise_file_limit();
    let _lock = preflight::lock_pin_dir(&options.pin_dir)?;
    let bound = socket::bind(&options.socket, options.socket_group.as_deref())?;
    let metrics = match options.metrics {
        Some(address) => Some(metrics::bind(address).await?),
        None => None,
    };
    let detach_on_exit = options.detach_on_exit;
    let mut events = Events::listen()?;
    let mut core = Box::pin(start(options, &mut events)).await?;
    let (door, calls) = Door::new();
    events.calls = Some(calls);
    let metrics = metrics.map(|port| tokio::spawn(metrics::serve(port, door.clone())));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(server::serve(bound, door, async {
        // An error is the sender's end, which means the same.
        let _ = stopped.await;
    }));
    notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!("ready");
    let signal = serve(&mut core, &mut events).await;
    notify(&[sd_notify::NotifyState::Stopping]);
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    core.end_trace();
    if let Some(reports) = &mut events.vrrp {
        core.stop_vrrp(reports).await;
    }
    core.telling.end_following();
    drop(stop);
    drop(events);
    if let Err(error) = server.await {
        tracing::error!("the server of the socket: {error}");
    }
    if detach_on_exit {
        core.withdraw().await?;
        tracing::info!("{signal}: left; forwarding has ended");
    } else {
        tracing::info!("{signal}: left; forwarding goes on without a daemon");
    }
    core.telling.finish().await;
    Ok(())
}

async fn start(
    options: DaemonOptions,
    events: &mut Events,
) -> Result<Core<AyaDataplane>, DaemonError> {
    let mut store = Store::open(options.config.clone());
    let written = store.read()?;
    let missing = written.is_none();
    let desired = written.unwrap_or_default();
    let interfaces = Interfaces::new(options.interfaces.clone(), options.mode);
    let moves_only = desired.services.is_empty() && !desired.vrrp.instances.is_empty();
    if interfaces.wanted(&desired).is_empty() && !moves_only {
        return Err(DaemonError::NoInterface(options.config.display().to_string()));
    }
    let (netlink, notices) = Netlink::connect()?;
    interfaces.check(&desired, &netlink.links().await?)?;
    let dataplane = AyaDataplane::open(&OpenOptions {
        pin_dir: options.pin_dir.clone(),
        capacity: options.capacity,
        seed: options.seed,
    })?;
    let actual = dataplane.read_back()?;
    if dataplane.adopted() {
        tell_of_heritage(&actual, missing.then_some(store.path()));
    }
    let (sender, receiver) = mpsc::channel(1024);
    let neighbours = NeighbourDriver::start(netlink.clone(), notices, sender);
    events.net = Some(receiver);
    let (found, walked) = mpsc::channel(1);
    events.walked = Some(walked);
    let (selected, to_tell) = mpsc::channel(1);
    events.selected = Some(to_tell);
    let (hearing, heard) = mpsc::channel(crate::sync::driver::ROOM);
    events.heard = Some(heard);
    let (told, traced) = mpsc::channel(4);
    events.traced = Some(traced);
    let (driver, reports) = Driver::start()?;
    events.health = Some(reports);
    let (routers, reports) = routers::Driver::start().await?;
    events.vrrp = Some(reports);
    let mut settler = Settler::new(found);
    settler.assume_carried(actual.services().values().map(|service| service.id));
    let telling = Telling::new(&desired.notify);
    let mut state = State::new(desired);
    for (address, hop) in core::inherited_hops(&actual) {
        state.inherit_hop(address, hop);
    }
    let mut core = Core {
        options,
        store,
        stale: None,
        state,
        actual,
        dataplane,
        interfaces,
        held: Vec::new(),
        netlink,
        neighbours,
        started: Instant::now(),
        settler,
        syncing: Syncing::new(selected, hearing),
        tracing: Tracing::new(told),
        arrivals: Arrivals::default(),
        telling,
        checks: Checks::new(driver),
        routers: VirtualRouters::new(routers),
        unsettled: false,
        complaint: None,
    };
    let links = core.dataplane.attached()?;
    let held = core.netlink.addresses().await?;
    if let Err(error) = core.converge(Strictness::Strict).await {
        core.take_back_vips(&held).await?;
        core.dataplane.discard(&links)?;
        return Err(error.into());
    }
    core.dataplane.confirm()?;
    Ok(core)
}

/// Logs what an earlier daemon left. Without a definition file none of it stays: that is an empty
/// definition, and perhaps a mistyped path.
fn tell_of_heritage(actual: &Actual, missing: Option<&Path>) {
    let (services, reals) = (actual.services().len(), actual.reals_len());
    tracing::info!("took over {services} services and {reals} reals from an earlier daemon");
    if let Some(path) = missing
        && services > 0
    {
        tracing::warn!("there is no definition file {}: they are taken off", path.display());
    }
}

/// Handles events until one says to leave; returns the signal's name.
async fn serve(core: &mut Core<AyaDataplane>, events: &mut Events) -> &'static str {
    loop {
        if let Some(wait) = core.settling_in() {
            events.settle_rings_after(wait);
        }
        let due = Due {
            take_in: core.arrivals.due(),
            take_in_health: core.checks.due().map(tokio::time::Instant::from_std),
            tell_directors: core.syncing.due(),
            can_take: core.can_take_entries(),
            raise_shares: core.state.health.next_rise().map(tokio::time::Instant::from_std),
        };
        match events.next(due).await {
            Event::Call(call) => core.handle_call(call).await,
            Event::Net(event) => core.handle_net(event),
            Event::TakeIn => core.take_in(),
            Event::Health(reports) => core.checks.hear(reports),
            Event::Vrrp(report) => core.handle_vrrp(report),
            Event::TakeInHealth => core.take_in_health(),
            Event::RaiseShares => core.raise_shares(),
            Event::Settle => {
                events.settle = None;
                core.settle().await;
                if core.unsettled {
                    events.settle_after(RETRY);
                }
            }
            Event::SettleRings => {
                events.settle_rings = None;
                core.settle_rings();
            }
            Event::Walked(walked) => core.handle_walked(walked),
            Event::TellDirectors => core.tell_directors(),
            Event::Selected(found) => core.handle_selected(found),
            Event::Heard(heard) => core.handle_heard(heard),
            Event::Traced(heard) => core.handle_traced(heard),
            Event::Reload => {
                notify_reloading();
                if let Err(error) = core.reload().await {
                    tracing::error!("reload: {error}; the last good state runs on");
                }
                notify(&[sd_notify::NotifyState::Ready]);
            }
            Event::Leave(signal) => return signal,
        }
        if core.unsettled {
            events.settle_after(GATHER);
        }
    }
}

fn notify(states: &[sd_notify::NotifyState<'_>]) {
    // Not under systemd there is nobody to tell.
    let _ = sd_notify::notify(states);
}

fn notify_reloading() {
    match sd_notify::NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[sd_notify::NotifyState::Reloading, now]),
        Err(_) => notify(&[sd_notify::NotifyState::Reloading]),
    }
}
