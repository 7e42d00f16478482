//! Measuring a row. Every figure is checked: that each packet went through the program, and that
//! the flows were as many as the row says.

use lb_common::verdict::Verdict;

use super::row::Row;
use super::world::World;
use super::{Driver, Entry, ProgramError};
use crate::report::stats::{Figures, Pair, Spread};

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effort {
    /// Packets of one run.
    pub packets: u32,
    /// Runs of each of program and yardstick.
    pub runs: u32,
    /// Possible CPUs of the machine.
    pub cpus: u32,
}

/// A row and what it showed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Measured {
    /// The row.
    pub row: Row,
    /// What it showed, in nanoseconds of a packet.
    pub figures: Figures,
    /// Nanoseconds of a packet in the generator before a bare transmit.
    pub generator_ns: f64,
}

/// Measures a row. Each run has tables of its own: where in memory they come to lie moves the
/// figures of a hundred thousand flows more than anything else, and must show in the spread.
///
/// # Errors
///
/// Where the kernel refuses, or the program did not do what the row says it measures.
///
/// # Panics
///
/// Where there are no runs to make.
pub fn measure(row: &Row, effort: Effort) -> Result<Measured, ProgramError> {
    let mut pairs = Vec::new();
    let mut generator = Vec::new();
    for round in 0..effort.runs {
        let mut bench = Bench::warm(row, effort)?;
        pairs.push(bench.pair(round, effort.packets)?);
        bench.check_connections()?;
        generator.push(bench.yardstick(Entry::Transmit, effort.packets)?);
    }
    let asked = "the caller asks for at least one run";
    let figures = Figures::of(&pairs).expect(asked);
    let generator_ns = Spread::of(generator).expect(asked).median;
    Ok(Measured { row: *row, figures, generator_ns })
}

struct Bench<'a> {
    row: &'a Row,
    frame: Vec<u8>,
    world: World,
    driver: Driver,
    /// Run through the program so far.
    packets: u64,
}

impl<'a> Bench<'a> {
    /// The row's world, after the packets that come before any measuring.
    fn warm(row: &'a Row, effort: Effort) -> Result<Self, ProgramError> {
        let mut world = World::load(row, effort.cpus)?;
        let mut driver = world.driver()?;
        driver.set_traffic(row.traffic())?;
        let mut bench = Self { row, frame: row.frame(), world, driver, packets: 0 };
        if let Some(opening) = row.opening_frame() {
            bench.frame = opening;
            bench.program(row.flows)?;
            bench.frame = row.frame();
        }
        bench.program(row.warm_up(effort.cpus))?;
        bench.check_connections()?;
        bench.yardstick(Entry::Swap, effort.packets)?;
        Ok(bench)
    }

    /// One run of each. Which is first changes, so that neither always finds the cache as the
    /// other left it.
    fn pair(&mut self, round: u32, packets: u32) -> Result<Pair, ProgramError> {
        if round.is_multiple_of(2) {
            let measured = self.program(packets)?;
            Ok(Pair { measured, yardstick: self.yardstick(Entry::Swap, packets)? })
        } else {
            let yardstick = self.yardstick(Entry::Swap, packets)?;
            Ok(Pair { measured: self.program(packets)?, yardstick })
        }
    }

    fn program(&mut self, packets: u32) -> Result<f64, ProgramError> {
        let wanted = match self.row.reason().verdict() {
            Verdict::Drop => 1,
            Verdict::Pass => 2,
            Verdict::Transmit => 3,
            Verdict::Redirect => 4,
        };
        let took = self.run(Entry::Program, packets, wanted)?;
        self.packets += u64::from(packets);
        self.check_packets()?;
        Ok(took)
    }

    fn yardstick(&mut self, entry: Entry, packets: u32) -> Result<f64, ProgramError> {
        let took = self.run(entry, packets, 3)?;
        self.check_packets()?;
        Ok(took)
    }

    fn run(&mut self, entry: Entry, packets: u32, wanted: u32) -> Result<f64, ProgramError> {
        let ran = self.driver.run(entry, &self.frame, packets)?;
        if ran.action == wanted {
            Ok(ran.packet_ns)
        } else {
            let (row, measured, found) = (self.row.label(), entry.name(), ran.action);
            Err(ProgramError::Action { row, measured, found, wanted })
        }
    }

    /// The program has counted each packet that was run through it, all by one reason.
    fn check_packets(&self) -> Result<(), ProgramError> {
        let reason = self.row.reason();
        let wanted = self.packets;
        for found in [self.world.counted(reason)?, self.world.counted_in_all()?] {
            if found != wanted {
                let (row, reason) = (self.row.label(), reason.name());
                return Err(ProgramError::Packets { row, reason, found, wanted });
            }
        }
        Ok(())
    }

    fn check_connections(&self) -> Result<(), ProgramError> {
        let wanted = self.row.connections_after(self.packets);
        let found = self.world.connections_counted()?;
        if found == wanted {
            Ok(())
        } else {
            Err(ProgramError::Connections { row: self.row.label(), found, wanted })
        }
    }
}
