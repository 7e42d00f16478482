//! A check in short words, for people.

use std::fmt;

use serde_json::Value;

use super::Check;
use crate::config::check::{Timing, Via};
use crate::config::duration;
use crate::config::printable::printable;

/// What the words begin with, and so do not name again.
const LEADING: [&str; 7] = ["type", "path", "name", "service", "command", "interval", "via"];

impl fmt::Display for Check {
    /// As in messages: `http /healthz every 5s via vip, host www.example.org`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        let subject = [&self.path, &self.name, &self.service, &self.command];
        for text in subject.into_iter().flatten() {
            write!(f, " {}", printable(text))?;
        }
        let usual = duration::written(Timing::default().interval);
        write!(f, " every {}", self.interval.as_ref().unwrap_or(&usual))?;
        if self.kind != "exec" {
            write!(f, " via {}", self.via.as_deref().unwrap_or(Via::default().name()))?;
        }
        // What a document has is what it is written with.
        let Ok(Value::Object(keys)) = serde_json::to_value(self) else { return Err(fmt::Error) };
        for (key, value) in keys.iter().filter(|(key, _)| !LEADING.contains(&key.as_str())) {
            write!(f, ", {} {}", key.replace('_', " "), plain(value))?;
        }
        Ok(())
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_where_little_is_said() {
        let words = |check: Check| check.to_string();
        assert_eq!(words(Check::of_type("tcp")), "tcp every 5s via vip");
        let http = Check {
            path: Some("/healthz".to_owned()),
            interval: Some("500ms".to_owned()),
            via: Some("rip".to_owned()),
            status: vec!["200".to_owned(), "300-399".to_owned()],
            port: Some(8080),
            ..Check::of_type("http")
        };
        assert_eq!(words(http), "http /healthz every 500ms via rip, port 8080, status 200 300-399");
        let exec = Check { command: Some("/bin/ask me".to_owned()), ..Check::of_type("exec") };
        assert_eq!(words(exec), "exec /bin/ask me every 5s");
        let grpc = Check { tls: Some(true), verify: Some(false), ..Check::of_type("grpc") };
        assert_eq!(words(grpc), "grpc every 5s via vip, tls true, verify false");
        let udp = Check { payload: Some("a\n\u{1b}[2J".to_owned()), ..Check::of_type("udp") };
        assert_eq!(words(udp), "udp every 5s via vip, payload a\\n\\u{1b}[2J");
    }
}
