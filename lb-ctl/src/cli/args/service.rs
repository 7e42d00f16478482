//! What the verbs of services take.

use clap::Args;

use super::{ForceArg, PropertyArgs};

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
