//! `control.svg`: the part of each goal that is taken.

use super::report::Measured;
use super::table::figure;
use crate::report::bars::{Bar, draw as draw_bars};
use crate::report::plot::PlotError;

/// The picture: a bar for each row that has a goal.
///
/// # Errors
///
/// Where it cannot be drawn.
pub fn draw(measured: &[Measured]) -> Result<String, PlotError> {
    let bars: Vec<Bar> = measured.iter().filter_map(bar).collect();
    draw_bars("Per cent of what each may take", &bars)
}

fn bar(measured: &Measured) -> Option<Bar> {
    let Measured { row, figures } = measured;
    let goal = row.goal()?;
    let percent = |figure: f64| 100.0 * figure / goal;
    Some(Bar {
        name: format!("{}, {}", row.quantity.name(), row.size_label()),
        figure: percent(figures.median),
        spread: (percent(figures.min), percent(figures.max)),
        label: format!("{} of {goal} {}", figure(figures.median), row.quantity.unit()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::rows;
    use super::*;

    #[test]
    fn what_has_a_goal_has_a_bar() {
        let svg = draw(&rows()).unwrap();
        for word in ["add-real, 1 × 100", "12.5 of 20 ms"] {
            assert!(svg.contains(word), "{word} in {svg}");
        }
        assert!(!svg.contains("weight"), "{svg}");
    }
}
