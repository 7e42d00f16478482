//! What checksums follow.

/// The sum of the new words less that of the old ones, in ones' complement (RFC 1624, section 3).
#[inline(always)]
pub(super) fn difference(old: &[u32], new: &[u32]) -> u32 {
    let mut sum = 0_u64;
    for word in new {
        sum += u64::from(*word);
    }
    for word in old {
        sum += u64::from(!*word);
    }
    // At most eight words: what is carried once cannot carry again beyond one more time.
    let folded = (sum & 0xffff_ffff) + (sum >> 32);
    (folded as u32).wrapping_add((folded >> 32) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checksum of 16-bit words.
    fn sum(words: &[u32]) -> u16 {
        let mut sum: u64 = words.iter().map(|word| u64::from(*word)).sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    #[test]
    fn the_difference_makes_one_sum_of_the_other() {
        let samples = [
            ([0, 0, 0, 0], [u32::MAX; 4]),
            ([u32::MAX; 4], [0, 0, 0, 1]),
            ([1, 2, 3, 4], [5, 6, 7, 8]),
            ([0x0102_0304; 4], [0xfffe_fdfc, 0x8000_0000, 0x7fff_ffff, 0xffff]),
        ];
        for (old, new) in samples {
            let followed = sum(&[u32::from(sum(&old)), difference(&old, &new)]);
            // Zero has two forms.
            assert_eq!(followed % 0xffff, sum(&new) % 0xffff, "{old:x?} {new:x?}");
        }
        assert_eq!(sum(&[difference(&[7], &[7])]) % 0xffff, 0);
    }
}
