//! What every bench can be told.

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use bench::report::{self, Report};
use clap::Args;
use serde::Serialize;

#[derive(Args, Clone)]
pub(crate) struct Common {
    /// A sanity run: few packets, few flows
    #[arg(long)]
    pub(crate) quick: bool,
    /// Runs of each row
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// The CPU to run on [default: the last]
    #[arg(long, value_name = "N")]
    pub(crate) cpu: Option<usize>,
    /// Where to write the results, as JSON and SVG
    #[arg(long, default_value = "target/bench", value_name = "DIR")]
    pub(crate) out: PathBuf,
}

impl Common {
    /// Writes the results and says where they are.
    pub(crate) fn write<R: Serialize, M: Serialize>(
        &self,
        name: &str,
        report: &Report<R, M>,
        svg: &str,
    ) -> anyhow::Result<()> {
        for path in report::write(&self.out, name, report, svg)? {
            println!("{}", path.display());
        }
        Ok(())
    }

    /// Writes another plot and says where it is.
    pub(crate) fn write_plot(&self, name: &str, svg: &str) -> anyhow::Result<()> {
        println!("{}", report::write_plot(&self.out, name, svg)?.display());
        Ok(())
    }
}

#[derive(Args, Default)]
pub(crate) struct LbCtl {
    /// The lb-ctl to measure [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    lb_ctl: Option<PathBuf>,
}

impl LbCtl {
    pub(crate) fn find(&self) -> anyhow::Result<PathBuf> {
        let beside = || env::current_exe().map(|program| program.with_file_name("lb-ctl"));
        self.lb_ctl.clone().map_or_else(beside, Ok).context("where am I?")
    }
}

pub(crate) fn need_root() -> anyhow::Result<()> {
    if !nix::unistd::geteuid().is_root() {
        bail!("loading programs needs root: `cargo xtask bench` sees to that");
    }
    Ok(())
}

/// The rows whose label contains `name`; all where there is none.
pub(crate) fn select<R>(
    mut rows: Vec<R>,
    name: Option<&str>,
    label: impl Fn(&R) -> String,
) -> anyhow::Result<Vec<R>> {
    let Some(name) = name else { return Ok(rows) };
    let labels: Vec<String> = rows.iter().map(&label).collect();
    rows.retain(|row| label(row).contains(name));
    if rows.is_empty() {
        bail!("no row is called {name:?}; there are:\n{}", labels.join("\n"));
    }
    Ok(rows)
}
