//! What is said of virtual routers. Pure.

use std::fmt;

use super::sm::Why;

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("it has begun to take part"),
            Self::Owner => f.write_str("the addresses are its own"),
            Self::Silence => f.write_str("no master was heard"),
            Self::MasterLeft => f.write_str("the master has left"),
            Self::Preempted => f.write_str("the master had a lower priority"),
            Self::Told => f.write_str("its group is"),
            Self::Higher(heard) => {
                write!(f, "{} is master, with priority {}", heard.source, heard.priority)
            }
            Self::HandedOver => f.write_str("it was handed over by hand"),
            Self::Fault => f.write_str("something that it needs does not work"),
            Self::Stopped => f.write_str("it leaves"),
        }
    }
}
