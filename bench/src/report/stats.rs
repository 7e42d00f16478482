//! From runs to figures. Pure.

/// One run of what is measured and the run of the yardstick beside it, in the same unit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pair {
    /// What the run showed.
    pub measured: f64,
    /// What the yardstick's run showed.
    pub yardstick: f64,
}

/// Middle, least and most.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The minimum.
    pub min: f64,
    /// The maximum.
    pub max: f64,
}

impl Spread {
    /// Of these values; `None` of none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Self { median, min, max })
    }
}

/// What a row shows.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Figures {
    /// Of the runs.
    pub measured: Spread,
    /// Of the yardstick's runs.
    pub yardstick: Spread,
    /// The ratios of the pairs. A machine that slows down slows both runs of a pair, so the median
    /// of their ratios is steadier than the ratio of their medians.
    pub ratio: Spread,
}

impl Figures {
    /// Of these pairs; `None` of none.
    pub fn of(pairs: &[Pair]) -> Option<Self> {
        Some(Self {
            measured: Spread::of(pairs.iter().map(|pair| pair.measured))?,
            yardstick: Spread::of(pairs.iter().map(|pair| pair.yardstick))?,
            ratio: Spread::of(pairs.iter().map(|pair| pair.measured / pair.yardstick))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(measured: f64, yardstick: f64) -> Pair {
        Pair { measured, yardstick }
    }

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        let spread = Spread { median: 3.0, min: 1.0, max: 9.0 };
        assert_eq!(Spread::of([9.0, 1.0, 3.0]), Some(spread));
        assert_eq!(Spread::of([1.0, 9.0, 2.0, 4.0]), Some(spread));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_slow_moment_of_the_machine_does_not_change_the_ratio() {
        let steady = Figures::of(&[pair(60.0, 30.0); 5]).unwrap();
        let mut pairs = [pair(60.0, 30.0); 5];
        pairs[1] = pair(120.0, 60.0);
        pairs[2] = pair(90.0, 45.0);
        pairs[4] = pair(80.0, 40.0);
        let shaken = Figures::of(&pairs).unwrap();
        assert_eq!(shaken.ratio, steady.ratio);
        assert_eq!(shaken.ratio.median.to_bits(), 2f64.to_bits());
        assert!(shaken.measured.median > steady.measured.median);
    }
}
