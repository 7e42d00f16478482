//! `bench failover`.

use std::time::Duration;

use bench::failover::measure::{EVERY, Number, run as run_once};
use bench::failover::report::{Effort, measured, report};
use bench::failover::row::Row;
use bench::failover::world::World;
use bench::failover::{busy, plot, table};
use bench::report::Machine;
use clap::Args;

use crate::options::{Common, LbCtl, need_root, select};

#[derive(Args)]
#[command(mut_arg("runs", |runs| runs.default_value("10")))]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    lb_ctl: LbCtl,
    /// Only rows whose name contains this, for example `10ms` or `cut/keepalived`; `adverts` for
    /// how evenly they come alone
    #[arg(long, value_name = "NAME")]
    row: Option<String>,
}

impl From<Common> for Options {
    fn from(common: Common) -> Self {
        Self { common, lb_ctl: LbCtl::default(), row: None }
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    need_root()?;
    let common = &options.common;
    let machine = Machine::look("two directors in network namespaces".to_owned())?;
    let runs = if common.quick { common.runs.min(2) } else { common.runs };
    let resolution_ms = EVERY.as_secs_f64() * 1e3;
    let mut effort = Effort { runs, resolution_ms, adverts: Vec::new() };
    print!("{}", table::head(&machine, &effort));
    let lb_ctl = options.lb_ctl.find()?;
    let only_adverts = options.row.as_deref() == Some("adverts");
    let rows = if only_adverts { Vec::new() } else { selected(options)? };
    let rows = measured(&measure_all(&World::build(&lb_ctl)?, &rows, runs)?);
    print!("\n{}\n", table::table(&rows));
    if only_adverts || options.row.is_none() {
        let services = if common.quick { 1_000 } else { 10_000 };
        effort.adverts = busy::measure(&lb_ctl, services)?.iter().map(Into::into).collect();
        println!("{}", table::adverts(&effort.adverts));
    }
    common.write("failover", &report(&rows, machine, effort), &plot::draw(&rows)?)
}

fn selected(options: &Options) -> anyhow::Result<Vec<Row>> {
    let mut rows = Row::all();
    if options.common.quick {
        rows.retain(|row| row.interval < Duration::from_secs(1));
    }
    select(rows, options.row.as_deref(), Row::label)
}

/// Every row in each round, so that all meet the same moments of the machine.
fn measure_all(
    world: &World,
    rows: &[Row],
    runs: u32,
) -> anyhow::Result<Vec<(Row, Vec<Duration>)>> {
    let mut gaps: Vec<_> = rows.iter().map(|row| (*row, Vec::new())).collect();
    for number in 0..runs {
        for (row, gaps) in &mut gaps {
            let gap = run_once(world, row, Number { run: number, of: runs })?;
            eprintln!("[{}/{runs}] {}: {:.1} ms", number + 1, row.label(), gap.as_secs_f64() * 1e3);
            gaps.push(gap);
        }
    }
    Ok(gaps)
}
