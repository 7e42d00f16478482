//! How a service picks a real for a new connection, by the names of LVS.

/// How a service picks a real for a new connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Scheduler {
    /// Weighted Maglev hashing.
    #[default]
    Mh,
    /// Round robin: each in turn, whatever its weight.
    Rr,
    /// Weighted round robin: each in turn, as often as its weight says.
    Wrr,
    /// Least connections.
    Lc,
    /// Least connections in proportion to the weight.
    Wlc,
    /// Source hashing: a client's address says its real.
    Sh,
    /// Shortest expected delay: fewest connections by weight, counting the one to come.
    Sed,
    /// Never queue: a real without connections before all others, else shortest expected delay.
    Nq,
}

impl Scheduler {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Mh, Self::Rr, Self::Wrr, Self::Lc, Self::Wlc, Self::Sh, Self::Sed, Self::Nq];

    /// Its LVS name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mh => "mh",
            Self::Rr => "rr",
            Self::Wrr => "wrr",
            Self::Lc => "lc",
            Self::Wlc => "wlc",
            Self::Sh => "sh",
            Self::Sed => "sed",
            Self::Nq => "nq",
        }
    }

    /// Whether a hash of the packet alone says the real, so that it can be found again without
    /// having been remembered.
    pub const fn is_hashing(self) -> bool {
        matches!(self, Self::Mh | Self::Sh)
    }

    /// Whether weights above 0 say how much each real gets.
    pub const fn is_weighted(self) -> bool {
        !matches!(self, Self::Rr | Self::Lc)
    }
}
