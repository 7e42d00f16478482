//! The plots of few rows: a bar each, with its figure behind it.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::plot::PlotError;

/// A bar.
#[derive(Clone, PartialEq, Debug)]
pub struct Bar {
    /// What it stands for.
    pub name: String,
    /// Its length.
    pub figure: f64,
    /// From where to where the runs went.
    pub spread: (f64, f64),
    /// What stands behind it.
    pub label: String,
}

const WIDTH: u32 = 1000;
const HEIGHT_OF_BAR: u32 = 34;
/// For names at the left, labels at the right, the caption above.
const LEFT: i32 = 330;
const RIGHT: i32 = 190;
const TOP: i32 = 50;
const FONT: (&str, i32) = ("sans-serif", 15);

/// The picture as SVG, bar under bar, the first above.
///
/// # Errors
///
/// Where it cannot be drawn.
pub fn draw(caption: &str, bars: &[Bar]) -> Result<String, PlotError> {
    let mut svg = String::new();
    draw_into(&mut svg, caption, bars).map_err(|error| PlotError::new(error.as_ref()))?;
    Ok(svg)
}

fn draw_into(
    svg: &mut String,
    caption: &str,
    bars: &[Bar],
) -> Result<(), Box<dyn std::error::Error>> {
    let height = TOP.cast_unsigned() + HEIGHT_OF_BAR * bars.len() as u32 + HEIGHT_OF_BAR / 2;
    let area = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let title = ("sans-serif", 20).into_font().color(&BLACK);
    area.draw(&Text::new(caption.to_owned(), (16, 14), title))?;
    let longest =
        bars.iter().map(|bar| bar.spread.1.max(bar.figure)).fold(f64::MIN_POSITIVE, f64::max);
    let room = f64::from(WIDTH.cast_signed() - LEFT - RIGHT);
    let x = |figure: f64| LEFT + (figure / longest * room).round() as i32;
    for (number, bar) in bars.iter().enumerate() {
        let top = TOP + (HEIGHT_OF_BAR * number as u32).cast_signed();
        let (bottom, middle) = (top + HEIGHT_OF_BAR.cast_signed() - 8, top + 13);
        let text = |place| FONT.into_font().color(&BLACK).pos(Pos::new(place, VPos::Center));
        let fill = Palette99::pick(number).mix(0.7).filled();
        area.draw(&Text::new(bar.name.clone(), (LEFT - 10, middle), text(HPos::Right)))?;
        area.draw(&Rectangle::new([(LEFT, top), (x(bar.figure), bottom)], fill))?;
        let ends = [(x(bar.spread.0), middle), (x(bar.spread.1), middle)];
        area.draw(&PathElement::new(ends, BLACK.stroke_width(2)))?;
        let behind = x(bar.spread.1.max(bar.figure)) + 10;
        area.draw(&Text::new(bar.label.clone(), (behind, middle), text(HPos::Left)))?;
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bar_has_its_name_and_its_figure() {
        let bar = |name: &str, figure: f64| Bar {
            name: name.to_owned(),
            figure,
            spread: (figure - 1.0, figure + 1.0),
            label: format!("{figure} kpps"),
        };
        let svg = draw("packets", &[bar("ours", 120.0), bar("theirs", 60.0)]).unwrap();
        for word in ["<svg", "packets", "ours", "120 kpps", "theirs", "60 kpps"] {
            assert!(svg.contains(word), "{word} in {svg}");
        }
        let width = |from: &str| -> f64 {
            let rect = svg.split("<rect").nth(if from == "ours" { 2 } else { 3 }).unwrap();
            rect.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
        };
        let ratio = width("ours") / width("theirs");
        assert!((ratio - 2.0).abs() < 0.02, "{ratio}: {svg}");
    }
}
