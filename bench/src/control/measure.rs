//! Measuring: one run of everything at one size.

use std::fs;
use std::hint::black_box;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use lb_ctl::api::client::{Client, ClientError};
use lb_ctl::api::wire;
use lb_ctl::command::OnHandEdit;
use lb_ctl::sched::maglev::{Member, fill};
use tokio::runtime::Runtime;

use super::ControlError;
use super::row::{Quantity, Row, Sample};
use super::watch::{Watch, wait};
use super::world::{Size, World, rip};
use crate::lab::Director;

/// How long the daemon may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// The service that is changed.
const SERVICE: u32 = 0;

/// One run: a new daemon takes everything at once, then one change after the other.
///
/// # Errors
///
/// Something fails, or does not come about in a minute.
pub fn run(world: &World, size: Size, number: u32) -> Result<Vec<Sample>, ControlError> {
    let director = world.start(size)?;
    let runtime = Runtime::new()
        .map_err(|source| ControlError::Io { what: "start a runtime for requests", source })?;
    let client = Client::new(director.socket()).with_patience(PATIENCE);
    let watch = Watch::open(director.pins(), size)?;
    let mut run = Run { runtime, client, director, watch, size, samples: Vec::new() };
    run.apply()?;
    run.memory()?;
    run.add_real()?;
    run.weigh()?;
    run.weigh_all()?;
    run.change_mac(world, number)?;
    run.fill();
    Ok(run.samples)
}

struct Run {
    runtime: Runtime,
    client: Client,
    director: Director,
    watch: Watch,
    size: Size,
    samples: Vec<Sample>,
}

impl Run {
    fn note(&mut self, quantity: Quantity, figure: f64) {
        self.samples.push(Sample { row: Row { quantity, size: self.size }, figure });
    }

    fn note_time(&mut self, quantity: Quantity, begin: Instant) {
        self.note(quantity, begin.elapsed().as_secs_f64() * 1e3);
    }

    fn apply(&mut self) -> Result<(), ControlError> {
        let definition = self.size.definition(1);
        let wanted = u64::from(self.size.services * self.size.reals);
        let begin = Instant::now();
        self.runtime.block_on(self.client.apply(definition, OnHandEdit::Refuse))?;
        // A real counts as up when it stands in the maps; that is looked at afterwards.
        wait("every real to be up", || {
            let status = self.runtime.block_on(self.client.status())?;
            Ok(status.reals_up == wanted)
        })?;
        self.note_time(Quantity::Apply, begin);
        self.watch.check_rings()
    }

    fn memory(&mut self) -> Result<(), ControlError> {
        let text = self.status()?;
        for (quantity, key) in [(Quantity::Resident, "VmRSS:"), (Quantity::Peak, "VmHWM:")] {
            self.note(quantity, kilobytes(&text, key)? / 1e3);
        }
        let maps = self.watch.memory()?;
        self.note(Quantity::Rings, megabytes(maps.rings));
        self.note(Quantity::Tables, megabytes(maps.fixed));
        Ok(())
    }

    fn add_real(&mut self) -> Result<(), ControlError> {
        let address = rip(self.size.reals);
        let real = wire::NewReal { address, weight: None };
        let endpoint = Size::endpoint(SERVICE);
        let command = |client: Client| async move {
            client.add_real(endpoint, &real, OnHandEdit::Refuse).await
        };
        self.change(Quantity::AddReal, address, command)
    }

    fn weigh(&mut self) -> Result<(), ControlError> {
        let address = rip(0);
        let edit = wire::RealEdit { weight: Some(3), ..wire::RealEdit::default() };
        let endpoint = Size::endpoint(SERVICE);
        let command = |client: Client| async move {
            client.edit_real(endpoint, address, &edit, OnHandEdit::Refuse).await
        };
        self.change(Quantity::Weight, address, command)
    }

    /// Changes every ring at once. The last service is the last to be changed.
    fn weigh_all(&mut self) -> Result<(), ControlError> {
        self.rest()?;
        let (service, address) = (self.size.services - 1, rip(0));
        let before = self.watch.share(service, address)?;
        let (client, definition) = (self.client.clone(), self.size.definition(9));
        let begin = Instant::now();
        let answer =
            self.runtime.spawn(async move { client.apply(definition, OnHandEdit::Refuse).await });
        let seen = self.watch.wait_for_more(service, address, before);
        self.runtime.block_on(answer).expect("a request does not panic")?;
        self.note(Quantity::WeightOfAll, (seen? - begin).as_secs_f64() * 1e3);
        self.rest()?;
        let peak = kilobytes(&self.status()?, "VmHWM:")? / 1e3;
        self.note(Quantity::PeakOfMoves, peak);
        Ok(())
    }

    /// What the kernel says of the daemon's process.
    fn status(&mut self) -> Result<String, ControlError> {
        let path = format!("/proc/{}/status", self.director.process().id());
        fs::read_to_string(path)
            .map_err(|source| ControlError::Io { what: "read the daemon's memory", source })
    }

    /// Gives a command after which this real has more slots. The maps are looked at meanwhile: the
    /// daemon answers when no packet can see the old ring any more.
    fn change<F>(
        &mut self,
        quantity: Quantity,
        address: IpAddr,
        command: impl FnOnce(Client) -> F,
    ) -> Result<(), ControlError>
    where
        F: Future<Output = Result<wire::Changes, ClientError>> + Send + 'static,
    {
        self.rest()?;
        let before = self.watch.share(SERVICE, address)?;
        let begin = Instant::now();
        let answer = self.runtime.spawn(command(self.client.clone()));
        let seen = self.watch.wait_for_more(SERVICE, address, before);
        self.runtime.block_on(answer).expect("a request does not panic")?;
        self.note(quantity, (seen? - begin).as_secs_f64() * 1e3);
        Ok(())
    }

    fn change_mac(&mut self, world: &World, number: u32) -> Result<(), ControlError> {
        self.rest()?;
        let mac = [0x02, 0, 0, 0xc0, self.size.services as u8, number as u8 + 1];
        let begin = Instant::now();
        world.set_mac(mac)?;
        self.watch.wait_for_mac(mac)?;
        self.note_time(Quantity::Mac, begin);
        Ok(())
    }

    /// Waits until rings have come to rest after the change before.
    fn rest(&self) -> Result<(), ControlError> {
        wait("the rings to come to rest", || {
            let status = self.runtime.block_on(self.client.status())?;
            Ok(status.settling.is_empty())
        })
    }

    fn fill(&mut self) {
        let member = |n| Member { id: n + 1, address: rip(n), weight: 1 };
        let members: Vec<Member> = (0..self.size.reals).map(member).collect();
        let begin = Instant::now();
        black_box(fill(black_box(&members), self.size.ring_slots));
        self.note_time(Quantity::Fill, begin);
    }
}

/// A figure of `/proc/PID/status`.
pub(super) fn kilobytes(status: &str, key: &str) -> Result<f64, ControlError> {
    let found = status.lines().find_map(|line| line.strip_prefix(key));
    let number = found.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse().ok());
    number.ok_or_else(|| ControlError::Io {
        what: "find the daemon's memory in its status",
        source: std::io::Error::other(key.to_owned()),
    })
}

#[expect(clippy::cast_precision_loss, reason = "memory is counted in far less than 2^52 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_found() {
        let status = "VmHWM:\t   26360 kB\nVmRSS:\t   16644 kB\nThreads:\t3\n";
        assert!((kilobytes(status, "VmRSS:").unwrap() - 16_644.0).abs() < 0.5);
        assert!(kilobytes(status, "Threads:").is_err());
    }
}
