//! Measuring: one run of everything at one size.

use std::hint::black_box;
use std::net::IpAddr;
use std::time::Instant;

use lb_ctl::api::client::{Client, ClientError};
use lb_ctl::api::wire;
use lb_ctl::command::OnHandEdit;
use lb_ctl::sched::maglev::{Member, fill};

use super::ControlError;
use super::asked::Asked;
use super::row::{Quantity, Row, Sample};
use super::watch::wait;
use super::world::{Size, World, rip};

/// The service that is changed.
const SERVICE: u32 = 0;

/// One run: a new daemon takes everything at once, then one change after the other.
///
/// # Errors
///
/// Something fails, or does not come about in a minute.
pub fn run(world: &World, size: Size, number: u32) -> Result<Vec<Sample>, ControlError> {
    let mut run = Run { daemon: Asked::start(world, size)?, samples: Vec::new() };
    run.apply()?;
    run.memory()?;
    run.add_real()?;
    run.weigh()?;
    run.weigh_all()?;
    run.change_mac(world, number)?;
    run.fill();
    if size.services >= 10 {
        run.delete_tenth()?;
    }
    Ok(run.samples)
}

struct Run {
    daemon: Asked,
    samples: Vec<Sample>,
}

impl Run {
    fn note(&mut self, quantity: Quantity, figure: f64) {
        self.samples.push(Sample { row: Row { quantity, size: self.daemon.size }, figure });
    }

    fn note_time(&mut self, quantity: Quantity, begin: Instant) {
        self.note(quantity, begin.elapsed().as_secs_f64() * 1e3);
    }

    fn apply(&mut self) -> Result<(), ControlError> {
        let definition = self.daemon.size.definition(1);
        let wanted = u64::from(self.daemon.size.services * self.daemon.size.reals);
        let begin = Instant::now();
        self.daemon.apply(definition)?;
        // A real counts as up when it stands in the maps; that is looked at afterwards.
        wait("every real to be up", || Ok(self.daemon.status()?.reals_up == wanted))?;
        self.note_time(Quantity::Apply, begin);
        self.daemon.watch.check_rings()
    }

    fn memory(&mut self) -> Result<(), ControlError> {
        let (resident, peak) = (self.daemon.resident()?, self.daemon.peak()?);
        self.note(Quantity::Resident, resident / 1e3);
        self.note(Quantity::Peak, peak / 1e3);
        let maps = self.daemon.watch.memory()?;
        self.note(Quantity::Rings, megabytes(maps.rings));
        self.note(Quantity::Tables, megabytes(maps.fixed));
        Ok(())
    }

    fn add_real(&mut self) -> Result<(), ControlError> {
        let address = rip(self.daemon.size.reals);
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
        self.daemon.rest()?;
        let (service, address) = (self.daemon.size.services - 1, rip(0));
        let before = self.daemon.watch.share(service, address)?;
        let (client, definition) = (self.daemon.client.clone(), self.daemon.size.definition(9));
        let begin = Instant::now();
        let answer = self
            .daemon
            .runtime
            .spawn(async move { client.apply(definition, OnHandEdit::Refuse).await });
        let seen = self.daemon.watch.wait_for_more(service, address, before);
        self.daemon.runtime.block_on(answer).expect("a request does not panic")?;
        self.note(Quantity::WeightOfAll, (seen? - begin).as_secs_f64() * 1e3);
        self.daemon.rest()?;
        let peak = self.daemon.peak()? / 1e3;
        self.note(Quantity::PeakOfMoves, peak);
        Ok(())
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
        self.daemon.rest()?;
        let before = self.daemon.watch.share(SERVICE, address)?;
        let begin = Instant::now();
        let answer = self.daemon.runtime.spawn(command(self.daemon.client.clone()));
        let seen = self.daemon.watch.wait_for_more(SERVICE, address, before);
        self.daemon.runtime.block_on(answer).expect("a request does not panic")?;
        self.note(quantity, (seen? - begin).as_secs_f64() * 1e3);
        Ok(())
    }

    fn change_mac(&mut self, world: &World, number: u32) -> Result<(), ControlError> {
        self.daemon.rest()?;
        let mac = [0x02, 0, 0, 0xc0, self.daemon.size.services as u8, number as u8 + 1];
        let begin = Instant::now();
        world.set_mac(mac)?;
        self.daemon.watch.wait_for_mac(mac)?;
        self.note_time(Quantity::Mac, begin);
        Ok(())
    }

    fn delete_tenth(&mut self) -> Result<(), ControlError> {
        self.daemon.rest()?;
        let size = self.daemon.size;
        let rest = Size { services: size.services - size.services / 10, ..size };
        let begin = Instant::now();
        self.daemon.apply(rest.definition(9))?;
        self.note_time(Quantity::Delete, begin);
        Ok(())
    }

    fn fill(&mut self) {
        let member = |n| Member { id: n + 1, address: rip(n), weight: 1 };
        let members: Vec<Member> = (0..self.daemon.size.reals).map(member).collect();
        let begin = Instant::now();
        black_box(fill(black_box(&members), self.daemon.size.ring_slots));
        self.note_time(Quantity::Fill, begin);
    }
}

#[expect(clippy::cast_precision_loss, reason = "memory is counted in far less than 2^52 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
