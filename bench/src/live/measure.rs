//! Measuring a row. Every run is checked: each frame arrived or was counted as dropped, and lb-ctl
//! counted what it forwarded.

use lb_common::traffic::ROUTER;
use lb_common::verdict::Reason;
use lb_ctl::api::wire;
use serde::Serialize;

use super::row::{Flows, Row};
use crate::lab::Director;
use crate::report::stats::{Figures, Pair};
use crate::stream::{Site, StreamError, Traced};

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Effort {
    /// Packets of one run.
    pub packets: u32,
    /// Runs of each of lb-ctl and yardstick.
    pub runs: u32,
    /// Real servers of the service.
    pub reals: u8,
    /// Possible CPUs of the machine.
    #[serde(skip)]
    pub cpus: u32,
}

/// A row and what it showed.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// The row.
    pub row: Row,
    /// The runs, in frames that arrived in a second.
    pub pairs: Vec<Pair>,
    /// Their figures.
    pub figures: Figures,
    /// Frames of lb-ctl's runs that did not arrive, all of them counted by an interface.
    pub lost: u64,
}

/// Measures a row, lb-ctl and yardstick in turn.
///
/// # Errors
///
/// The kernel refuses, or a run was not what the row says.
///
/// # Panics
///
/// There are no runs to make.
pub fn measure(site: &mut Site, row: &Row, effort: Effort) -> Result<Measured, StreamError> {
    let mut pairs = Vec::new();
    let mut lost = 0;
    for round in 0..effort.runs {
        // Which is first changes, so that neither always finds the machine as the other left it.
        let (ours, swap) = if round.is_multiple_of(2) {
            let ours = lb_ctl_run(site, row, effort)?;
            (ours, swap_run(site, row, effort)?)
        } else {
            let swap = swap_run(site, row, effort)?;
            (lb_ctl_run(site, row, effort)?, swap)
        };
        lost += ours.lost();
        pairs.push(Pair { measured: ours.rate(), yardstick: swap.rate() });
    }
    let figures = Figures::of(&pairs).expect("the caller asks for at least one run");
    Ok(Measured { row: *row, pairs, figures, lost })
}

/// One run of lb-ctl, with a daemon and tables of its own.
fn lb_ctl_run(site: &mut Site, row: &Row, effort: Effort) -> Result<Traced, StreamError> {
    let (run, stream) = (row.label(), row.stream());
    let room = row.max_connections(effort.cpus);
    let director = site.start_lb_ctl(row.tracking, row.family, effort.reals, room)?;
    site.begin(&stream)?;
    let warm = site.send(&run, &stream, row.warm_up(effort.cpus))?;
    let traced = site.send(&run, &stream, effort.packets)?;
    let (forwarded, left) = (forwarded(&director)?, warm.left() + traced.left());
    if forwarded != left {
        return Err(StreamError::Counters { run, forwarded, left });
    }
    check_reals(row, effort, &warm, &traced)?;
    drop(director);
    site.wait_empty()?;
    Ok(traced)
}

/// One run of the yardstick.
fn swap_run(site: &mut Site, row: &Row, effort: Effort) -> Result<Traced, StreamError> {
    let (run, stream) = (format!("MAC swap beside {}", row.label()), row.stream());
    let link = site.start_swap()?;
    site.begin(&stream)?;
    site.send(&run, &stream, row.warm_up(1).min(effort.packets))?;
    let traced = site.send(&run, &stream, effort.packets)?;
    drop(link);
    site.wait_empty()?;
    let back = traced.arrived.with(ROUTER[5]);
    if back == traced.arrived.total() {
        Ok(traced)
    } else {
        let what = format!("only {back} frames came back to their sender: lb-ctl was there");
        Err(StreamError::Astray { run, what })
    }
}

/// What lb-ctl has counted as forwarded.
fn forwarded(director: &Director) -> Result<u64, StreamError> {
    let status: wire::Status = director.ctl_json(&["status"])?;
    let counts = status.packets.iter();
    let ours = counts.filter(|count| count.reason == Reason::Transmitted.name());
    Ok(ours.map(|count| count.packets).sum())
}

/// One flow goes to one real; of many flows every real has its share.
fn check_reals(
    row: &Row,
    effort: Effort,
    warm: &Traced,
    traced: &Traced,
) -> Result<(), StreamError> {
    let used =
        |traced: &Traced| (1..=effort.reals).filter(|real| traced.arrived.with(*real) > 0).count();
    let frames: u64 = (1..=effort.reals).map(|real| traced.arrived.with(real)).sum();
    let wanted = match row.flows {
        Flows::Established(1) => 1,
        _ => effort.reals.into(),
    };
    let (found, all) = (used(traced), traced.arrived.total());
    if found == wanted && used(warm) == wanted && frames == all {
        return Ok(());
    }
    let what = format!("{frames} of {all} frames went to {found} reals, not to {wanted}");
    Err(StreamError::Astray { run: row.label(), what })
}
