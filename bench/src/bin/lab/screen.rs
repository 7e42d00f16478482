//! What the demo looks like.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{IsTerminal, stdout};

/// Columns of the longest bar.
const BAR: u64 = 40;
const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";

/// A numbered heading.
pub(crate) fn heading(number: usize, text: &str) {
    println!("\n{}", styled(BOLD, &format!("{number}. {text}")));
}

/// A sentence of the narrator.
pub(crate) fn say(text: impl Display) {
    println!("   {text}");
}

/// A result that is as it should be.
pub(crate) fn good(text: impl Display) {
    println!("   {} {text}", styled(GREEN, "✓"));
}

/// A command, and where it is typed.
pub(crate) fn typed(place: &str, command: impl Display) {
    println!("   {} {command}", styled(DIM, &format!("{place:>8} #")));
}

/// What a command printed.
pub(crate) fn printed(output: &str) {
    for line in output.trim_end().lines() {
        println!("            {line}");
    }
}

/// Counts as bars, each with its share of all.
pub(crate) fn bars(counts: &BTreeMap<String, u64>) {
    let most = counts.values().copied().max().unwrap_or_default().max(1);
    let all = counts.values().sum::<u64>().max(1);
    for (name, &count) in counts {
        let bar = "█".repeat((count * BAR).div_ceil(most) as usize);
        let share = (count * 100 + all / 2) / all;
        println!("   {name:>8}  {bar:<width$} {count:>6} {share:>4} %", width = BAR as usize);
    }
}

/// Bytes in the unit that a person would choose.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => tenths(count / 100, "kB"),
        _ => tenths(count / 100_000, "MB"),
    }
}

fn tenths(count: u64, unit: &str) -> String {
    format!("{}.{} {unit}", count / 10, count % 10)
}

fn styled(style: &str, text: &str) -> String {
    if stdout().is_terminal() { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn bytes_read_well() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_060), "1.0 kB");
        assert_eq!(bytes(999_999), "999.9 kB");
        assert_eq!(bytes(104_857_600), "104.8 MB");
    }
}
