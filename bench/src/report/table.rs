//! The table on the terminal. Pure.

use std::fmt::Write as _;

use super::Machine;

/// What stands above a table; `method` says how its figures were got.
pub fn head(machine: &Machine, method: &str) -> String {
    let Machine { kernel, cpu, cpus, jit, mode, date, commit } = machine;
    let jit = if *jit { "on" } else { "off" };
    format!(
        "kernel {kernel}, {cpu} ({cpus} CPUs), JIT {jit}, {mode}\n{date}, commit {commit}; {method}\n"
    )
}

/// The lines, column under column. The first `words` columns hold words, the others numbers, which
/// stand to the right.
pub fn columns<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    words: usize,
) -> String {
    let lines: Vec<[String; N]> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for line in &lines {
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
            let cell =
                if column < words { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
            let gap = if column == 0 { "" } else { "  " };
            write!(text, "{gap}{cell}").expect("a string takes everything");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::machine::tests::machine;
    use super::*;

    #[test]
    fn words_stand_to_the_left_and_numbers_to_the_right() {
        let rows = [["a", "1", "2"], ["word", "1000", "–"]].map(|row| row.map(str::to_owned));
        let text = columns(["x", "n", "more"], rows, 1);
        assert_eq!(text, "x        n  more\na        1     2\nword  1000     –\n");
    }

    #[test]
    fn the_head_names_what_the_figures_depend_on() {
        let text = head(&machine(), "median of 5 runs");
        for word in ["6.18.5", "A CPU", "JIT on", "CPU 1", "2026-11-05", "0123abc", "5 runs"] {
            assert!(text.contains(word), "{word} in {text}");
        }
    }
}
