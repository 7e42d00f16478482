//! What can be typed: clap's types, with nothing resolved.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::examples as example;
use crate::api::socket::DEFAULT_SOCKET;

mod daemon;
mod definition;
mod listing;
mod property;
mod real;
mod real_server;
mod service;
mod vrrp;

pub use daemon::{DaemonArgs, ModeArg};
pub use definition::{ApplyArgs, CheckArgs, ClearArgs, FileArgs, SaveArgs};
pub use listing::{EventsArgs, ListArgs, TraceArgs};
pub use property::PropertyArgs;
pub use real::{
    AddRealArgs, CheckNowArgs, DeleteRealArgs, DisableArgs, DrainArgs, EditRealArgs, RealArg,
};
pub use real_server::{RealServerAction, RealServerArgs, RealServerOptions};
pub use service::{AddServiceArgs, DeleteServiceArgs, EditServiceArgs, OnlyArg, ServiceArg};
pub use vrrp::{HandoverArgs, RouterArg, VrrpAction, VrrpArgs};

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
    /// Take a real server out altogether, whatever its check says: it gets no packets
    #[command(after_help = example::DISABLE_REAL)]
    DisableReal(DisableArgs),
    /// Put a disabled real server back, as it was
    #[command(after_help = example::ENABLE_REAL)]
    EnableReal(DisableArgs),
    /// Check real servers now, and say what was found
    #[command(after_help = example::CHECK_NOW)]
    CheckNow(CheckNowArgs),
    /// List services and real servers
    #[command(after_help = example::LIST)]
    List(ListArgs),
    /// Parse and validate a definition file, without a daemon
    #[command(after_help = example::CHECK)]
    Check(CheckArgs),
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
    /// Say what the daemon does: interfaces, program, maps, virtual routers, packets, definition file
    #[command(after_help = example::STATUS)]
    Status,
    /// Show packets as they come, and what becomes of each
    #[command(after_help = example::TRACE)]
    Trace(TraceArgs),
    /// Show what happened, and what happens
    #[command(after_help = example::EVENTS)]
    Events(EventsArgs),
    /// Say who has the virtual addresses, or leave them to another director
    #[command(after_help = example::VRRP)]
    Vrrp(VrrpArgs),
    /// Print the JSON Schema of the definition file
    #[command(after_help = example::SCHEMA)]
    Schema,
    /// Prepare the real server this runs on, take that back, or check it
    #[command(after_help = example::REAL_SERVER)]
    RealServer(RealServerArgs),
}

/// What every verb that changes definitions takes.
#[derive(Debug, Args)]
pub struct ForceArg {
    /// Write over a definition file that was edited by hand since it was read
    #[arg(long)]
    pub force: bool,
}

#[cfg(test)]
mod tests;
