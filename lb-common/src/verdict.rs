//! What becomes of a packet, and why. Every packet leaves by exactly one [`Reason`], and each
//! reason has one counter.

/// What the program tells the kernel to do with the packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Not ours: on to the kernel's own stack.
    Pass,
    /// Thrown away.
    Drop,
    /// Out of the interface it came in by.
    Transmit,
    /// Out of another interface.
    Redirect,
}

impl Verdict {
    /// The word used in metrics and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Drop => "drop",
            Self::Transmit => "tx",
            Self::Redirect => "redirect",
        }
    }
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $verdict:ident, $name:literal;)+) => {
        /// Why a packet left the program, and index of its counter.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u32)]
        pub enum Reason {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Reason {
            /// Every reason, in the order of the counters.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The verdict this reason leads to.
            #[inline(always)]
            pub const fn verdict(self) -> Verdict {
                match self {
                    $(Self::$variant => Verdict::$verdict,)+
                }
            }

            /// The word used in metrics and tables.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

reasons! {
    /// Sent to a real behind the interface the packet came in by.
    Transmitted = Transmit, "forwarded";
    /// Sent to a real behind another interface.
    Redirected = Redirect, "forwarded-redirect";
    /// For the director itself, which is a real of the service.
    Local = Pass, "local";
    /// Neither IPv4 nor IPv6.
    NotIp = Pass, "not-ip";
    /// An IP protocol other than TCP and UDP, or ICMP that is no error about a flow.
    OtherProtocol = Pass, "other-protocol";
    /// No service has this address, port and protocol.
    NoService = Pass, "no-service";
    /// The frame is not addressed to the director: broadcast, or flooded by a switch.
    OtherHost = Pass, "other-host";
    /// From another director of the service to this one, which is a real of it.
    FromPeer = Pass, "from-peer";
    /// A fragment to an address that is no VIP.
    Fragment = Pass, "fragment";
    /// The frame ends before its headers do.
    Truncated = Pass, "truncated";
    /// A header contradicts itself (version, header length, total length), or more headers stand
    /// before the transport's than are read.
    Malformed = Pass, "malformed";
    /// The service has no real that can take the packet, and is set to pass it on.
    NoRealPassed = Pass, "no-real-passed";
    /// The program for rare packets is not in its place.
    NoLongWay = Pass, "no-long-way";
    /// The service has no real that can take the packet.
    NoReal = Drop, "no-real";
    /// The connection's real is gone, and the service is set to keep its connections.
    DeadReal = Drop, "dead-real";
    /// The service's source lists do not allow the client.
    Denied = Drop, "source-denied";
    /// A fragment to a VIP whose first one was not seen before it.
    FragmentAlone = Drop, "fragment-alone";
    /// The packet may not go on to another machine: it has been through too many.
    HopLimit = Drop, "hop-limit";
    /// The interface towards the real cannot be redirected to.
    NoEgress = Drop, "no-egress";
    /// There is no room before the frame for the VLAN tags of the real.
    NoRoom = Drop, "no-room";
}

impl Reason {
    /// Whether the packet went to a real: another machine, or the director itself.
    #[inline(always)]
    pub const fn is_delivered(self) -> bool {
        matches!(self, Self::Transmitted | Self::Redirected | Self::Local)
    }
}

/// Number of reasons, and of their counters.
pub const REASONS: u32 = Reason::ALL.len() as u32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_dense_and_names_unique() {
        for (index, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index);
            let twins = Reason::ALL.iter().filter(|r| r.name() == reason.name());
            assert_eq!(twins.count(), 1, "{}", reason.name());
        }
    }
}
