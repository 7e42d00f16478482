//! `bench program`.

use bench::program::measure::{Effort, Measured, measure};
use bench::program::report::report;
use bench::program::row::{Row, Scheduler};
use bench::program::{plot, rows, schedulers, table};
use bench::report::{Machine, pin_to_cpu, raise_file_limit};
use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::options::{Common, need_root, select};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    /// Only rows whose name contains this, for example `udp` or `new-flows/full/mh/ipv6`
    #[arg(long, value_name = "NAME")]
    row: Option<String>,
    /// Only rows of these schedulers, for example `rr,wrr`
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = scheduler_names())]
    scheduler: Vec<String>,
    /// Packets of one run [default: 1000000, with --quick 100000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    packets: Option<u32>,
}

impl From<Common> for Options {
    fn from(common: Common) -> Self {
        Self { common, row: None, scheduler: Vec::new(), packets: None }
    }
}

fn scheduler_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Scheduler::ALL.map(Scheduler::name))
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    need_root()?;
    let common = &options.common;
    let cpu = pin_to_cpu(common.cpu)?;
    raise_file_limit()?;
    let machine = Machine::look(format!("BPF_PROG_TEST_RUN on CPU {cpu}"))?;
    let packets = options.packets.unwrap_or(if common.quick { 100_000 } else { 1_000_000 });
    let effort = Effort { packets, runs: common.runs, cpus: machine.cpus };
    let rows = selected(options, packets)?;
    print!("{}", table::head(&machine, effort));
    let measured = measure_all(&rows, effort)?;
    print!("\n{}\n{}", table::table(&measured), table::yardsticks(&measured));
    common.write("program", &report(&measured, machine, effort), &plot::draw(&measured)?)?;
    match schedulers::draw(&measured)? {
        Some(svg) => common.write_plot("program-schedulers", &svg),
        None => Ok(()),
    }
}

fn selected(options: &Options, packets: u32) -> anyhow::Result<Vec<Row>> {
    let mut rows = rows::all(packets);
    if options.common.quick {
        rows.retain(Row::is_quick);
    }
    if !options.scheduler.is_empty() {
        rows.retain(|row| options.scheduler.iter().any(|name| name == row.scheduler.name()));
    }
    select(rows, options.row.as_deref(), Row::label)
}

fn measure_all(rows: &[Row], effort: Effort) -> anyhow::Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        eprintln!("[{}/{}] {}", number + 1, rows.len(), row.label());
        measured.push(measure(row, effort)?);
    }
    Ok(measured)
}
