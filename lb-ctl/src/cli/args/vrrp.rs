//! What `vrrp` takes.

use clap::{Args, Subcommand};

use super::example;

/// Arguments of `vrrp`.
#[derive(Debug, Args)]
pub struct VrrpArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: VrrpAction,
}

/// What to do with virtual routers.
#[derive(Debug, Subcommand)]
pub enum VrrpAction {
    /// Say what each does, who is master, and why
    #[command(after_help = example::VRRP_LIST)]
    List(RouterArg),
    /// Leave the addresses to another director, for as long as there is one
    #[command(after_help = example::VRRP_HANDOVER)]
    Handover(HandoverArgs),
    /// Take part again as before the handover
    #[command(after_help = example::VRRP_RESUME)]
    Resume(RouterArg),
}

/// Names a virtual router.
#[derive(Debug, Args)]
pub struct RouterArg {
    /// The virtual router, with those of its group [default: all]
    #[arg(value_name = "INSTANCE")]
    pub instance: Option<String>,
}

/// Arguments of `vrrp handover`.
#[derive(Debug, Args)]
pub struct HandoverArgs {
    /// Which one.
    #[command(flatten)]
    pub router: RouterArg,
    /// Wait until another master is heard, as is always done without --no-wait
    #[arg(long)]
    pub wait: bool,
    /// Wait no longer than this [default: four advert intervals and two seconds]
    #[arg(long, value_name = "SECONDS", conflicts_with = "no_wait")]
    pub timeout: Option<u64>,
    /// Do not wait until another master is heard
    #[arg(long, conflicts_with = "wait")]
    pub no_wait: bool,
}
