//! Measuring a row. Every run is checked: each frame arrived or was counted as dropped, and lb-ctl
//! counted what it forwarded.

use std::time::Duration;

use lb_common::traffic::ROUTER;
use lb_common::verdict::Reason;
use lb_ctl::api::wire;
use serde::Serialize;

use super::row::{Flows, Row};
use crate::lab::Director;
use crate::report::stats::{Figures, Pair, Spread};
use crate::stream::{BATCH, Site, Stream, StreamError, Traced};

/// How often a run is made until no frame is lost.
const ATTEMPTS: u32 = 4;

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
    /// Frames of these runs that did not arrive, all of them counted by an interface or lb-ctl.
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
            let ours = lossless(|| lb_ctl_run(site, row, effort))?;
            (ours, lossless(|| swap_run(site, row, effort))?)
        } else {
            let swap = lossless(|| swap_run(site, row, effort))?;
            (lossless(|| lb_ctl_run(site, row, effort))?, swap)
        };
        lost += ours.lost() + swap.lost();
        pairs.push(Pair { measured: ours.rate(), yardstick: swap.rate() });
    }
    let figures = Figures::of(&pairs).expect("the caller asks for at least one run");
    Ok(Measured { row: *row, pairs, figures, lost })
}

/// Where some talk of the bed's own wakes the veth on another CPU in mid-run, that one goes on with
/// the frames, cannot keep up, and the director's ring overflows. Such a run is of something else
/// and is made again; so is one in which a real was out of reach for a while.
fn lossless(mut run: impl FnMut() -> Result<Run, StreamError>) -> Result<Run, StreamError> {
    let mut last = run()?;
    for _ in 1..ATTEMPTS {
        if last.lost() == 0 {
            break;
        }
        last = run()?;
    }
    Ok(last)
}

/// A timed run.
struct Run {
    traced: Traced,
    /// What sending takes besides the frames.
    setup: Duration,
    /// What that was found by.
    batches: [Traced; 3],
    /// What came before all.
    warm: Traced,
}

impl Run {
    /// The kernel waits about 20 ms for itself at the beginning and the end of each batch of test
    /// frames, however many they are; a single batch, three times, shows how long.
    fn make(
        site: &mut Site,
        name: &str,
        stream: &Stream,
        (warm_up, packets): (u32, u32),
        director: Option<&Director>,
    ) -> Result<Self, StreamError> {
        let warm = site.send(name, stream, warm_up, director)?;
        let mut batch = || site.send(name, stream, BATCH, director);
        let batches = [batch()?, batch()?, batch()?];
        let traced = site.send(name, stream, packets, director)?;
        let setups = Spread::of(batches.iter().map(|batch| batch.took.as_secs_f64()));
        let setup = Duration::from_secs_f64(setups.expect("there are three").median);
        Ok(Self { traced, setup, batches, warm })
    }

    /// Everything that was sent.
    fn all(&self) -> impl Iterator<Item = &Traced> {
        self.batches.iter().chain([&self.warm, &self.traced])
    }

    /// Frames that did not arrive.
    fn lost(&self) -> u64 {
        self.all().map(Traced::lost).sum()
    }

    /// Frames that arrived in a second.
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 frames")]
    fn rate(&self) -> f64 {
        let took = self.traced.took.saturating_sub(self.setup);
        self.traced.arrived.total() as f64 / took.as_secs_f64()
    }
}

/// One run of lb-ctl, with a daemon and tables of its own.
fn lb_ctl_run(site: &mut Site, row: &Row, effort: Effort) -> Result<Run, StreamError> {
    let (name, stream) = (row.label(), row.stream());
    let room = row.max_connections(effort.cpus);
    let director = site.start_lb_ctl(row.tracking, row.family, effort.reals, room)?;
    site.begin(&stream)?;
    let sizes = (row.warm_up(effort.cpus), effort.packets);
    let run = Run::make(site, &name, &stream, sizes, Some(&director))?;
    let forwarded = forwarded(&director)?;
    let arrived = run.all().map(|traced| traced.arrived.total()).sum();
    let left = run.all().map(Traced::left).sum();
    if !(arrived..=left).contains(&forwarded) {
        return Err(StreamError::Counters { run: name, forwarded, arrived, left });
    }
    check_reals(row, effort, &run.traced)?;
    drop(director);
    site.wait_empty()?;
    Ok(run)
}

/// One run of the yardstick.
fn swap_run(site: &mut Site, row: &Row, effort: Effort) -> Result<Run, StreamError> {
    let (name, stream) = (format!("MAC swap beside {}", row.label()), row.stream());
    let link = site.start_swap()?;
    site.begin(&stream)?;
    let sizes = (row.warm_up(1).min(effort.packets), effort.packets);
    let run = Run::make(site, &name, &stream, sizes, None)?;
    drop(link);
    site.wait_empty()?;
    let back = run.traced.arrived.with(ROUTER[5]);
    if back == run.traced.arrived.total() {
        Ok(run)
    } else {
        let what = format!("only {back} frames came back to their sender: lb-ctl was there");
        Err(StreamError::Astray { run: name, what })
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
fn check_reals(row: &Row, effort: Effort, traced: &Traced) -> Result<(), StreamError> {
    let arrived = (1..=effort.reals).map(|real| traced.arrived.with(real));
    let wanted = match row.flows {
        Flows::Established(1) => 1,
        _ => effort.reals.into(),
    };
    let found = arrived.clone().filter(|frames| *frames > 0).count();
    let (frames, all): (u64, u64) = (arrived.sum(), traced.arrived.total());
    if found == wanted && frames == all {
        return Ok(());
    }
    let what = format!("{frames} of {all} frames went to {found} reals, not to {wanted}");
    Err(StreamError::Astray { run: row.label(), what })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Arrived;

    fn run(arrived: u64, lost: u64) -> Run {
        let traced = Traced {
            sent: arrived + lost,
            took: Duration::from_millis(520),
            arrived: Arrived::from([(1, arrived)]),
            dropped: (lost, 0),
            refused: 0,
        };
        let clean = Traced { dropped: (0, 0), ..traced.clone() };
        let batches = [clean.clone(), clean.clone(), clean.clone()];
        Run { traced, setup: Duration::from_millis(20), batches, warm: clean }
    }

    #[test]
    fn a_run_with_losses_is_made_again_but_not_for_ever() {
        let mut losses = [7, 3, 0, 5].into_iter();
        let found = lossless(|| Ok(run(100, losses.next().unwrap()))).unwrap();
        assert_eq!((found.lost(), losses.len()), (0, 1));
        let mut made = 0;
        let found = lossless(|| {
            made += 1;
            Ok(run(100, 9))
        });
        assert_eq!((found.unwrap().lost(), made), (9, ATTEMPTS));
    }

    #[test]
    fn the_rate_is_that_of_the_frames_alone() {
        assert_eq!(run(1_000_000, 0).rate().round().to_bits(), 2e6_f64.to_bits());
    }
}
