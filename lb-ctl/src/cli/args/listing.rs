//! What the verbs take that show what happens.

use std::path::PathBuf;

use clap::Args;

use super::OnlyArg;

/// Arguments of `list`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that can be typed")]
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only this service.
    #[command(flatten)]
    pub only: OnlyArg,
    /// Show counters
    #[arg(long, group = "what")]
    pub stats: bool,
    /// Show rates, measured for one second
    #[arg(long, group = "what")]
    pub rate: bool,
    /// Show the tracked connections
    #[arg(long, group = "what", alias = "connection")]
    pub connections: bool,
    /// Show how many packets were not forwarded, and why
    #[arg(long, group = "what")]
    pub reasons: bool,
    /// Show counters in full, not in K, M and G
    #[arg(long)]
    pub exact: bool,
    /// Show addresses and ports as numbers, as is always done
    #[arg(short, long)]
    pub numeric: bool,
}

/// Arguments of `trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// Only packets of this service.
    #[command(flatten)]
    pub only: OnlyArg,
    /// Only packets from this address or network
    #[arg(long, value_name = "PREFIX")]
    pub source: Option<String>,
    /// End after this many packets [default: at Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Only one of this many packets, on each CPU
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub every: u32,
    /// Write the first 128 bytes of each frame, as it left, to a file for tcpdump or Wireshark
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Write over a file that exists
    #[arg(long, requires = "write")]
    pub force: bool,
}

/// Arguments of `events`.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Only events of this service and its reals.
    #[command(flatten)]
    pub only: OnlyArg,
    /// Only events of this virtual router and its group
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tcp", "udp"])]
    pub instance: Option<String>,
    /// Show what happens from now on as well, until Ctrl-C
    #[arg(short, long)]
    pub follow: bool,
    /// No more than the last N of the past [default: all of 10,000; with --follow none]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
}
