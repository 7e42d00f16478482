//! What every bench shares: the machine it ran on, figures from runs, the table, the JSON file and
//! the plot. Pure, but for asking the machine and for writing the files.

pub mod bars;
pub(crate) mod machine;
pub mod plot;
pub mod stats;
pub mod table;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

pub use machine::{Machine, MachineError, pin_to_cpu, raise_file_limit};

/// A bench's JSON file.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report<R, M> {
    /// The rows.
    pub rows: Vec<R>,
    /// Where and when.
    pub machine: Machine,
    /// How much was measured: keys beside the rows.
    #[serde(flatten)]
    pub method: M,
}

/// How much was measured, in benches whose runs are so many packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Runs {
    /// Packets of one run.
    pub packets: u32,
    /// Runs of each row.
    pub runs: u32,
}

/// A result that could not be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// A folder or file.
    #[error("cannot write {path}: {source}")]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The report is no JSON.
    #[error("cannot write the report as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Writes `NAME.json` and `NAME.svg` into `directory`, and says their paths.
///
/// # Errors
///
/// Where the file system refuses.
pub fn write<R: Serialize, M: Serialize>(
    directory: &Path,
    name: &str,
    report: &Report<R, M>,
    svg: &str,
) -> Result<[PathBuf; 2], WriteError> {
    let json = serde_json::to_string_pretty(report)? + "\n";
    let json = write_file(directory, format!("{name}.json"), &json)?;
    Ok([json, write_plot(directory, name, svg)?])
}

/// Writes `NAME.svg` into `directory`, and says its path.
///
/// # Errors
///
/// Where the file system refuses.
pub fn write_plot(directory: &Path, name: &str, svg: &str) -> Result<PathBuf, WriteError> {
    write_file(directory, format!("{name}.svg"), svg)
}

fn write_file(directory: &Path, name: String, text: &str) -> Result<PathBuf, WriteError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| WriteError::File { path, source }
    };
    fs::create_dir_all(directory).map_err(failed(directory))?;
    let path = directory.join(name);
    fs::write(&path, text).map_err(failed(&path))?;
    Ok(path)
}

/// A ratio as files have it.
pub fn thousandths(ratio: f64) -> f64 {
    (ratio * 1_000.0).round() / 1_000.0
}

/// A time or a rate as files have it.
///
/// # Panics
///
/// Never with what is not negative.
#[expect(clippy::cast_sign_loss, reason = "times and rates are not negative")]
pub fn whole(figure: f64) -> u64 {
    debug_assert!(figure >= 0.0);
    figure.round() as u64
}
