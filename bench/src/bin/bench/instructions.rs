//! `bench instructions`.

use std::path::PathBuf;

use anyhow::bail;
use bench::instructions::{
    Count, Effort, InstructionsError, Reference, Tolerance, count, counts_instructions, rows, table,
};
use bench::report::bars::{self, Bar};
use bench::report::table::head;
use bench::report::{self, Machine, Report};
use clap::Args;
use serde::Serialize;

use crate::options::need_root;

#[derive(Args)]
pub(crate) struct Options {
    /// Packets of one run
    #[arg(long, default_value_t = 20_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    packets: u32,
    /// Runs of each row: the clock counts, and one is as good as another
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// The earlier instructions.json to compare with
    #[arg(long, default_value = "bench/instructions.json", value_name = "FILE")]
    reference: PathBuf,
    /// Do not fail, whatever has grown, and even without an earlier file
    #[arg(long)]
    accept: bool,
    /// Where to write the results, as JSON and SVG
    #[arg(long, default_value = "target/bench", value_name = "DIR")]
    out: PathBuf,
}

/// How the figures were got: keys of the file beside the rows.
#[derive(Serialize)]
struct Method {
    #[serde(flatten)]
    effort: Effort,
    /// What compiled the program.
    compiler: &'static str,
}

const COMPILER: &str = env!("BENCH_BPF_COMPILER");

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    need_root()?;
    if !counts_instructions()? {
        bail!(InstructionsError::Clock);
    }
    let reference = match Reference::read(&options.reference) {
        Ok(reference) => reference,
        Err(_) if options.accept => Reference::default(),
        Err(error) => return Err(error.into()),
    };
    let machine = Machine::look("BPF_PROG_TEST_RUN, QEMU -icount".to_owned())?;
    let effort = Effort { packets: options.packets, runs: options.runs };
    let method = format!("median of {} runs of {} packets each", effort.runs, effort.packets);
    print!("{}", head(&machine, &method));
    let counts = rows(effort.packets)
        .iter()
        .map(|row| count(row, effort))
        .collect::<Result<Vec<Count>, _>>()?;
    let compared = reference.compare(&counts);
    print!("\n{}\n", table::table(&compared));
    let svg = bars::draw("instructions of a packet in the program", &bars(&counts))?;
    let kernel = machine.kernel.clone();
    let method = Method { effort, compiler: COMPILER };
    for path in report::write(
        &options.out,
        "instructions",
        &Report { rows: counts, machine, method },
        &svg,
    )? {
        println!("{}", path.display());
    }
    if !options.accept {
        print!("{}", reference.judge(&compared, Tolerance::HOUSE, &kernel, COMPILER)?);
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "instructions of a packet are few")]
fn bars(counts: &[Count]) -> Vec<Bar> {
    let bar = |count: &Count| {
        let figure = count.instructions as f64;
        let label = count.instructions.to_string();
        Bar { name: count.label(), figure, spread: (figure, figure), label }
    };
    counts.iter().map(bar).collect()
}
