//! The file that holds what the instructions were when somebody last looked. Pure, but for reading
//! it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{Count, InstructionsError};

/// How far a row may move from the file.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// As a part of the old figure.
    pub part: f64,
}

impl Tolerance {
    /// Well above what two runs differ by (2 %), well below what a look-up costs.
    pub const HOUSE: Self = Self { part: 0.05 };
}

/// What the file holds: an earlier `instructions.json`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
pub struct Reference {
    rows: Vec<Count>,
    machine: Origin,
    compiler: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
struct Origin {
    kernel: String,
}

/// A row that was counted, and what it was.
#[derive(Clone, PartialEq, Debug)]
pub struct Comparison {
    /// What it is.
    pub now: Count,
    /// What it was; `None` where the file lacks the row.
    pub before: Option<u64>,
}

impl Comparison {
    /// By which part of the old figure it has grown, negative where it has shrunk.
    #[expect(clippy::cast_precision_loss, reason = "instructions of a packet are few")]
    pub fn growth(&self) -> Option<f64> {
        let before = self.before? as f64;
        Some((self.now.instructions as f64 - before) / before.max(1.0))
    }

    fn has_grown(&self, tolerance: Tolerance) -> bool {
        self.growth().is_some_and(|growth| growth > tolerance.part)
    }

    fn has_shrunk(&self, tolerance: Tolerance) -> bool {
        self.growth().is_some_and(|growth| growth < -tolerance.part)
    }

    fn sentence(&self) -> String {
        let Self { now, before } = self;
        match (before, self.growth()) {
            (Some(before), Some(growth)) => format!(
                "{}: {before} → {} instructions a packet ({:+.1} %)",
                now.label(),
                now.instructions,
                growth * 100.0
            ),
            _ => format!(
                "{}: {} instructions a packet, and no older figure",
                now.label(),
                now.instructions
            ),
        }
    }
}

/// What to type to take the new figures on purpose.
const ACCEPT: &str = "`cargo xtask bench instructions --accept` rewrites bench/instructions.json: \
                      commit it with the change, and say why";

impl Reference {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// It is not there, or not such a file.
    pub fn read(path: &Path) -> Result<Self, InstructionsError> {
        let failed = |cause: String| InstructionsError::Reference { path: path.to_owned(), cause };
        let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
    }

    /// Puts each count beside what it was.
    pub fn compare(&self, counts: &[Count]) -> Vec<Comparison> {
        let before = |now: &Count| {
            let same = self.rows.iter().find(|row| row.label() == now.label());
            same.map(|row| row.instructions)
        };
        counts.iter().map(|now| Comparison { before: before(now), now: now.clone() }).collect()
    }

    /// What is to be said of these comparisons, a line each; empty where all is as it was.
    ///
    /// # Errors
    ///
    /// A guarded row has grown beyond the tolerance, or the file lacks it: the message says which,
    /// from what to what, and how to accept it.
    pub fn judge(
        &self,
        compared: &[Comparison],
        tolerance: Tolerance,
        kernel: &str,
        compiler: &str,
    ) -> Result<String, InstructionsError> {
        let (guarded, others): (Vec<&Comparison>, Vec<_>) =
            compared.iter().partition(|each| each.now.is_guarded());
        let failed: Vec<&Comparison> = guarded
            .iter()
            .filter(|each| each.has_grown(tolerance) || each.before.is_none())
            .copied()
            .collect();
        if !failed.is_empty() {
            let why = "the packet program takes more instructions for established connections than the file has:";
            let cause = self.other_causes(kernel, compiler);
            return Err(InstructionsError::Grown(lines(why, &failed, &format!("{cause}{ACCEPT}"))));
        }
        let grown = |each: &&&Comparison| each.has_grown(tolerance) || each.before.is_none();
        let grown: Vec<&Comparison> = others.iter().filter(grown).copied().collect();
        let shrunk: Vec<&Comparison> =
            compared.iter().filter(|each| each.has_shrunk(tolerance)).collect();
        let mut said = String::new();
        if !grown.is_empty() {
            said += &lines("warning: more instructions than the file has:", &grown, ACCEPT);
        }
        if !shrunk.is_empty() {
            said += &lines("fewer instructions than the file has:", &shrunk, ACCEPT);
        }
        Ok(said)
    }

    /// What besides the program's source may have moved the figures.
    fn other_causes(&self, kernel: &str, compiler: &str) -> String {
        let mut text = String::new();
        let origins =
            [("kernel", &self.machine.kernel, kernel), ("compiler", &self.compiler, compiler)];
        for (what, before, now) in origins {
            if before != now {
                writeln!(text, "the file's {what} was {before}, this one is {now}: it may be that")
                    .expect("a string takes everything");
            }
        }
        text
    }
}

fn lines(head: &str, rows: &[&Comparison], foot: &str) -> String {
    let rows = rows.iter().map(|row| format!("    {}\n", row.sentence()));
    format!("{head}\n{}{foot}\n", rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(row: &str, instructions: u64) -> Count {
        let (tracking, scheduler) = ("full".to_owned(), "mh".to_owned());
        let row = row.to_owned();
        Count { row, tracking, scheduler, family: 4, instructions, generator: 175 }
    }

    fn reference(rows: &[(&str, u64)]) -> Reference {
        let rows = rows.iter().map(|(row, instructions)| counted(row, *instructions)).collect();
        let machine = Origin { kernel: "6.1.0-56".to_owned() };
        Reference { rows, machine, compiler: "rustc 1.96".to_owned() }
    }

    fn judged(now: &[(&str, u64)]) -> Result<String, String> {
        let reference = reference(&[("established-tcp", 800), ("udp", 700)]);
        let counts: Vec<Count> = now.iter().map(|(row, n)| counted(row, *n)).collect();
        let compared = reference.compare(&counts);
        reference
            .judge(&compared, Tolerance::HOUSE, "6.1.0-56", "rustc 1.96")
            .map_err(|error| error.to_string())
    }

    #[test]
    fn within_five_per_cent_nothing_is_said() {
        for (tcp, udp) in [(800, 700), (840, 735), (760, 665)] {
            let said = judged(&[("established-tcp", tcp), ("udp", udp)]);
            assert_eq!(said, Ok(String::new()), "{tcp} {udp}");
        }
    }

    #[test]
    fn a_grown_row_of_established_tcp_fails_with_its_figures_and_the_remedy() {
        let message = judged(&[("established-tcp", 841), ("udp", 700)]).unwrap_err();
        assert!(message.contains("established-tcp/full/mh/ipv4: 800 → 841 "), "{message}");
        assert!(message.contains("(+5.1 %)") && message.contains("--accept"), "{message}");
        assert!(!message.contains("udp") && !message.contains("kernel was"), "{message}");
    }

    #[test]
    fn another_row_that_has_grown_is_told_and_does_not_fail() {
        let said = judged(&[("established-tcp", 800), ("udp", 1_400)]).unwrap();
        assert!(said.starts_with("warning") && said.contains("(+100.0 %)"), "{said}");
    }

    #[test]
    fn a_shrunk_row_is_offered_for_acceptance() {
        let said = judged(&[("established-tcp", 400), ("udp", 700)]).unwrap();
        assert!(said.contains("800 → 400") && said.contains("--accept"), "{said}");
        assert!(!said.contains("warning"), "{said}");
    }

    #[test]
    fn a_row_that_the_file_lacks_is_accepted_on_purpose_or_fails() {
        let reference = reference(&[("udp", 700)]);
        let compared = reference.compare(&[counted("established-tcp", 10)]);
        assert_eq!(compared[0].growth(), None);
        let message = reference.judge(&compared, Tolerance::HOUSE, "6.12", "rustc 1.97");
        let message = message.unwrap_err().to_string();
        assert!(message.contains("no older figure"), "{message}");
        for other in ["kernel was 6.1.0-56, this one is 6.12", "rustc 1.97"] {
            assert!(message.contains(other), "{other} in {message}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let text = r#"{"rows": [{"row": "udp", "tracking": "full", "scheduler": "mh", "family": 4,
            "instructions": 700, "generator": 175}], "machine": {"kernel": "6.1.0-56", "cpus": 1},
            "packets": 20000, "compiler": "rustc 1.96"}"#;
        assert_eq!(serde_json::from_str::<Reference>(text).unwrap(), reference(&[("udp", 700)]));
    }
}
