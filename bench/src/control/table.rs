//! The table on the terminal. Pure.

use super::report::{Effort, Measured};
use crate::report::stats::Spread;
use crate::report::{Machine, table as frame};

const HEAD: [&str; 5] = ["what", "services × reals", "median (min–max)", "unit", "goal"];

/// So many columns hold words.
const WORDS: usize = 2;

/// What stands above the table.
pub fn head(machine: &Machine, effort: Effort) -> String {
    let method = format!("median of {} runs, each with a new daemon", effort.runs);
    frame::head(machine, &method)
}

/// The lines of the table.
pub fn table(measured: &[Measured]) -> String {
    frame::columns(HEAD, measured.iter().map(cells), WORDS)
}

fn cells(measured: &Measured) -> [String; 5] {
    let Measured { row, figures: Spread { median, min, max } } = measured;
    [
        row.quantity.name().to_owned(),
        row.size_label(),
        format!("{} ({}–{})", figure(*median), figure(*min), figure(*max)),
        row.quantity.unit().to_owned(),
        row.goal().map_or_else(|| "–".to_owned(), |goal| format!("≤ {goal}")),
    ]
}

/// Three digits, as far as there are.
pub(super) fn figure(figure: f64) -> String {
    match figure {
        figure if figure < 10.0 => format!("{figure:.2}"),
        figure if figure < 100.0 => format!("{figure:.1}"),
        figure => format!("{figure:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::rows;
    use super::*;

    #[test]
    fn each_row_has_its_figures_and_its_goal() {
        let text = table(&rows());
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(lines[1], "add-real 1 × 100, 65537 slots 12.5 (10.0–15.2) ms ≤ 20");
        assert_eq!(lines[2], "weight 1 × 100, 65537 slots 25.0 (20.0–30.5) ms –");
    }
}
