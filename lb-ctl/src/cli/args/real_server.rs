//! What `real-server` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::example;

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
