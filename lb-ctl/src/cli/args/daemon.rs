//! What `daemon` takes.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lb_common::limits;
use lb_common::ring::MAX_REAL_ID;

use crate::logging::LogFormat;
use crate::sched::maglev;

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
    /// Offer metrics for Prometheus at http://ADDR:PORT/metrics: to everybody who reaches it, so
    /// give a loopback address, such as 127.0.0.1:9750
    #[arg(long, value_name = "ADDR:PORT")]
    pub metrics: Option<SocketAddr>,
    /// Stop forwarding when the daemon leaves
    #[arg(long)]
    pub detach_on_exit: bool,
    /// Room for this many services
    #[arg(long, value_name = "N", default_value_t = limits::DEFAULT_SERVICES)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::MAX_SERVICES)))]
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
