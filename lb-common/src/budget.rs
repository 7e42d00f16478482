//! How many connections may be recorded in a time.

use crate::value::Ticks;

/// What one CPU may still record: a bucket of tokens, so that a flood of new flows cannot push out
/// those that were recorded before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Budget {
    filled: Ticks,
    left: u32,
    each_tick: u32,
    most: u32,
}

impl Budget {
    /// A full bucket of `most` tokens that gets `each_tick` back in each tick.
    pub const fn of(each_tick: u32, most: u32) -> Self {
        Self { filled: 0, left: most, each_tick, most }
    }

    /// The bucket for one CPU's share of the table. What a flood records is gone from it after two
    /// minutes (the timeout of a SYN, and as much again until it is swept out). A quarter of the
    /// share at once and another quarter in that time leaves half of it to flows that live longer.
    pub const fn for_share(entries: u32) -> Self {
        const TWO_MINUTES: Ticks = crate::value::ticks_from_secs(120);
        let quarter = entries / 4;
        let each_tick = if quarter < TWO_MINUTES { 1 } else { quarter / TWO_MINUTES };
        Self::of(each_tick, if quarter == 0 { 1 } else { quarter })
    }

    /// Takes a token; `false` where there is none.
    #[inline(always)]
    pub const fn take(&mut self, now: Ticks) -> bool {
        let ticks = now.wrapping_sub(self.filled);
        if ticks != 0 {
            let left = self.left as u64 + self.each_tick as u64 * ticks as u64;
            self.left = if left > self.most as u64 { self.most } else { left as u32 };
            self.filled = now;
        }
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        true
    }
}

const _: () = assert!(size_of::<Budget>() == 16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_at_once_and_comes_back_by_and_by() {
        let mut budget = Budget::of(2, 5);
        let mut taken = |now| (0..9).filter(|_| budget.take(now)).count();
        assert_eq!(taken(100), 5);
        assert_eq!(taken(100), 0);
        assert_eq!(taken(101), 2);
        assert_eq!(taken(103), 4);
        assert_eq!(taken(1000), 5, "no more than the bucket holds");
    }

    #[test]
    fn an_empty_budget_gives_nothing() {
        assert!(!Budget::default().take(7));
        assert!(!Budget::of(0, 0).take(8));
    }

    #[test]
    fn a_flood_leaves_half_of_the_table_to_others() {
        for share in [1, 100, 8192, 262_144, 1 << 24] {
            let mut budget = Budget::for_share(share);
            let mut recorded = 0_u64;
            for now in 0..crate::value::ticks_from_secs(120) {
                // As much as can come in a tick.
                while budget.take(1 + now) {
                    recorded += 1;
                }
            }
            let most = u64::from(share) / 2 + u64::from(crate::value::ticks_from_secs(120));
            assert!(recorded > 0 && recorded <= most, "{recorded} of {share}");
        }
    }
}
