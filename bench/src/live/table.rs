//! The table on the terminal. Pure.

use super::measure::{Effort, Measured};
use super::row::Flows;
use crate::report::stats::Spread;
use crate::report::{Machine, table as frame};

const HEAD: [&str; 7] = [
    "packets",
    "tracking",
    "IP",
    "flows",
    "Mpackets/s (min–max)",
    "ratio to MAC swap (min–max)",
    "lost",
];

/// So many columns hold words.
const WORDS: usize = 2;

/// What stands above the table.
pub fn head(machine: &Machine, effort: Effort) -> String {
    let Effort { packets, runs, reals, .. } = effort;
    let method = format!("median of {runs} runs of {packets} packets each, to {reals} reals");
    frame::head(machine, &method)
}

/// The lines of the table: the yardstick of each family, then its rows.
pub fn table(measured: &[Measured]) -> String {
    let mut lines = Vec::new();
    for family in [4, 6] {
        let ours = || measured.iter().filter(|each| each.row.family_number() == family);
        lines.extend(swap(family, ours()));
        lines.extend(ours().map(cells));
    }
    frame::columns(HEAD, lines, WORDS)
}

fn swap<'a>(family: u8, rows: impl Iterator<Item = &'a Measured>) -> Option<[String; 7]> {
    let runs = rows.flat_map(|each| &each.pairs).map(|pair| pair.yardstick);
    let rate = millions(Spread::of(runs)?);
    let dash = || "–".to_owned();
    Some(["MAC swap".to_owned(), dash(), family.to_string(), dash(), rate, dash(), dash()])
}

fn cells(measured: &Measured) -> [String; 7] {
    let Measured { row, figures, lost, .. } = measured;
    let Spread { median, min, max } = figures.ratio;
    [
        row.flows.name().to_owned(),
        row.tracking.name().to_owned(),
        row.family_number().to_string(),
        match row.flows {
            Flows::Established(flows) => flows.to_string(),
            Flows::AllNew => "all new".to_owned(),
        },
        millions(figures.measured),
        format!("{median:.3} ({min:.3}–{max:.3})"),
        lost.to_string(),
    ]
}

fn millions(rate: Spread) -> String {
    let Spread { median, min, max } = rate;
    format!("{:.2} ({:.2}–{:.2})", median / 1e6, min / 1e6, max / 1e6)
}

#[cfg(test)]
mod tests {
    use xdp_prog::fixtures::frame::Family;

    use super::super::report::tests::measured;
    use super::*;

    #[test]
    fn each_family_begins_with_its_yardstick() {
        let text = table(&[
            measured(Flows::Established(1_000_000), Family::V4, 1.5),
            measured(Flows::AllNew, Family::V6, 1.2),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines[1].starts_with("MAC swap         –          4 "), "{text}");
        assert!(lines[1].contains("3.00 (3.00–3.00)"), "{text}");
        assert!(lines[2].contains(" 1000000 ") && lines[2].contains("0.500 (0.490–0.520)"));
        assert!(lines[3].starts_with("MAC swap         –          6 "), "{text}");
        assert!(lines[4].contains("all new") && lines[4].contains("1.20 (1.17–1.26)"), "{text}");
    }
}
