//! Packets per second of each way, beside IPVS and plain forwarding. Pure.

use serde::Serialize;

use super::{Passage, Way};
use crate::report::bars::Bar;
use crate::report::stats::{Pair, Spread};
use crate::report::table::columns;
use crate::report::{thousandths, whole};

/// What sent, and where the director was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// pktgen out of one network card to another.
    Pktgen,
    /// Live frames through a veth.
    Live,
}

impl Source {
    const fn name(self) -> &'static str {
        match self {
            Self::Pktgen => "pktgen, network card",
            Self::Live => "live frames, veth",
        }
    }
}

/// A row: one way in all rounds.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Rate {
    /// The way's name.
    pub row: &'static str,
    /// What sent.
    pub source: Source,
    /// Packets that arrived, in a second: median of the rounds.
    pub median_pps: u64,
    /// The slowest round.
    pub min_pps: u64,
    /// The fastest round.
    pub max_pps: u64,
    /// Which part of what was sent arrived: median of the rounds.
    pub arrived: f64,
    /// Ratio to IPVS with `mh` of the same round: median.
    pub ratio: f64,
    /// The least of these ratios.
    pub ratio_min: f64,
    /// The greatest of these ratios.
    pub ratio_max: f64,
    /// Ratio to plain forwarding of the same round: median.
    pub ratio_to_forward: f64,
}

/// What one way did in each round.
pub type Rounds = Vec<(Way, Vec<Passage>)>;

/// Packets that arrived, in a second.
#[expect(clippy::cast_precision_loss, reason = "packets of a run are few")]
fn rate(passage: &Passage) -> f64 {
    passage.arrived as f64 / passage.took.as_secs_f64()
}

/// The rows; of a way without rounds there is none.
pub fn rates(source: Source, rounds: &Rounds) -> Vec<Rate> {
    rounds.iter().filter_map(|(way, passages)| of(source, *way, passages, rounds)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "packets of a run are few")]
fn of(source: Source, way: Way, passages: &[Passage], rounds: &Rounds) -> Option<Rate> {
    let pps = Spread::of(passages.iter().map(rate))?;
    let arrived = passages.iter().map(|each| each.arrived as f64 / each.sent as f64);
    let mh = ratio(passages, rounds, Way::IpvsMh)?;
    Some(Rate {
        row: way.name(),
        source,
        median_pps: whole(pps.median),
        min_pps: whole(pps.min),
        max_pps: whole(pps.max),
        arrived: thousandths(Spread::of(arrived)?.median),
        ratio: thousandths(mh.median),
        ratio_min: thousandths(mh.min),
        ratio_max: thousandths(mh.max),
        ratio_to_forward: thousandths(ratio(passages, rounds, Way::Forwarding)?.median),
    })
}

/// The ratios to another way, round by round: a slow moment of the machine slows both.
fn ratio(passages: &[Passage], rounds: &Rounds, to: Way) -> Option<Spread> {
    let (_, others) = rounds.iter().find(|(way, _)| *way == to)?;
    let pairs = passages.iter().zip(others);
    let pairs = pairs.map(|(one, other)| Pair { measured: rate(one), yardstick: rate(other) });
    Spread::of(pairs.map(|pair| pair.measured / pair.yardstick))
}

const HEAD: [&str; 6] = [
    "source",
    "way",
    "packets/s (min–max)",
    "arrived",
    "ratio to IPVS mh (min–max)",
    "to forwarding",
];

/// The lines of the table, column under column.
pub fn table(rates: &[Rate]) -> String {
    columns(HEAD, rates.iter().map(cells), 2)
}

fn cells(rate: &Rate) -> [String; 6] {
    let Rate { median_pps, min_pps, max_pps, arrived, .. } = rate;
    let Rate { ratio, ratio_min, ratio_max, ratio_to_forward, .. } = rate;
    [
        rate.source.name().to_owned(),
        rate.row.to_owned(),
        format!("{median_pps} ({min_pps}–{max_pps})"),
        format!("{:.1} %", arrived * 100.0),
        format!("{ratio:.2} ({ratio_min:.2}–{ratio_max:.2})"),
        format!("{ratio_to_forward:.2}"),
    ]
}

/// The bars of the plot.
#[expect(clippy::cast_precision_loss, reason = "packets in a second are few")]
pub fn bars(rates: &[Rate]) -> Vec<Bar> {
    let bar = |rate: &Rate| Bar {
        name: format!("{}: {}", rate.source.name(), rate.row),
        figure: rate.median_pps as f64,
        spread: (rate.min_pps as f64, rate.max_pps as f64),
        label: format!("{} ({:.2} × IPVS mh)", rate.median_pps, rate.ratio),
    };
    rates.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Rounds in which so many of 1000 packets arrived, each taking so many milliseconds.
    fn passages(rounds: &[(u64, u64)]) -> Vec<Passage> {
        let passage = |(arrived, millis): &(u64, u64)| Passage {
            sent: 1_000,
            arrived: *arrived,
            took: Duration::from_millis(*millis),
        };
        rounds.iter().map(passage).collect()
    }

    fn some() -> Rounds {
        vec![
            (Way::Forwarding, passages(&[(1_000, 100), (1_000, 200), (1_000, 100)])),
            (Way::IpvsMh, passages(&[(500, 100), (500, 200), (500, 100)])),
            (Way::LbCtl, passages(&[(1_000, 50), (1_000, 100), (900, 50)])),
        ]
    }

    #[test]
    fn a_slow_round_of_the_machine_leaves_the_ratio_alone() {
        let rates = rates(Source::Pktgen, &some());
        let ours = &rates[2];
        assert_eq!((ours.row, ours.median_pps, ours.min_pps), ("lb-ctl", 18_000, 10_000));
        assert_eq!((ours.ratio, ours.ratio_min, ours.ratio_max), (4.0, 3.6, 4.0));
        assert_eq!((ours.ratio_to_forward, ours.arrived), (2.0, 1.0));
        assert_eq!((rates[1].ratio, rates[1].arrived), (1.0, 0.5));
    }

    #[test]
    fn without_the_yardstick_there_are_no_rows() {
        let mut rounds = some();
        rounds.retain(|(way, _)| *way != Way::IpvsMh);
        assert_eq!(rates(Source::Live, &rounds), []);
    }

    #[test]
    fn the_table_tells_rates_and_ratios() {
        let text = table(&rates(Source::Live, &some()));
        let line = text.lines().last().unwrap();
        for word in
            ["live frames, veth  lb-ctl", "18000 (10000–20000)", "100.0 %", "4.00 (3.60–4.00)"]
        {
            assert!(line.contains(word), "{word} in {line}");
        }
        assert_eq!(bars(&rates(Source::Live, &some()))[2].label, "18000 (4.00 × IPVS mh)");
    }
}
