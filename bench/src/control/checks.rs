//! What checking many reals takes, and how soon one that fails is out of the ring.

use std::net::IpAddr;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use lb_ctl::instant::from_rfc3339;
use nix::unistd::{SysconfVar, sysconf};
use serde_json::{Value, json};

use super::ControlError;
use super::asked::Asked;
use super::row::{Quantity, Row, Sample};
use super::watch::wait;
use super::world::{Size, World, rip};

/// Where every real takes connections.
const PORT: u16 = 7000;
/// How often each real is checked.
const INTERVAL: Duration = Duration::from_secs(5);
/// What the load is measured over, usually: every real is checked four times.
pub const SPAN: Duration = Duration::from_secs(20);

/// One run: a new daemon checks every real of every service by TCP, through the VIPs.
///
/// # Errors
///
/// Something fails, or does not come about in a minute.
pub fn load(world: &World, size: Size, span: Duration) -> Result<Vec<Sample>, ControlError> {
    world.introduce(size)?;
    let _answering = world.answer(PORT)?;
    let mut run = Asked::start(world, size)?;
    let check = json!({ "type": "tcp", "port": PORT, "interval": "5s", "timeout": "2s" });
    apply(&run, &check)?;
    let before = used(&mut run)?;
    let begin = Instant::now();
    thread::sleep(span);
    let used = used(&mut run)?.saturating_sub(before);
    let share = used.as_secs_f64() / begin.elapsed().as_secs_f64();
    let late = Duration::from_micros(run.status()?.checks.worst_lateness);
    let memory = run.peak()? / 1e3;
    let late = late.as_secs_f64() / INTERVAL.as_secs_f64();
    let figures = [
        (Quantity::CheckLoad, 100.0 * share),
        (Quantity::CheckMemory, memory),
        (Quantity::CheckLateness, 100.0 * late),
    ];
    Ok(figures.map(|(quantity, figure)| Sample { row: Row { quantity, size }, figure }).to_vec())
}

/// One run: a real of a service fails, and loses its slots.
///
/// # Errors
///
/// Something fails, or does not come about in a minute.
pub fn detection(world: &World, size: Size) -> Result<Sample, ControlError> {
    let _answering = world.answer(PORT)?;
    let run = Asked::start(world, size)?;
    let check = json!({
        "type": "tcp", "via": "rip", "port": PORT, "interval": "500ms", "timeout": "50ms", "fall": 1
    });
    apply(&run, &check)?;
    run.rest()?;
    // Not the machine's first address: the kernel would take the others away with it.
    let address = rip(1);
    let before = run.watch.share(0, address)?;
    world.set_answering(address, false)?;
    let out = run.watch.wait_for_none(0, address, before);
    let found = found(&run, address)?;
    world.set_answering(address, true)?;
    let figure = out?.duration_since(found).unwrap_or_default().as_secs_f64() * 1e3;
    Ok(Sample { row: Row { quantity: Quantity::Detection, size }, figure })
}

/// Goes over to these services, and waits until every real has passed its check.
fn apply(run: &Asked, check: &Value) -> Result<(), ControlError> {
    let wanted = u64::from(run.size.services * run.size.reals);
    run.apply(run.size.checked(check))?;
    wait("every real to pass its check", || Ok(run.status()?.checks.up == wanted))
}

/// When the check of a real of the first service has failed.
fn found(run: &Asked, address: IpAddr) -> Result<SystemTime, ControlError> {
    let list = run.runtime.block_on(run.client.list(Some(Size::endpoint(0))))?;
    let mut reals = list.services.into_iter().flat_map(|service| service.reals);
    let real = reals.find(|real| real.address == address);
    let since = real.and_then(|real| from_rfc3339(&real.health?.since?));
    since.ok_or_else(|| ControlError::Io {
        what: "find since when the real is down",
        source: std::io::Error::other(address.to_string()),
    })
}

/// The processor's time that the daemon has had, its system calls included.
fn used(run: &mut Asked) -> Result<Duration, ControlError> {
    let text = run.process("stat")?;
    let ticks = ticks(&text).ok_or_else(|| ControlError::Io {
        what: "find the daemon's time in its status",
        source: std::io::Error::other(text.clone()),
    })?;
    let second = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
    let micros = ticks * 1_000_000 / u64::try_from(second).unwrap_or(100);
    Ok(Duration::from_micros(micros))
}

/// `utime` and `stime` of proc(5), behind the command in brackets.
fn ticks(stat: &str) -> Option<u64> {
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_found_behind_any_command() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 21 34 0 0 20 0 5 0 100";
        assert_eq!(ticks(stat), Some(55));
        assert_eq!(ticks("7 (x) S 1"), None);
    }
}
