//! `bench control`.

use bench::control::checks;
use bench::control::measure::run as run_once;
use bench::control::report::{Effort, measured, report};
use bench::control::row::Sample;
use bench::control::world::{Size, World};
use bench::control::{plot, table};
use bench::report::Machine;
use clap::Args;

use crate::options::{Common, LbCtl, need_root};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    lb_ctl: LbCtl,
}

impl From<Common> for Options {
    fn from(common: Common) -> Self {
        Self { common, lb_ctl: LbCtl::default() }
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    need_root()?;
    let common = &options.common;
    let machine = Machine::look("a daemon in a network namespace".to_owned())?;
    let effort = Effort { runs: common.runs };
    let many = if common.quick { Size { services: 1000, ..Size::MANY } } else { Size::MANY };
    print!("{}", table::head(&machine, effort));
    let world = World::build(&options.lb_ctl.find()?)?;
    let mut samples = measure_all(&world, &[many, Size::WIDE], effort)?;
    let checked = if common.quick { Size { services: 10, ..Size::CHECKED } } else { Size::CHECKED };
    samples.extend(check_all(&world, checked, effort)?);
    let rows = measured(&samples);
    print!("\n{}\n", table::table(&rows));
    common.write("control", &report(&rows, machine, effort), &plot::draw(&rows)?)
}

/// Checks of very many reals, and the failure of one of many.
fn check_all(world: &World, many: Size, effort: Effort) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for number in 0..effort.runs {
        let Size { services, reals, .. } = many;
        eprintln!("[{}/{}] {} checks", number + 1, effort.runs, services * reals);
        samples.push(checks::detection(world, Size::WIDE)?);
        samples.extend(checks::load(world, many, checks::SPAN)?);
    }
    Ok(samples)
}

/// Every size in each round, so that all meet the same moments of the machine.
fn measure_all(world: &World, sizes: &[Size], effort: Effort) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for number in 0..effort.runs {
        for size in sizes {
            let Size { services, reals, .. } = size;
            eprintln!("[{}/{}] {services} services × {reals} reals", number + 1, effort.runs);
            samples.extend(run_once(world, *size, number)?);
        }
    }
    Ok(samples)
}
