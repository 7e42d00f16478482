//! The ways in which a packet gets through the director. Pure.

/// What the director does with packets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Way {
    /// A native program ends them where lb-ctl's would see them: what generating costs.
    Generator,
    /// The kernel makes its own packet (skb) of each and drops it at once.
    Skb,
    /// Plain IP forwarding.
    Forwarding,
    /// IPVS, direct routing, round robin.
    IpvsRr,
    /// IPVS, direct routing, Maglev.
    IpvsMh,
    /// lb-ctl's program in the driver.
    LbCtl,
}

impl Way {
    /// Those that bring packets to the sink.
    pub const FORWARDING: [Self; 4] = [Self::Forwarding, Self::IpvsRr, Self::IpvsMh, Self::LbCtl];
    /// All.
    pub const ALL: [Self; 6] =
        [Self::Generator, Self::Skb, Self::Forwarding, Self::IpvsRr, Self::IpvsMh, Self::LbCtl];

    /// The word for tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generator => "generator",
            Self::Skb => "skb-drop",
            Self::Forwarding => "ip-forward",
            Self::IpvsRr => "ipvs-rr",
            Self::IpvsMh => "ipvs-mh",
            Self::LbCtl => "lb-ctl",
        }
    }
}
