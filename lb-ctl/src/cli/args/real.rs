//! What the verbs of reals take.

use clap::Args;

use super::{ForceArg, ServiceArg};

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

/// Arguments of `disable-real` and `enable-real`.
#[derive(Debug, Args)]
pub struct DisableArgs {
    /// The real and its service.
    #[command(flatten)]
    pub real: RealArg,
    /// Over edits by hand.
    #[command(flatten)]
    pub force: ForceArg,
}

/// Arguments of `check-now`.
#[derive(Debug, Args)]
pub struct CheckNowArgs {
    /// The service.
    #[command(flatten)]
    pub service: ServiceArg,
    /// Only this real server; a port must be the service's one port [default: all that are not
    /// disabled]
    #[arg(short, long = "real", visible_alias = "real-server", value_name = "RIP[:PORT]")]
    pub real: Option<String>,
}
