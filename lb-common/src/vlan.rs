//! The VLAN tags of a frame.

use core::fmt;

/// Tag protocol identifier of a customer's tag (IEEE 802.1Q).
pub const C_TAG: u16 = 0x8100;
/// Tag protocol identifier of a provider's tag, the outer one of two (IEEE 802.1ad).
pub const S_TAG: u16 = 0x88a8;

/// The bits of a tag's control information that are the VLAN's number.
const VID_MASK: u16 = 0x0fff;

/// One tag: its protocol identifier, and the VLAN's number from 1 to 4094.
pub type Tag = (u16, u16);

/// Up to two tags, the outer one first. Zero is untagged.
///
/// One word, so that it is read and written whole: the outer tag's protocol identifier in bits 63
/// to 48 and its VLAN in 47 to 32, the inner tag's in bits 31 to 16 and 15 to 0. Priority and drop
/// eligibility, which share the VLAN's sixteen bits on the wire, are zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct Tags(u64);

impl Tags {
    /// Untagged.
    pub const NONE: Self = Self(0);

    /// The most tags there can be.
    pub const MOST: usize = 2;

    /// The tags of a number that [`Self::to_bits`] gave.
    #[inline(always)]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The tags as one number.
    #[inline(always)]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// A single tag. Of `vid` the lower twelve bits count.
    #[inline(always)]
    pub const fn one(tpid: u16, vid: u16) -> Self {
        Self(word((tpid, vid)) << 32)
    }

    /// Two tags.
    #[inline(always)]
    pub const fn two(outer: Tag, inner: Tag) -> Self {
        Self(word(outer) << 32 | word(inner))
    }

    /// How many tags there are.
    #[inline(always)]
    pub const fn count(self) -> usize {
        (self.0 >> 48 != 0) as usize + (self.0 as u32 >> 16 != 0) as usize
    }

    /// A tag; the outermost is number 0.
    #[inline(always)]
    pub const fn get(self, index: usize) -> Option<Tag> {
        let word = match index {
            0 => (self.0 >> 32) as u32,
            1 => self.0 as u32,
            _ => return None,
        };
        let tpid = (word >> 16) as u16;
        if tpid == 0 { None } else { Some((tpid, word as u16)) }
    }

    /// The same tags with one more around them; `None` where there are two already.
    pub const fn within(self, outer: Tag) -> Option<Self> {
        match (self.get(0), self.get(1)) {
            (None, _) => Some(Self::one(outer.0, outer.1)),
            (Some(inner), None) => Some(Self::two(outer, inner)),
            (Some(_), Some(_)) => None,
        }
    }
}

const fn word((tpid, vid): Tag) -> u64 {
    (tpid as u64) << 16 | (vid & VID_MASK) as u64
}

/// As iproute2 names VLANs, the outer one first: `802.1ad 100, 802.1Q 20`.
impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NONE {
            return f.write_str("untagged");
        }
        for index in 0..Self::MOST {
            let Some((tpid, vid)) = self.get(index) else { break };
            let comma = if index == 0 { "" } else { ", " };
            match tpid {
                C_TAG => write!(f, "{comma}802.1Q {vid}")?,
                S_TAG => write!(f, "{comma}802.1ad {vid}")?,
                other => write!(f, "{comma}{other:#06x} {vid}")?,
            }
        }
        Ok(())
    }
}

const _: () = assert!(size_of::<Tags>() == 8);

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;

    use super::*;

    #[test]
    fn untagged_is_zero() {
        assert_eq!(Tags::default(), Tags::NONE);
        assert_eq!((Tags::NONE.0, Tags::NONE.count(), Tags::NONE.get(0)), (0, 0, None));
        assert_eq!(format!("{:?}", Tags::NONE), "untagged");
    }

    #[test]
    fn one_tag_is_the_outer_one() {
        let tags = Tags::one(C_TAG, 20);
        assert_eq!(tags.0, 0x8100_0014_0000_0000);
        assert_eq!((tags.count(), tags.get(0), tags.get(1)), (1, Some((C_TAG, 20)), None));
        assert_eq!(format!("{tags:?}"), "802.1Q 20");
    }

    #[test]
    fn two_tags_keep_their_order() {
        let tags = Tags::two((S_TAG, 100), (C_TAG, 4094));
        assert_eq!(tags.0, 0x88a8_0064_8100_0ffe);
        let each = [0, 1, 2].map(|index| tags.get(index));
        assert_eq!(each, [Some((S_TAG, 100)), Some((C_TAG, 4094)), None]);
        assert_eq!(tags.count(), 2);
        assert_eq!(format!("{tags:?}"), "802.1ad 100, 802.1Q 4094");
    }

    #[test]
    fn tags_are_put_around_tags() {
        let inner = Tags::NONE.within((C_TAG, 20)).unwrap();
        assert_eq!(inner, Tags::one(C_TAG, 20));
        let both = inner.within((S_TAG, 100)).unwrap();
        assert_eq!(both, Tags::two((S_TAG, 100), (C_TAG, 20)));
        assert_eq!(both.within((S_TAG, 1)), None);
    }

    #[test]
    fn priority_is_no_part_of_a_vlan() {
        assert_eq!(Tags::one(C_TAG, 0xe014), Tags::one(C_TAG, 20));
    }
}
