//! `daemon`.

use std::path::PathBuf;

use super::args::{DaemonArgs, ModeArg};
use super::{CliError, Said, seam};
use crate::logging::{self, LogFormat};

/// How the program is attached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Native, or generic where the driver has no XDP.
    #[default]
    Auto,
    /// In the driver, or not at all.
    Native,
    /// In the kernel's stack.
    Generic,
}

/// What the daemon is told on its command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DaemonOptions {
    /// Interfaces to attach to, in addition to those of the definition file.
    pub interfaces: Vec<String>,
    /// The definition file.
    pub config: PathBuf,
    /// How the program is attached.
    pub mode: Mode,
    /// Where program, links and maps are pinned.
    pub pin_dir: PathBuf,
    /// The socket to listen on.
    pub socket: PathBuf,
    /// The group whose members may use the socket.
    pub socket_group: Option<String>,
    /// Whether forwarding stops when the daemon leaves.
    pub detach_on_exit: bool,
    /// Room for this many services.
    pub max_services: u32,
    /// Room for this many reals, those of all services together.
    pub max_reals: u32,
    /// Room for this many connections of each IP version.
    pub max_connections: u32,
    /// Seed of the flow hash; random where absent.
    pub seed: Option<u64>,
    /// How events are written.
    pub log_format: LogFormat,
}

pub(super) fn run(args: DaemonArgs, socket: PathBuf) -> Said {
    logging::init(args.log_format, args.log_level.as_deref())
        .map_err(|error| CliError::Refused(error.to_string()))?;
    let options = options(args, socket);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime =
        runtime.map_err(|error| CliError::Failed(format!("cannot start threads: {error}")))?;
    runtime.block_on(seam::daemon(options))?;
    Ok(String::new())
}

fn options(args: DaemonArgs, socket: PathBuf) -> DaemonOptions {
    let mode = match args.mode {
        ModeArg::Auto => Mode::Auto,
        ModeArg::Native => Mode::Native,
        ModeArg::Generic => Mode::Generic,
    };
    DaemonOptions {
        interfaces: args.interfaces,
        config: args.config,
        mode,
        pin_dir: args.pin_dir,
        socket,
        socket_group: args.socket_group,
        detach_on_exit: args.detach_on_exit,
        max_services: args.max_services,
        max_reals: args.max_reals,
        max_connections: args.max_connections,
        seed: args.seed,
        log_format: args.log_format,
    }
}
