//! What the figures depend on: the machine and how it is set up.

use std::fmt::Display;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::utsname::uname;
use nix::unistd::Pid;
use serde::Serialize;
use thiserror::Error;

/// The machine could not be asked or set up.
#[derive(Debug, Error)]
#[error("cannot {operation}: {cause}")]
pub struct MachineError {
    operation: String,
    cause: String,
}

/// The machine, for the head of a report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Machine {
    /// Release of the kernel.
    pub kernel: String,
    /// The CPU's model.
    pub cpu: String,
    /// Possible CPUs.
    pub cpus: u32,
    /// Whether BPF programs are compiled to machine code.
    pub jit: bool,
    /// How packets are run.
    pub mode: String,
    /// When, in UTC.
    pub date: String,
    /// The commit this was built from.
    pub commit: String,
}

impl Machine {
    /// This machine, where packets are run in this way.
    ///
    /// # Errors
    ///
    /// Where the machine cannot be asked.
    pub fn look(mode: String) -> Result<Self, MachineError> {
        let name = uname().map_err(error("ask for the kernel's name"))?;
        let info = read("/proc/cpuinfo")?;
        let cpus = aya::util::nr_cpus().map_err(|(path, e)| error(path)(e))?;
        let seconds =
            SystemTime::now().duration_since(UNIX_EPOCH).map_err(error("tell the time"))?.as_secs();
        Ok(Self {
            kernel: name.release().to_string_lossy().into_owned(),
            cpu: model(&info).unwrap_or("unknown").to_owned(),
            cpus: cpus as u32,
            jit: read("/proc/sys/net/core/bpf_jit_enable")?.trim() != "0",
            mode,
            date: date(seconds),
            commit: env!("BENCH_GIT").to_owned(),
        })
    }
}

/// Keeps this thread on one CPU: that one, or else the last it may use, since the first ones are
/// where most interrupts go. Says which.
///
/// # Errors
///
/// Where this thread may not use it.
pub fn pin_to_cpu(cpu: Option<usize>) -> Result<usize, MachineError> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this).map_err(error("ask for the usable CPUs"))?;
    let last = (0..CpuSet::count()).rev().find(|cpu| allowed.is_set(*cpu).unwrap_or(false));
    let cpu = cpu.or(last).unwrap_or(0);
    let mut only = CpuSet::new();
    only.set(cpu)
        .and_then(|()| sched_setaffinity(this, &only))
        .map_err(error(format!("stay on CPU {cpu}; is there such a CPU?")))?;
    Ok(cpu)
}

/// Lets this process open as many files as it may be allowed: each ring is one for a moment.
///
/// # Errors
///
/// Where the kernel refuses.
pub fn raise_file_limit() -> Result<(), MachineError> {
    getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard))
        .map_err(error("raise the limit of open files"))
}

fn model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

/// A Unix time as year, month, day, hour and minute (the days by Howard Hinnant's
/// `civil_from_days`, for years from 1970 on).
fn date(seconds: u64) -> String {
    let (days, minutes) = (seconds / 86_400 + 719_468, seconds % 86_400 / 60);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Years that begin in March: the leap day is their last.
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

fn read(path: &str) -> Result<String, MachineError> {
    fs::read_to_string(path).map_err(error(format!("read {path}")))
}

fn error<E: Display>(operation: impl Into<String>) -> impl FnOnce(E) -> MachineError {
    let operation = operation.into();
    move |cause| MachineError { operation, cause: cause.to_string() }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Some machine.
    pub(crate) fn machine() -> Machine {
        Machine {
            kernel: "6.18.5".to_owned(),
            cpu: "A CPU".to_owned(),
            cpus: 2,
            jit: true,
            mode: "BPF_PROG_TEST_RUN on CPU 1".to_owned(),
            date: "2026-11-05 12:00 UTC".to_owned(),
            commit: "0123abc".to_owned(),
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_709_251_199), "2024-02-29 23:59 UTC");
        assert_eq!(date(1_709_251_200), "2024-03-01 00:00 UTC");
        assert_eq!(date(1_767_225_599), "2025-12-31 23:59 UTC");
    }

    #[test]
    fn the_model_is_found() {
        assert_eq!(model("processor\t: 0\nmodel name\t: A CPU @ 2 GHz\n"), Some("A CPU @ 2 GHz"));
        assert_eq!(model("Hardware: none\n"), None);
    }
}
