//! `bench churn`.

use bench::churn::measure::{Effort, Group, Sample, play};
use bench::churn::report::{Measured, measured, report};
use bench::churn::script::MACHINES;
use bench::churn::{plot, table};
use bench::report::{Machine, pin_to_cpu};
use bench::stream::{SinkProgram, Site, SiteOptions, Tracking};
use clap::Args;

use crate::options::{Common, LbCtl, need_root, select};

/// Flows that begin after each event and stay.
const NEW_FLOWS: u32 = 2_000;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    lb_ctl: LbCtl,
    /// Only rows of this tracking mode or family, for example `full` or `changes/ipv6`
    #[arg(long, value_name = "NAME")]
    row: Option<String>,
    /// Live flows at the beginning [default: 100000, with --quick 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1_000..=200_000))]
    flows: Option<u32>,
}

impl From<Common> for Options {
    fn from(common: Common) -> Self {
        Self { common, lb_ctl: LbCtl::default(), row: None, flows: None }
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    need_root()?;
    let common = &options.common;
    // What is started here inherits it: a veth works on the CPU that wakes it.
    let cpu = pin_to_cpu(common.cpu)?;
    let machine = Machine::look(format!("live frames on veth, all on CPU {cpu}"))?;
    let flows = options.flows.unwrap_or(if common.quick { 10_000 } else { 100_000 });
    let (new_flows, runs, cpus) = (NEW_FLOWS, common.runs, machine.cpus);
    let effort = Effort { flows, new_flows, runs, cpus };
    let lb_ctl = options.lb_ctl.find()?;
    let groups = Group::all(&Tracking::ALL);
    let groups = select(groups, options.row.as_deref(), Group::label)?;
    print!("{}", table::head(&machine, effort));
    let sink = SinkProgram::Record;
    let mut site = Site::build(&SiteOptions { lb_ctl, cpu, reals: MACHINES, sink })?;
    let rows = measure_all(&mut site, &groups, effort)?;
    print!("\n{}\n", table::table(&rows, effort));
    common.write("churn", &report(&rows, machine, effort), &plot::draw(&rows, effort)?)
}

/// Every group in each round, so that all meet the same moments of the machine.
fn measure_all(site: &mut Site, groups: &[Group], effort: Effort) -> anyhow::Result<Vec<Measured>> {
    let mut runs: Vec<Vec<Vec<Sample>>> = vec![Vec::new(); groups.len()];
    for run in 0..effort.runs {
        for (group, runs) in groups.iter().zip(&mut runs) {
            eprintln!("[{}/{}] {}", run + 1, effort.runs, group.label());
            runs.push(play(site, *group, run, effort)?);
        }
    }
    let rows = groups.iter().zip(&runs).map(|(group, runs)| measured(*group, runs, effort));
    Ok(rows.flatten().collect())
}
