//! Instructions of a packet in each way, where the clock counts them. Pure.

use serde::Serialize;

use super::{Passage, Way};
use crate::report::bars::Bar;
use crate::report::stats::Spread;
use crate::report::table::columns;
use crate::report::{thousandths, whole};

/// A row: one way.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PathCount {
    /// The way's name.
    pub row: &'static str,
    /// Instructions of a packet, from its generator to its end: median of the runs.
    pub instructions: u64,
    /// The least of the runs.
    pub min: u64,
    /// The most of the runs.
    pub max: u64,
    /// Those of the director: without the generator's row.
    pub net: u64,
    /// IPVS with `mh` over this row, both net of the generator. `None` for the generator itself.
    pub ipvs_mh_over_this: Option<f64>,
    /// The same, both also net of making an skb of each frame. A driver may do that for less than
    /// a veth does. `None` for what makes none.
    pub ipvs_mh_without_skb_over_this: Option<f64>,
}

/// The rows, from what each way did in its runs. Empty where generator, skb or IPVS is missing.
pub fn counts(runs: &[(Way, Vec<Passage>)]) -> Vec<PathCount> {
    let median = |wanted: Way| {
        let (_, passages) = runs.iter().find(|(way, _)| *way == wanted)?;
        spread(passages).map(|spread| spread.median)
    };
    let yardsticks = (median(Way::Generator), median(Way::Skb), median(Way::IpvsMh));
    let (Some(generator), Some(skb), Some(mh)) = yardsticks else { return Vec::new() };
    let count = |(way, passages): &(Way, Vec<Passage>)| {
        let spread = spread(passages)?;
        let net = (spread.median - generator).max(0.0);
        let over = |figure: f64| (net > 0.0).then(|| thousandths(figure / net));
        Some(PathCount {
            row: way.name(),
            instructions: whole(spread.median),
            min: whole(spread.min),
            max: whole(spread.max),
            net: whole(net),
            ipvs_mh_over_this: over(mh - generator),
            ipvs_mh_without_skb_over_this: if *way == Way::LbCtl { over(mh - skb) } else { None },
        })
    };
    runs.iter().filter_map(count).collect()
}

/// One nanosecond is one instruction.
#[expect(clippy::cast_precision_loss, reason = "packets of a run are few")]
fn spread(passages: &[Passage]) -> Option<Spread> {
    Spread::of(passages.iter().map(|each| each.took.as_secs_f64() * 1e9 / each.arrived as f64))
}

const HEAD: [&str; 5] = [
    "way",
    "instructions/packet (min–max)",
    "net of generator",
    "IPVS mh / this",
    "IPVS mh without skb / this",
];

/// The lines of the table, column under column.
pub fn table(counts: &[PathCount]) -> String {
    columns(HEAD, counts.iter().map(cells), 1)
}

fn cells(count: &PathCount) -> [String; 5] {
    let PathCount { row, instructions, min, max, net, .. } = count;
    let ratio = |ratio: Option<f64>| ratio.map_or_else(|| "–".to_owned(), |it| format!("{it:.2}"));
    [
        (*row).to_owned(),
        format!("{instructions} ({min}–{max})"),
        net.to_string(),
        ratio(count.ipvs_mh_over_this),
        ratio(count.ipvs_mh_without_skb_over_this),
    ]
}

/// The bars of the plot.
#[expect(clippy::cast_precision_loss, reason = "instructions of a packet are few")]
pub fn bars(counts: &[PathCount]) -> Vec<Bar> {
    let bar = |count: &PathCount| Bar {
        name: count.row.to_owned(),
        figure: count.instructions as f64,
        spread: (count.min as f64, count.max as f64),
        label: format!("{} ({} net)", count.instructions, count.net),
    };
    counts.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn run(way: Way, instructions: u64) -> (Way, Vec<Passage>) {
        let took = Duration::from_nanos(instructions * 100);
        (way, vec![Passage { sent: 100, arrived: 100, took }; 2])
    }

    #[test]
    fn generator_and_skb_are_taken_off_both_sides() {
        let runs = [
            run(Way::Generator, 1_000),
            run(Way::Skb, 3_000),
            run(Way::IpvsMh, 7_000),
            run(Way::LbCtl, 2_000),
        ];
        let counts = counts(&runs);
        let ours = counts.last().unwrap();
        assert_eq!((ours.instructions, ours.net), (2_000, 1_000));
        assert_eq!(ours.ipvs_mh_over_this, Some(6.0));
        assert_eq!(ours.ipvs_mh_without_skb_over_this, Some(4.0));
        assert_eq!(counts[0].ipvs_mh_over_this, None);
        assert_eq!(counts[2].ipvs_mh_over_this, Some(1.0));
        let line = table(&counts).lines().last().unwrap().to_owned();
        assert!(line.starts_with("lb-ctl") && line.ends_with("4.00"), "{line}");
    }

    #[test]
    fn without_its_yardsticks_there_are_no_rows() {
        assert_eq!(counts(&[run(Way::Generator, 1_000), run(Way::LbCtl, 2_000)]), []);
    }
}
