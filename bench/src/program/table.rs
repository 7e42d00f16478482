//! The table on the terminal. Pure.

use std::fmt::Write as _;

use super::measure::{Effort, Measured};
use crate::report::stats::Spread;
use crate::report::{Machine, table as frame};

const HEAD: [&str; 9] = [
    "packets",
    "tracking",
    "scheduler",
    "IP",
    "flows",
    "services",
    "reals",
    "ns/packet (min–max)",
    "ratio to MAC swap (min–max)",
];

/// What stands above the table.
pub fn head(machine: &Machine, effort: Effort) -> String {
    let Effort { packets, runs, .. } = effort;
    frame::head(machine, &format!("median of {runs} runs of {packets} packets each"))
}

/// The lines of the table, column under column.
pub fn table(measured: &[Measured]) -> String {
    frame::columns(HEAD, measured.iter().map(cells), WORDS)
}

/// So many columns hold words.
const WORDS: usize = 3;

/// A line of its yardsticks: what the figures contain besides the program.
pub fn yardsticks(measured: &[Measured]) -> String {
    let mut text = String::new();
    for family in [4, 6] {
        let ours = || measured.iter().filter(|each| each.row.family_number() == family);
        let swap = Spread::of(ours().map(|each| each.figures.yardstick.median));
        let bare = Spread::of(ours().map(|each| each.generator_ns));
        if let (Some(swap), Some(bare)) = (swap, bare) {
            writeln!(
                text,
                "IPv{family}: generator and MAC swap (the yardstick) {:.1} ns, generator and bare \
                 transmit {:.1} ns: medians over the rows",
                swap.median, bare.median
            )
            .expect("a string takes everything");
        }
    }
    text
}

fn cells(measured: &Measured) -> [String; 9] {
    let Measured { row, figures, .. } = measured;
    let (program, ratio) = (figures.measured, figures.ratio);
    [
        row.kind.name().to_owned(),
        row.tracking.name().to_owned(),
        row.scheduler.name().to_owned(),
        row.family_number().to_string(),
        flows(row),
        row.services.to_string(),
        row.reals.to_string(),
        format!("{:.1} ({:.1}–{:.1})", program.median, program.min, program.max),
        format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.min, ratio.max),
    ]
}

fn flows(row: &super::row::Row) -> String {
    if row.kind == super::row::Kind::NewFlows {
        "all new".to_owned()
    } else {
        row.flows.to_string()
    }
}

#[cfg(test)]
mod tests {
    use xdp_prog::fixtures::frame::Family;

    use super::super::report::tests::measured;
    use super::super::row::Kind;
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [
            measured(Kind::EstablishedTcp, Family::V4, 1_000_000, 60.0),
            measured(Kind::NewFlows, Family::V6, 1_000_000, 900.0),
        ];
        let text = table(&rows);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("established-tcp  full      mh          4  1000000  "));
        assert!(lines[1].contains("  60.0 (57.0–66.0)  "), "{text}");
        assert!(lines[1].ends_with("  2.00 (1.90–2.20)"), "{text}");
        assert!(lines[2].contains("  6  all new  "), "{text}");
        let widths: Vec<usize> = lines.iter().map(|line| line.chars().count()).collect();
        assert_eq!(widths, [widths[0]; 3]);
    }

    #[test]
    fn yardsticks_are_told_for_each_family_that_was_measured() {
        let text = yardsticks(&[measured(Kind::Pass, Family::V6, 1, 40.0)]);
        assert!(text.starts_with("IPv6: generator and MAC swap (the yardstick) 30.0 ns"), "{text}");
        assert!(!text.contains("IPv4"));
    }
}
