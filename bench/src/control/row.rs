//! What is measured. Pure.

use super::world::Size;

/// A quantity.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Quantity {
    /// From the command until every real of every service has its slots in the kernel's rings.
    Apply,
    /// From the command for one more real until it has slots.
    AddReal,
    /// From the command for a larger weight until the real has more slots.
    Weight,
    /// From the `apply` that gives a real of every service a larger weight until each has more
    /// slots.
    WeightOfAll,
    /// The most memory of the daemon from then on until all rings have come to rest.
    PeakOfMoves,
    /// From the `apply` that leaves out a tenth of the services until its answer: no packet finds them
    /// any more, nor their rings.
    Delete,
    /// From the command that changes the MAC of all reals' machine until all frames go there.
    Mac,
    /// The fill of one ring, in user space.
    Fill,
    /// The daemon's memory when all is in effect (`VmRSS`), without the kernel's for its maps.
    Resident,
    /// The most that it was (`VmHWM`).
    Peak,
    /// The kernel's memory for the rings.
    Rings,
    /// The kernel's memory for all other maps.
    Tables,
    /// What checking every real takes of one core.
    CheckLoad,
    /// The most memory of the daemon while it checks every real.
    CheckMemory,
    /// The longest that a probe has begun after its time, as a share of the interval.
    CheckLateness,
    /// From the probe that says that a real has failed until it has no slot any more.
    Detection,
}

impl Quantity {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::AddReal => "add-real",
            Self::Weight => "weight",
            Self::WeightOfAll => "weight-of-all",
            Self::PeakOfMoves => "moves-memory-peak",
            Self::Delete => "delete-tenth",
            Self::Mac => "mac",
            Self::Fill => "ring-fill",
            Self::Resident => "daemon-memory",
            Self::Peak => "daemon-memory-peak",
            Self::Rings => "map-memory-rings",
            Self::Tables => "map-memory-tables",
            Self::CheckLoad => "check-load",
            Self::CheckMemory => "check-memory",
            Self::CheckLateness => "check-lateness",
            Self::Detection => "detection-to-ring",
        }
    }

    /// What it is counted in.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Apply
            | Self::AddReal
            | Self::Weight
            | Self::WeightOfAll
            | Self::Delete
            | Self::Mac
            | Self::Fill
            | Self::Detection => "ms",
            Self::Resident
            | Self::Peak
            | Self::PeakOfMoves
            | Self::Rings
            | Self::Tables
            | Self::CheckMemory => "MB",
            Self::CheckLoad => "% of a core",
            Self::CheckLateness => "% of 5 s",
        }
    }
}

/// A row: a quantity at a size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// What.
    pub quantity: Quantity,
    /// Of how much.
    pub size: Size,
}

impl Row {
    /// What it may be at most, in its unit.
    pub fn goal(self) -> Option<f64> {
        match (self.quantity, self.size) {
            (Quantity::Apply, Size::MANY) => Some(5_000.0),
            (Quantity::Resident | Quantity::Peak | Quantity::PeakOfMoves, Size::MANY) => {
                Some(300.0)
            }
            (Quantity::AddReal, Size::WIDE) => Some(20.0),
            (Quantity::Fill, Size::WIDE) => Some(2.0),
            (Quantity::Detection, Size::WIDE) => Some(5.0),
            (Quantity::CheckLoad, Size::CHECKED) => Some(25.0),
            (Quantity::CheckMemory, Size::CHECKED) => Some(150.0),
            (Quantity::CheckLateness, Size::CHECKED) => Some(10.0),
            _ => None,
        }
    }

    /// The size in words.
    pub fn size_label(self) -> String {
        let Size { services, reals, ring_slots } = self.size;
        format!("{services} × {reals}, {ring_slots} slots")
    }
}

/// A row and what each run showed, in its unit.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// The row.
    pub row: Row,
    /// The figure.
    pub figure: f64,
}
