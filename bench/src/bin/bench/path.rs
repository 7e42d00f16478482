//! `bench path`: instructions of a packet through a director.

use std::path::PathBuf;

use anyhow::bail;
use bench::instructions::{InstructionsError, counts_instructions};
use bench::path::instructions::{bars, counts, table};
use bench::path::{Passage, PathError, Veth, Way};
use bench::report::table::head;
use bench::report::{self, Machine, Report, Runs, bars};
use clap::Args;

use crate::options::need_root;

#[derive(Args)]
pub(crate) struct Options {
    /// Packets of one run
    #[arg(long, default_value_t = 20_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    packets: u32,
    /// Runs of each way
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// The program that is the director's daemon
    #[arg(long, value_name = "PATH")]
    lb_ctl: PathBuf,
    /// Where to write the results, as JSON and SVG
    #[arg(long, default_value = "target/bench", value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    need_root()?;
    if !counts_instructions()? {
        bail!(InstructionsError::Clock);
    }
    let machine = Machine::look("live frames through a veth, QEMU -icount".to_owned())?;
    let effort = Runs { packets: options.packets, runs: options.runs };
    let method = format!("median of {} runs of {} packets each", effort.runs, effort.packets);
    print!("{}", head(&machine, &method));
    let mut bed = Veth::build(&options.lb_ctl)?;
    let runs = rounds(&Way::ALL, effort.runs, |way| bed.run(way, effort.packets))?;
    let rows = counts(&runs);
    print!("\n{}\n", table(&rows));
    let svg = bars::draw("instructions of a packet, from generator to sink", &bars(&rows))?;
    let report = Report { rows, machine, method: effort };
    for path in report::write(&options.out, "path", &report, &svg)? {
        println!("{}", path.display());
    }
    Ok(())
}

/// Runs all ways, one after the other, so many times.
pub(crate) fn rounds(
    ways: &[Way],
    rounds: u32,
    mut run: impl FnMut(Way) -> Result<Passage, PathError>,
) -> Result<Vec<(Way, Vec<Passage>)>, PathError> {
    let mut all: Vec<(Way, Vec<Passage>)> = ways.iter().map(|way| (*way, Vec::new())).collect();
    for round in 1..=rounds {
        for (way, passages) in &mut all {
            eprintln!("[round {round}/{rounds}] {}", way.name());
            passages.push(run(*way)?);
        }
    }
    Ok(all)
}
