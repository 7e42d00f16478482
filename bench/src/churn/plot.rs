//! `churn.svg`: the flows that each event moved, a bar for each tracking mode and one for what was
//! necessary.
#![expect(clippy::cast_precision_loss, reason = "there are few bars")]

use std::collections::BTreeMap;

use plotters::prelude::*;

use super::measure::Effort;
use super::report::Measured;
use super::script::EVENTS;
use crate::report::plot::{Area, Drawn, PlotError, picture};

/// The bars of a mode or of what was necessary: one for each event, in percent of the flows.
type Bars = BTreeMap<String, Vec<f64>>;

/// Above the highest bar there is room for the legend.
const HEADROOM: f64 = 1.5;

/// The part of an event's room that its bars take.
const FILLED: f64 = 0.8;

/// The picture, one chart for each family.
///
/// # Errors
///
/// Where it cannot be drawn.
pub fn draw(measured: &[Measured], effort: Effort) -> Result<String, PlotError> {
    let charts = [4, 6].map(|family| (family, bars(measured, family, effort)));
    let all = charts.iter().flat_map(|(_, bars)| bars.values().flatten());
    let top = all.copied().fold(1.0, f64::max) * HEADROOM;
    picture(charts.len(), |number, area| chart(area, charts[number].0, &charts[number].1, top))
}

fn bars(measured: &[Measured], family: u8, effort: Effort) -> Bars {
    let mut bars = Bars::new();
    for each in measured.iter().filter(|each| each.group.family_number() == family) {
        let percent = |flows| 100.0 * flows / f64::from(effort.live(each.index));
        let mode = each.group.tracking.name();
        bars.entry(mode.to_owned()).or_default().push(percent(each.moved.median));
        let necessary = format!("necessary, {mode}");
        bars.entry(necessary).or_default().push(percent(each.necessary.median));
    }
    bars
}

fn chart(area: &Area<'_>, family: u8, bars: &Bars, top: f64) -> Drawn {
    let events = EVENTS.len() as f64;
    let mut context = ChartBuilder::on(area)
        .caption(format!("IPv{family}: flows that changed their real"), ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(52)
        .build_cartesian_2d(-0.5..events - 0.5, 0.0..top)?;
    context
        .configure_mesh()
        .disable_x_mesh()
        .max_light_lines(1)
        .y_desc("% of the live flows")
        .x_labels(EVENTS.len())
        .x_label_style(("sans-serif", 11))
        .x_label_formatter(&|place| label(*place))
        .draw()?;
    let width = FILLED / bars.len() as f64;
    for (number, (name, values)) in bars.iter().enumerate() {
        let colour = Palette99::pick(number).to_rgba();
        let left = |event: usize| event as f64 - FILLED / 2.0 + number as f64 * width;
        let bar = |(event, value): (usize, &f64)| {
            Rectangle::new([(left(event), 0.0), (left(event) + width, *value)], colour.filled())
        };
        context
            .draw_series(values.iter().enumerate().map(bar))?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 18, y + 5)], colour.filled()));
    }
    context
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    Ok(())
}

/// The name of the event in the middle of whose room this is.
fn label(place: f64) -> String {
    let near = |index: &usize| (*index as f64 - place).abs() < 0.1;
    let event = (0..EVENTS.len()).find(near).map(|index| EVENTS[index].name());
    event.unwrap_or_default().replace("-real", "")
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{EFFORT, rows};
    use super::*;

    #[test]
    fn what_moved_stands_beside_what_must() {
        let rows = rows([94, 90, 92]);
        let found = bars(&rows, 6, EFFORT);
        assert_eq!(found.len(), 2);
        assert_eq!(found["full"].len(), EVENTS.len());
        let whole = |bars: &[f64]| bars.iter().map(|bar| format!("{bar:.1}")).collect::<Vec<_>>();
        let necessary = ["0.0", "0.0", "0.0", "0.0", "5.0", "0.0", "0.0", "3.8"];
        assert_eq!(whole(&found["necessary, full"]), necessary);
        assert!(bars(&rows, 4, EFFORT).is_empty());
        let svg = draw(&rows, EFFORT).unwrap();
        for word in ["necessary, full", "delete 3", "edit 1 -w 3", "IPv6"] {
            assert!(svg.contains(word), "{word} in {svg}");
        }
    }

    #[test]
    fn only_the_middle_of_an_event_has_a_name() {
        assert_eq!(label(2.0), "drain 2");
        assert_eq!((label(2.5), label(8.0)), (String::new(), String::new()));
    }
}
