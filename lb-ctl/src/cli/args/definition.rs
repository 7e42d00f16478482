//! What the verbs of definition files take.

use std::path::PathBuf;

use clap::Args;

use super::ForceArg;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// A definition file, or - for standard input
    pub file: PathBuf,
    /// Do not ask whether this machine has the interfaces of virtual routers: the file is another's
    #[arg(long)]
    pub offline: bool,
}

/// Arguments of `diff`.
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
