//! A large file to move, and checksums to tell that it arrived.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use super::LabError;
use super::command::run;

/// Bytes in the large file.
pub const BIG_FILE_SIZE: u64 = 100_000_000;

/// Writes [`BIG_FILE_SIZE`] bytes that do not repeat and are the same every time.
pub(super) fn write_big(path: &Path) -> Result<(), LabError> {
    let failed = || LabError::io(format!("write {}", path.display()));
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).map_err(failed())?);
    let mut state = 0u64;
    for _ in 0..BIG_FILE_SIZE / 8 {
        file.write_all(&next(&mut state).to_le_bytes()).map_err(failed())?;
    }
    file.flush().map_err(failed())
}

/// The SHA-256 checksum of a file, in hexadecimal.
///
/// # Errors
///
/// The file cannot be read.
pub fn sha256(path: &Path) -> Result<String, LabError> {
    let output = run(Command::new("sha256sum").arg(path))?;
    Ok(output.split_whitespace().next().unwrap_or_default().to_owned())
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
