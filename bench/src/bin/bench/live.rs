//! `bench live`.

use bench::live::measure::{Effort, Measured, measure};
use bench::live::report::report;
use bench::live::row::Row;
use bench::live::{plot, table};
use bench::report::{Machine, pin_to_cpu};
use bench::stream::{SinkProgram, Site, SiteOptions, Tracking};
use clap::Args;

use crate::options::{Common, LbCtl, need_root, select};

/// Real servers.
const REALS: u8 = 10;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    lb_ctl: LbCtl,
    /// Only rows whose name contains this, for example `ipv6` or `established-tcp/full`
    #[arg(long, value_name = "NAME")]
    row: Option<String>,
    /// Packets of one run [default: 4000000, with --quick 1000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(100_000..=100_000_000))]
    packets: Option<u32>,
}

impl From<Common> for Options {
    fn from(common: Common) -> Self {
        Self { common, lb_ctl: LbCtl::default(), row: None, packets: None }
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    need_root()?;
    let common = &options.common;
    // What is started here inherits it: a veth works on the CPU that wakes it.
    let cpu = pin_to_cpu(common.cpu)?;
    let machine = Machine::look(format!("live frames on veth, all on CPU {cpu}"))?;
    let packets = options.packets.unwrap_or(if common.quick { 1_000_000 } else { 4_000_000 });
    let effort = Effort { packets, runs: common.runs, reals: REALS, cpus: machine.cpus };
    let lb_ctl = options.lb_ctl.find()?;
    let rows = selected(options, &Tracking::ALL)?;
    print!("{}", table::head(&machine, effort));
    let mut site =
        Site::build(&SiteOptions { lb_ctl, cpu, reals: REALS, sink: SinkProgram::Count })?;
    let measured = measure_all(&mut site, &rows, effort)?;
    print!("\n{}\n", table::table(&measured));
    common.write("live", &report(&measured, machine, effort), &plot::draw(&measured)?)
}

fn selected(options: &Options, known: &[Tracking]) -> anyhow::Result<Vec<Row>> {
    let mut rows = Row::all(known);
    if options.common.quick {
        rows.retain(Row::is_quick);
    }
    select(rows, options.row.as_deref(), Row::label)
}

fn measure_all(site: &mut Site, rows: &[Row], effort: Effort) -> anyhow::Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        eprintln!("[{}/{}] {}", number + 1, rows.len(), row.label());
        measured.push(measure(site, row, effort)?);
    }
    Ok(measured)
}
