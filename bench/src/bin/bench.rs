//! `bench`: the benches. They need root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use bench::program::measure::{Effort, Measured, measure};
use bench::program::report::Report;
use bench::program::row::Row;
use bench::program::{Machine, pin_to_cpu, plot, raise_file_limit, table};
use clap::{Args, Parser, Subcommand};

/// The benches. They need root.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// What the packet program costs, beside a program that only swaps the MACs
    Program(Program),
    /// Every bench there is
    All(Program),
}

#[derive(Args)]
struct Program {
    /// A sanity run of a minute: fewer packets, few flows
    #[arg(long)]
    quick: bool,
    /// Only rows whose name contains this, for example `udp` or `new-flows/full/mh/ipv6`
    #[arg(long, value_name = "NAME")]
    row: Option<String>,
    /// Runs of each row
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Packets of one run [default: 1000000, with --quick 100000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    packets: Option<u32>,
    /// The CPU to run on [default: the last]
    #[arg(long, value_name = "N")]
    cpu: Option<usize>,
    /// Where to write program.json and program.svg
    #[arg(long, default_value = "target/bench", value_name = "DIR")]
    out: PathBuf,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Program(options) | Verb::All(options) => program(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn program(options: &Program) -> anyhow::Result<()> {
    if !nix::unistd::geteuid().is_root() {
        bail!("loading programs needs root: `cargo xtask bench` sees to that");
    }
    let cpu = pin_to_cpu(options.cpu)?;
    raise_file_limit()?;
    let machine = Machine::look(cpu)?;
    let packets = options.packets.unwrap_or(if options.quick { 100_000 } else { 1_000_000 });
    let effort = Effort { packets, runs: options.runs, cpus: machine.cpus };
    let rows = selected(options, packets)?;
    print!("{}", table::head(&machine, effort));
    let measured = measure_all(&rows, effort)?;
    print!("\n{}\n{}", table::table(&measured), table::yardsticks(&measured));
    write(&options.out, &measured, &Report::new(&measured, machine, effort))
}

fn selected(options: &Program, packets: u32) -> anyhow::Result<Vec<Row>> {
    let mut rows = Row::all(packets);
    if options.quick {
        rows.retain(Row::is_quick);
    }
    if let Some(name) = &options.row {
        rows.retain(|row| row.label().contains(name.as_str()));
        if rows.is_empty() {
            let labels: Vec<String> = Row::all(packets).iter().map(Row::label).collect();
            bail!("no row is called {name:?}; there are:\n{}", labels.join("\n"));
        }
    }
    Ok(rows)
}

fn measure_all(rows: &[Row], effort: Effort) -> anyhow::Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        eprintln!("[{}/{}] {}", number + 1, rows.len(), row.label());
        measured.push(measure(row, effort)?);
    }
    Ok(measured)
}

fn write(directory: &Path, measured: &[Measured], report: &Report) -> anyhow::Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    let json = serde_json::to_string_pretty(report)? + "\n";
    let svg = plot::draw(measured).map_err(|e| anyhow::anyhow!("cannot draw the plot: {e}"))?;
    for (name, text) in [("program.json", json), ("program.svg", svg)] {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}
