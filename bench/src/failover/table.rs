//! The tables on the terminal. Pure.

use super::report::{AdvertRow, Effort, Measured};
use super::row::Goal;
use crate::report::{Machine, table as frame};

const HEAD: [&str; 5] = ["adverts", "event", "who", "ms without an answer", "goal"];

const ADVERTS: [&str; 5] =
    ["adverts", "during", "ms from one to the next", "heard", "outside ±20 %"];

/// What stands above the tables.
pub fn head(machine: &Machine, effort: &Effort) -> String {
    let Effort { runs, resolution_ms, .. } = effort;
    let method = format!(
        "median (min–max) of {runs} runs; the client asks every {resolution_ms} ms, and the time \
         is that from the last question before that was answered to the first one after"
    );
    frame::head(machine, &method)
}

/// The lines of the table of gaps.
pub fn table(measured: &[Measured]) -> String {
    frame::columns(HEAD, measured.iter().map(cells), 3)
}

fn cells(measured: &Measured) -> [String; 5] {
    let Measured { row, gap, .. } = measured;
    [
        format!("{:?}", row.interval),
        row.event.name().to_owned(),
        row.who.name().to_owned(),
        format!("{} ({}–{})", figure(gap.median), figure(gap.min), figure(gap.max)),
        goal(measured),
    ]
}

fn goal(measured: &Measured) -> String {
    let (Some(most), Some(reached)) = (measured.goal, measured.is_reached()) else {
        return "–".to_owned();
    };
    let whose =
        if matches!(measured.row.goal(), Some(Goal::Row(_))) { "keepalived's " } else { "" };
    let not = if reached { "" } else { ": NOT REACHED" };
    format!("≤ {whose}{}{not}", figure(most))
}

/// The lines of the table of adverts.
pub fn adverts(rows: &[AdvertRow]) -> String {
    let cells = |row: &AdvertRow| {
        let AdvertRow { median_ms, min_ms, max_ms, .. } = row;
        [
            format!("{}ms", row.advert_interval_ms),
            row.during.to_owned(),
            format!("{median_ms:.2} ({min_ms:.2}–{max_ms:.2})"),
            row.adverts.to_string(),
            format!("{:.2} %", row.outside_percent),
        ]
    };
    frame::columns(ADVERTS, rows.iter().map(cells), 2)
}

/// Tenths where there are few.
pub(super) fn figure(figure: f64) -> String {
    if figure < 100.0 { format!("{figure:.1}") } else { format!("{figure:.0}") }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::rows;
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        text.lines().map(words).collect()
    }

    #[test]
    fn each_row_has_its_figures_and_its_goal() {
        let lines = lines(&table(&rows()));
        assert_eq!(lines[1], "1s cut lb-ctl 3000 (2500–3400) ≤ keepalived's 3100");
        assert_eq!(lines[2], "1s cut keepalived 3100 (2600–3500) –");
        assert_eq!(lines[3], "10ms cut lb-ctl 30.0 (20.0–61.0) ≤ 60.0: NOT REACHED");
    }

    #[test]
    fn adverts_have_their_share_outside() {
        let row = AdvertRow {
            during: "apply",
            advert_interval_ms: 10.0,
            adverts: 400,
            median_ms: 10.0,
            min_ms: 9.1,
            max_ms: 12.5,
            outside_percent: 0.25,
        };
        assert_eq!(lines(&adverts(&[row]))[1], "10ms apply 10.00 (9.10–12.50) 400 0.25 %");
    }
}
