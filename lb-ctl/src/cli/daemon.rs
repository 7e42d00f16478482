//! `daemon`.

use std::path::PathBuf;

use lb_common::hash::DEFAULT_SEED;

use super::args::{DaemonArgs, ModeArg};
use super::{CliError, Said};
use crate::daemon::{self, options::DaemonOptions};
use crate::dataplane::{Capacity, ModeChoice};
use crate::logging;

pub(super) fn run(args: DaemonArgs, socket: PathBuf) -> Said {
    logging::init(args.log_format, args.log_level.as_deref()).map_err(CliError::refused)?;
    let options = options(args, socket);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| CliError::Failed(format!("cannot start threads: {error}")))?;
    runtime.block_on(daemon::run(options)).map_err(|error| {
        if error.is_refusal() {
            CliError::refused(error)
        } else {
            CliError::Failed(error.to_string())
        }
    })?;
    Ok(String::new())
}

fn options(args: DaemonArgs, socket: PathBuf) -> DaemonOptions {
    let mode = match args.mode {
        ModeArg::Auto => ModeChoice::Auto,
        ModeArg::Native => ModeChoice::Native,
        ModeArg::Generic => ModeChoice::Generic,
    };
    DaemonOptions {
        interfaces: args.interfaces,
        config: args.config,
        mode,
        pin_dir: args.pin_dir,
        socket,
        socket_group: args.socket_group,
        detach_on_exit: args.detach_on_exit,
        metrics: args.metrics,
        capacity: Capacity {
            services: args.max_services,
            reals: args.max_reals,
            connections: args.max_connections,
            ring_slots: args.ring_slots,
        },
        seed: args.seed.unwrap_or(DEFAULT_SEED),
    }
}
