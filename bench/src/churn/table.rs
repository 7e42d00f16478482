//! The table on the terminal. Pure.

use super::measure::Effort;
use super::report::Measured;
use super::script::REALS;
use crate::report::stats::Spread;
use crate::report::{Machine, table as frame};

const HEAD: [&str; 9] = [
    "event",
    "tracking",
    "IP",
    "flows",
    "moved (min–max)",
    "necessary",
    "too many",
    "new flows to it",
    "after ms (min–max)",
];

/// So many columns hold words.
const WORDS: usize = 2;

/// What stands above the table.
pub fn head(machine: &Machine, effort: Effort) -> String {
    let Effort { flows, new_flows, runs, .. } = effort;
    let method = format!(
        "{flows} live flows to {REALS} reals, {new_flows} new ones after each event; median of \
         {runs} runs"
    );
    frame::head(machine, &method)
}

/// The lines of the table.
pub fn table(measured: &[Measured], effort: Effort) -> String {
    frame::columns(HEAD, measured.iter().map(|each| cells(each, effort)), WORDS)
}

fn cells(measured: &Measured, effort: Effort) -> [String; 9] {
    let Measured { group, event, index, moved, necessary, excess, new_to_real, after_ms } =
        measured;
    let flows = effort.live(*index);
    let spread = |Spread { median, min, max }| format!("{median:.0} ({min:.0}–{max:.0})");
    [
        event.name(),
        group.tracking.name().to_owned(),
        group.family_number().to_string(),
        flows.to_string(),
        spread(*moved),
        format!("{:.0}", necessary.median),
        format!("{:.2} %", 100.0 * excess.median / f64::from(flows)),
        format!("{:.1} %", 100.0 * new_to_real.median),
        spread(*after_ms),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{EFFORT, rows};
    use super::super::script::EVENTS;
    use super::*;

    #[test]
    fn each_event_has_a_line() {
        let text = table(&rows([94, 90, 92]), EFFORT);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + EVENTS.len(), "{text}");
        let words: Vec<&str> = lines[5].split_whitespace().collect();
        let wanted = "delete-real 3 full 6 1800 92 (90–94) 90 0.11 % 9.0 % 13 (13–13)";
        assert_eq!(words.join(" "), wanted, "{text}");
    }
}
