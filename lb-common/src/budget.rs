//! How many connections may be recorded in a time.

use crate::value::Ticks;

/// Counts what one CPU has recorded in the current tick, so that a flood of new flows cannot push
/// out those that were recorded before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Budget {
    tick: Ticks,
    spent: u32,
    limit: u32,
    pad: u32,
}

impl Budget {
    /// So many in each tick.
    pub const fn of(limit: u32) -> Self {
        Self { tick: 0, spent: 0, limit, pad: 0 }
    }

    /// How many in each tick.
    pub const fn limit(self) -> u32 {
        self.limit
    }

    /// Takes one in this tick; `false` where they are spent.
    #[inline(always)]
    pub const fn take(&mut self, now: Ticks) -> bool {
        if self.tick != now {
            self.tick = now;
            self.spent = 0;
        }
        if self.spent >= self.limit {
            return false;
        }
        self.spent += 1;
        true
    }
}

const _: () = assert!(size_of::<Budget>() == 16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tick_has_its_own_limit() {
        let mut budget = Budget::of(2);
        assert!(budget.take(5) && budget.take(5));
        assert!(!budget.take(5));
        assert!(budget.take(6));
        assert!(!Budget::default().take(0));
    }
}
