//! Events to standard error, one line each.

use std::io::{self, IsTerminal, Write};

use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The environment variable that sets the level.
pub const LEVEL_VARIABLE: &str = "LB_CTL_LOG";

/// How an event is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Why there is no log.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum LoggingError {
    /// The level cannot be read.
    #[error("bad log level `{level}`: write error, warn, info, debug or trace ({reason})")]
    Level {
        /// What was given.
        level: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Somebody set up a log before.
    #[error("the log is set up already")]
    Twice,
}

/// Sets up the log of the process. `level` goes before `LB_CTL_LOG`, and `info` is taken where
/// neither is given.
///
/// # Errors
///
/// The level cannot be read, or the log is set up already.
pub fn init(format: LogFormat, level: Option<&str>) -> Result<(), LoggingError> {
    let from_environment = std::env::var(LEVEL_VARIABLE).ok().filter(|level| !level.is_empty());
    let filter = filter(level.or(from_environment.as_deref()).unwrap_or("info"))?;
    // The journal has its own times (systemd.exec(5), JOURNAL_STREAM).
    let timed = std::env::var_os("JOURNAL_STREAM").is_none();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(OneLine);
    let done = match (format, timed) {
        (LogFormat::Text, true) => builder.try_init(),
        (LogFormat::Text, false) => builder.without_time().try_init(),
        (LogFormat::Json, true) => builder.json().flatten_event(true).try_init(),
        (LogFormat::Json, false) => builder.json().flatten_event(true).without_time().try_init(),
    };
    done.map_err(|_| LoggingError::Twice)
}

fn filter(level: &str) -> Result<EnvFilter, LoggingError> {
    let refused = |reason| LoggingError::Level { level: level.to_owned(), reason };
    // A word alone would be taken for the name of a module, and all others would fall silent.
    let lone = |part: &&str| !part.contains(['=', '[']);
    if let Some(word) = level.split(',').filter(lone).find(|w| w.parse::<LevelFilter>().is_err()) {
        return Err(refused(format!("`{word}` is none of them")));
    }
    // It complains of every notice that is under way when the daemon leaves.
    EnvFilter::try_new(format!("netlink_proto=error,{level}"))
        .map_err(|error| refused(error.to_string()))
}

/// Keeps an event on its line, whatever the messages of other libraries hold.
struct OneLine;

impl<'a> MakeWriter<'a> for OneLine {
    type Writer = LineWriter<io::Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter(io::stderr())
    }
}

struct LineWriter<W>(W);

impl<W: Write> Write for LineWriter<W> {
    /// Takes a whole event, as tracing-subscriber hands it over.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.write_all(&one_line(event))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn one_line(event: &[u8]) -> Vec<u8> {
    let (body, end) = match event {
        [body @ .., b'\n'] => (body, &b"\n"[..]),
        body => (body, &b""[..]),
    };
    let mut line: Vec<u8> =
        body.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect();
    line.extend_from_slice(end);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_stays_on_its_line() {
        assert_eq!(one_line(b"a\nb\r\n"), b"a b \n");
        assert_eq!(one_line(b"a"), b"a");
        let mut writer = LineWriter(Vec::new());
        writer.write_all(b"verifier says:\nno\n").unwrap();
        assert_eq!(writer.0, b"verifier says: no\n");
    }

    #[test]
    fn levels() {
        assert!(filter("info").is_ok());
        assert!(filter("lb_ctl=debug,warn").is_ok());
        for bad in ["lb_ctl=loud", "loud", "warning", "warn,loud"] {
            assert!(matches!(filter(bad), Err(LoggingError::Level { .. })), "{bad}");
        }
    }
}
