//! The table on the terminal. Pure.

use super::Comparison;
use crate::report::table::columns;

const HEAD: [&str; 8] = [
    "packets",
    "tracking",
    "scheduler",
    "IP",
    "instructions/packet",
    "in the file",
    "change",
    "generator",
];

/// The lines of the table, column under column.
pub fn table(compared: &[Comparison]) -> String {
    columns(HEAD, compared.iter().map(cells), 3)
}

fn cells(compared: &Comparison) -> [String; 8] {
    let Comparison { now, before } = compared;
    let unknown = || "–".to_owned();
    [
        now.row.clone(),
        now.tracking.clone(),
        now.scheduler.clone(),
        now.family.to_string(),
        now.instructions.to_string(),
        before.map_or_else(unknown, |before| before.to_string()),
        compared.growth().map_or_else(unknown, |growth| format!("{:+.1} %", growth * 100.0)),
        now.generator.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::Count;
    use super::*;

    #[test]
    fn a_row_tells_what_it_was_and_by_how_much_it_has_changed() {
        let now = Count {
            row: "udp".to_owned(),
            tracking: "full".to_owned(),
            scheduler: "mh".to_owned(),
            family: 6,
            instructions: 630,
            generator: 175,
        };
        let rows =
            [Comparison { now: now.clone(), before: Some(600) }, Comparison { now, before: None }];
        let text = table(&rows);
        let words =
            |line: usize| text.lines().nth(line).unwrap().split_whitespace().collect::<Vec<_>>();
        assert_eq!(words(1), ["udp", "full", "mh", "6", "630", "600", "+5.0", "%", "175"]);
        assert_eq!(words(2), ["udp", "full", "mh", "6", "630", "–", "–", "175"]);
    }
}
