//! The command line: from arguments to exit code.

pub mod args;
pub mod daemon;
mod definition;
mod error;
mod events;
mod examples;
mod list;
mod output;
mod pcap;
mod real;
mod real_server;
#[cfg(test)]
mod samples;
mod service;
mod status;
mod trace;
mod vrrp;
mod wait;

use std::ffi::OsString;
use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::api::client::Client;
use args::{Cli, Verb};
pub use error::CliError;
use output::print;

/// What a verb has to say on standard output.
type Said = Result<String, CliError>;

/// Carries out a command line and says how it went: the exit code of the process.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let (said, code) = match dispatch(cli) {
        Ok(text) => (print(&text), 0),
        Err(CliError::Findings(text)) => (print(&text), CliError::Findings(text).code()),
        Err(error) => (Err(error), 0),
    };
    match said {
        Ok(()) => ExitCode::from(code),
        Err(error) => {
            // Standard error may be closed too; the exit code still tells.
            let _ = writeln!(io::stderr(), "lb-ctl: {error}");
            ExitCode::from(error.code())
        }
    }
}

/// Help and version are asked for and succeed; everything else clap tells of is wrong usage.
fn usage(error: &clap::Error) -> ExitCode {
    // Where even this cannot be written there is nobody to tell.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(error::USAGE) } else { ExitCode::SUCCESS }
}

fn dispatch(cli: Cli) -> Said {
    let client = Client::new(&cli.socket);
    let format = cli.output;
    match cli.verb {
        Verb::Daemon(args) => daemon::run(args, cli.socket),
        Verb::Check(args) => definition::check(&args, format),
        Verb::Schema => Ok(definition::schema()),
        Verb::RealServer(args) => asynchronously(real_server::run(&args.action, format)),
        Verb::AddService(args) => asynchronously(service::add(&client, &args, format)),
        Verb::EditService(args) => asynchronously(service::edit(&client, &args, format)),
        Verb::DeleteService(args) => asynchronously(service::delete(&client, &args, format)),
        Verb::AddReal(args) => asynchronously(real::add(&client, &args, format)),
        Verb::EditReal(args) => asynchronously(real::edit(&client, &args, format)),
        Verb::DeleteReal(args) => asynchronously(real::delete(&client, &args, format)),
        Verb::Drain(args) => asynchronously(real::drain(&client, &args, true, format)),
        Verb::Undrain(args) => asynchronously(real::drain(&client, &args, false, format)),
        Verb::DisableReal(args) => asynchronously(real::disable(&client, &args, true, format)),
        Verb::EnableReal(args) => asynchronously(real::disable(&client, &args, false, format)),
        Verb::CheckNow(args) => asynchronously(real::check_now(&client, &args, format)),
        Verb::List(args) => asynchronously(list::list(&client, &args, format)),
        Verb::Diff(args) => asynchronously(definition::diff(&client, &args, format)),
        Verb::Apply(args) => asynchronously(definition::apply(&client, &args, format)),
        Verb::Save(args) => asynchronously(definition::save(&client, &args, format)),
        Verb::Reload => asynchronously(definition::reload(&client, format)),
        Verb::Clear(args) => asynchronously(definition::clear(&client, &args, format)),
        Verb::Zero => asynchronously(definition::zero(&client, format)),
        Verb::Trace(args) => asynchronously(trace::run(&client, &args, format)),
        Verb::Events(args) => asynchronously(events::run(&client, &args, format)),
        Verb::Vrrp(args) => asynchronously(vrrp::run(&client, &args.action, format)),
        Verb::Status => asynchronously(status::status(&client, format)),
    }
}

/// Runs a client's work on this thread.
fn asynchronously(work: impl Future<Output = Said>) -> Said {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| CliError::Failed(format!("cannot start: {error}")))?.block_on(work)
}
