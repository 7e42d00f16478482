//! What can be typed: clap's types, with nothing resolved.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use lb_common::limits;
use lb_common::ring::MAX_REAL_ID;

use super::examples as example;
use crate::api::socket::DEFAULT_SOCKET;
use crate::logging::LogFormat;
use crate::sched::maglev;
pub use property::PropertyArgs;

mod property;

/// How results are written to standard output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// LVS-DR load balancing at XDP speed.
#[derive(Debug, Parser)]
#[command(name = "lb-ctl", version, disable_version_flag = true, after_help = example::OVERVIEW)]
pub struct Cli {
    /// How results are written to standard output: table or json
    #[arg(short, long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    #[arg(hide_possible_values = true)]
    pub output: Format,
    /// The daemon's socket
    #[arg(long, global = true, env = "LB_CTL_SOCKET", default_value = DEFAULT_SOCKET)]
    #[arg(value_name = "PATH")]
    pub socket: PathBuf,
    /// Print the version
    #[arg(short = 'v', long, short_alias = 'V', action = ArgAction::Version)]
    version: Option<bool>,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Load and attach the XDP program, and keep its maps: the director's service
    #[command(after_help = example::DAEMON)]
    Daemon(DaemonArgs),
    /// Add a service without reals
    #[command(after_help = example::ADD_SERVICE)]
    AddService(AddServiceArgs),
    /// Change properties of a service; those that are not given stay
    #[command(after_help = example::EDIT_SERVICE)]
    EditService(EditServiceArgs),
    /// Delete a service and its reals
    #[command(after_help = example::DELETE_SERVICE)]
    DeleteService(DeleteServiceArgs),
    /// Add a real server to a service
    #[command(after_help = example::ADD_REAL)]
    AddReal(AddRealArgs),
    /// Change a real server's weight
    #[command(after_help = example::EDIT_REAL)]
    EditReal(EditRealArgs),
    /// Delete a real server from a service
    #[command(after_help = example::DELETE_REAL)]
    DeleteReal(DeleteRealArgs),
    /// Take a real server out of scheduling; its connections stay
    #[command(after_help = example::DRAIN)]
    Drain(DrainArgs),
    /// Put a drained real server back, with the weight it had
    #[command(after_help = example::UNDRAIN)]
    Undrain(DrainArgs),
    /// List services and real servers
    #[command(after_help = example::LIST)]
    List(ListArgs),
    /// Parse and validate a definition file, without a daemon
    #[command(after_help = example::CHECK)]
    Check(FileArgs),
    /// Say what applying a definition file would change
    #[command(after_help = example::DIFF)]
    Diff(FileArgs),
    /// Replace all definitions by those of a file
    #[command(after_help = example::APPLY)]
    Apply(ApplyArgs),
    /// Write the definitions as they run
    #[command(after_help = example::SAVE)]
    Save(SaveArgs),
    /// Let the daemon read its definition file again and apply the difference
    #[command(after_help = example::RELOAD)]
    Reload,
    /// Delete every service
    #[command(after_help = example::CLEAR)]
    Clear(ClearArgs),
    /// Set all counters to zero
    #[command(after_help = example::ZERO)]
    Zero,
    /// Say what the daemon does: interfaces, program, maps, packets, definition file
    #[command(after_help = example::STATUS)]
    Status,
    /// Show packets as they come, and what becomes of each
    #[command(after_help = example::TRACE)]
    Trace(TraceArgs),
    /// Print the JSON Schema of the definition file
    #[command(after_help = example::SCHEMA)]
    Schema,
    /// Prepare the real server this runs on, take that back, or check it
    #[command(after_help = example::REAL_SERVER)]
    RealServer(RealServerArgs),
}

/// How the program is attached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum ModeArg {
    /// Native, or generic where the driver has no XDP.
    #[default]
    Auto,
    /// In the driver, or not at all.
    Native,
    /// In the kernel's stack: slower, with every driver.
    Generic,
}

/// Arguments of `daemon`.
#[derive(Debug, Args)]
pub struct DaemonArgs {
    /// Attach to this interface, in addition to those of the definition file (may be repeated)
    #[arg(short, long = "interface", value_name = "IF")]
    pub interfaces: Vec<String>,
    /// The definition file
    #[arg(short, long, value_name = "FILE", default_value = "/etc/lb-ctl/lb-ctl.json")]
    pub config: PathBuf,
    /// How the program is attached
    #[arg(long, value_enum, default_value_t)]
    pub mode: ModeArg,
    /// Where program, links and maps are pinned; on a bpffs
    #[arg(long, value_name = "DIR", default_value = "/sys/fs/bpf/lb-ctl")]
    pub pin_dir: PathBuf,
    /// The group whose members may use the socket
    #[arg(long, value_name = "GROUP")]
    pub socket_group: Option<String>,
    /// Stop forwarding when the daemon leaves
    #[arg(long)]
    pub detach_on_exit: bool,
    /// Room for this many services
    #[arg(long, value_name = "N", default_value_t = limits::DEFAULT_SERVICES)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub max_services: u32,
    /// Room for this many real servers, those of all services together
    #[arg(long, value_name = "N", default_value_t = limits::DEFAULT_REALS)]
    #[arg(value_parser = clap::value_parser!(u32).range(2..=i64::from(MAX_REAL_ID)))]
    pub max_reals: u32,
    /// Room for this many connections of each IP version
    #[arg(long, value_name = "N", default_value_t = limits::DEFAULT_CONNECTIONS)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,
    /// Slots of each service's ring: a prime, at least a hundred times the reals of a service. Each
    /// takes eight bytes; directors that share VIPs need the same
    #[arg(long, value_name = "PRIME", default_value_t = limits::DEFAULT_RING_SLOTS)]
    #[arg(value_parser = ring_slots)]
    pub ring_slots: u32,
    /// Seed of the flow hash; directors that share VIPs need the same, which the default is
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How events are written to standard error
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// Least level of events written: error, warn, info, debug, trace [env: LB_CTL_LOG=]
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
}

/// Names a service.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ServiceArg {
    /// A TCP service; port 0 stands for all ports that no other service at the VIP takes
    #[arg(short = 't', long, visible_alias = "tcp-service", value_name = "VIP:PORT[-PORT]")]
    pub tcp: Option<String>,
    /// A UDP service, likewise
    #[arg(short = 'u', long, visible_alias = "udp-service", value_name = "VIP:PORT[-PORT]")]
    pub udp: Option<String>,
}

/// Names a service, or none.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct OnlyArg {
    /// Only this TCP service
    #[arg(short = 't', long, visible_alias = "tcp-service", value_name = "VIP:PORT[-PORT]")]
    pub tcp: Option<String>,
    /// Only this UDP service
    #[arg(short = 'u', long, visible_alias = "udp-service", value_name = "VIP:PORT[-PORT]")]
    pub udp: Option<String>,
}

/// Names a real of a service.
#[derive(Debug, Args)]
pub struct RealArg {
    /// Its service.
    #[command(flatten)]
    pub service: ServiceArg,
    /// The real server; a port must be the service's one port
    #[arg(short, long = "real", visible_alias = "real-server", value_name = "RIP[:PORT]")]
    pub real: String,
}

/// What every verb that changes definitions takes.
#[derive(Debug, Args)]
pub struct ForceArg {
    /// Write over a definition file that was edited by hand since it was read
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `add-service`.
#[derive(Debug, Args)]
pub struct AddServiceArgs {
    /// The service.
    #[command(flatten)]
    pub service: ServiceArg,
    /// What it is like.
    #[command(flatten)]
    pub properties: PropertyArgs,
    /// Over edits by hand.
    #[command(flatten)]
    pub force: ForceArg,
}

/// Arguments of `edit-service`.
#[derive(Debug, Args)]
#[command(group(
    clap::ArgGroup::new("edit").required(true).multiple(true).args(PropertyArgs::IDS)
))]
pub struct EditServiceArgs {
    /// The service.
    #[command(flatten)]
    pub service: ServiceArg,
    /// What it is to be like.
    #[command(flatten)]
    pub properties: PropertyArgs,
    /// Over edits by hand.
    #[command(flatten)]
    pub force: ForceArg,
}

/// Arguments of `delete-service`.
#[derive(Debug, Args)]
pub struct DeleteServiceArgs {
    /// The service.
    #[command(flatten)]
    pub service: ServiceArg,
    /// Over edits by hand.
    #[command(flatten)]
    pub force: ForceArg,
}

/// Arguments of `add-real`.
#[derive(Debug, Args)]
pub struct AddRealArgs {
    /// The real and its service.
    #[command(flatten)]
    pub real: RealArg,
    /// Share of new connections relative to the other reals, 0 (drain) to 65535
    #[arg(short, long, default_value = "1", allow_hyphen_values = true)]
    pub weight: String,
    /// Forward by direct routing, as is always done
    #[arg(short, long)]
    pub gatewaying: bool,
    /// Over edits by hand.
    #[command(flatten)]
    pub force: ForceArg,
}

/// Arguments of `edit-real`.
#[derive(Debug, Args)]
pub struct EditRealArgs {
    /// The real and its service.
    #[command(flatten)]
    pub real: RealArg,
    /// Share of new connections relative to the other reals, 0 (drain) to 65535
    #[arg(short, long, allow_hyphen_values = true)]
    pub weight: String,
    /// Forward by direct routing, as is always done
    #[arg(short, long)]
    pub gatewaying: bool,
    /// Over edits by hand.
    #[command(flatten)]
    pub force: ForceArg,
}

/// Arguments of `delete-real`.
#[derive(Debug, Args)]
pub struct DeleteRealArgs {
    /// The real and its service.
    #[command(flatten)]
    pub real: RealArg,
    /// Over edits by hand.
    #[command(flatten)]
    pub force: ForceArg,
}

/// Arguments of `drain` and `undrain`.
#[derive(Debug, Args)]
pub struct DrainArgs {
    /// The real and its service.
    #[command(flatten)]
    pub real: RealArg,
    /// Wait until no connection of the real lives any more (undrain: until it takes traffic); where
    /// not every flow is tracked, that takes the service's idle timeout at least
    #[arg(long)]
    pub wait: bool,
    /// Wait no longer than this
    #[arg(long, value_name = "SECONDS", requires = "wait")]
    pub timeout: Option<u64>,
    /// Over edits by hand.
    #[command(flatten)]
    pub force: ForceArg,
}

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

/// Arguments of `check` and `diff`.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// A definition file, or - for standard input
    pub file: PathBuf,
}

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A definition file, or - for standard input
    pub file: PathBuf,
    /// Only say what would change
    #[arg(long)]
    pub dry_run: bool,
    /// Over edits by hand.
    #[command(flatten)]
    pub force: ForceArg,
}

/// Arguments of `save`.
#[derive(Debug, Args)]
pub struct SaveArgs {
    /// The file to write; standard output where absent, or -
    pub file: Option<PathBuf>,
}

/// Arguments of `clear`.
#[derive(Debug, Args)]
pub struct ClearArgs {
    /// Over edits by hand.
    #[command(flatten)]
    pub force: ForceArg,
}

/// Arguments of `real-server`.
#[derive(Debug, Args)]
pub struct RealServerArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: RealServerAction,
}

/// What to do on a real server.
#[derive(Debug, Subcommand)]
pub enum RealServerAction {
    /// Take the VIP's packets without answering ARP for it
    #[command(after_help = example::REAL_SERVER_SETUP)]
    Setup(RealServerOptions),
    /// Take back what setup did
    #[command(after_help = example::REAL_SERVER_UNDO)]
    Undo(RealServerOptions),
    /// Say what is wrong, one line each
    #[command(after_help = example::REAL_SERVER_CHECK)]
    Check(RealServerOptions),
}

/// Arguments of the actions of `real-server`.
#[derive(Debug, Args)]
pub struct RealServerOptions {
    /// The virtual address
    #[arg(long, value_name = "VIP")]
    pub vip: String,
    /// An interface that faces the director [default: all that are up] (may be repeated)
    #[arg(short, long = "interface", value_name = "IF")]
    pub interfaces: Vec<String>,
    /// Where the settings found before are kept, for undo
    #[arg(long, value_name = "DIR", default_value = "/run/lb-ctl")]
    pub state_dir: PathBuf,
}

/// A ring is walked in strides of any length, which meet every slot of a prime number only.
fn ring_slots(text: &str) -> Result<u32, String> {
    let slots: u32 = text.parse().map_err(|_| "it is not a whole number".to_owned())?;
    if !(RING_SLOTS.contains(&slots) && maglev::is_prime(slots)) {
        let (least, most) = (RING_SLOTS.start(), RING_SLOTS.end());
        return Err(format!(
            "it is not a prime from {least} to {most}: 1021, 4093, 16381, 65537 and 262147 are"
        ));
    }
    Ok(slots)
}

const RING_SLOTS: RangeInclusive<u32> = 101..=4_194_301;

#[cfg(test)]
mod tests;
