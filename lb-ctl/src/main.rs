//! `lb-ctl`: parse, dispatch, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    lb_ctl::cli::run(std::env::args_os())
}
