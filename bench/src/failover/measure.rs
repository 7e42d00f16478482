//! One run of a row: the master leaves, and a client says how long nobody answered.

use std::thread;
use std::time::Duration;

use super::FailoverError;
use super::adverts;
use super::party::Party;
use super::probe::{Answered, Probe};
use super::row::{Event, Row, Who};
use super::world::{HELD, SERVED, World};
use crate::lab::wait_until;

/// The time between two questions of the client: what the figures can tell apart.
pub const EVERY: Duration = Duration::from_millis(1);

/// How long anything may take that works.
const LIMIT: Duration = Duration::from_secs(30);

/// So many answers in a row say that an address has settled.
const SETTLED: usize = 50;

const FIRST: u8 = 150;
const SECOND: u8 = 100;

/// Which run this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Number {
    /// Counted from 0.
    pub run: u32,
    /// How many there will be.
    pub of: u32,
}

/// How long the client was without an answer.
///
/// # Errors
///
/// Something does not start, or the address does not move.
pub fn run(world: &World, row: &Row, number: Number) -> Result<Duration, FailoverError> {
    let gap = outage(world, row, number);
    world.restore()?;
    gap
}

fn outage(world: &World, row: &Row, number: Number) -> Result<Duration, FailoverError> {
    let [first, second] = world.directors();
    let mut master = Party::start(world, first, row, FIRST)?;
    let backup = Party::start(world, second, row, SECOND)?;
    let holder = Probe::start(&world.lab.client, HELD, EVERY)?;
    let label = first.label();
    settle(&holder, &label)?;
    wait_until("the second director to be backup", LIMIT, || backup.is_backup())?;
    let served = (row.who == Who::Balancing)
        .then(|| Probe::start(&world.lab.client, SERVED, EVERY))
        .transpose()?;
    if let Some(served) = &served {
        more_answers(served)?;
    }

    // The events fall evenly between two adverts, or chance would decide who is faster.
    adverts::wait(&world.lab.client)?;
    thread::sleep(row.interval * number.run / number.of);
    let client = served.as_ref().unwrap_or(&holder);
    let since = client.now();
    if row.event == Event::Cut {
        world.lab.cut(first, 0)?;
    }
    master.leave(row.event)?;
    settle(&holder, &second.label())?;
    more_answers(client)?;
    let timeline = served.unwrap_or(holder).stop();
    Ok(timeline.longest_gap(since).length())
}

/// Waits until this director answers, and goes on to.
fn settle(holder: &Probe, director: &str) -> Result<(), FailoverError> {
    let settled = |it: &Answered| it.from == director && it.in_a_row >= SETTLED;
    let what = format!("{director} to answer");
    Ok(wait_until(&what, LIMIT, || Ok(holder.answered().as_ref().is_some_and(settled)))?)
}

/// Waits until more answers have come from anybody.
fn more_answers(probe: &Probe) -> Result<(), FailoverError> {
    let answers = || probe.answered().map_or(0, |answered| answered.in_all);
    let before = answers();
    Ok(wait_until("answers", LIMIT, || Ok(answers() >= before + SETTLED))?)
}
