//! Adding to a number that other CPUs and user space add to. The BPF target of Rust has no atomic
//! types that can, its instruction set has (Linux 5.12, commit 5ca419f2864a).
#![expect(unsafe_code, reason = "one instruction, in assembly")]

use core::arch::asm;

/// Adds to the number in one step, and gives what it was before.
///
/// # Safety
///
/// The number must be aligned and readable and writable for as long as the call takes.
#[inline(always)]
pub(crate) unsafe fn fetch_add(number: *mut u64, addend: u64) -> u64 {
    let mut before = addend;
    // SAFETY: the instruction touches the number and nothing else.
    unsafe {
        asm!(
            "{addend} = atomic_fetch_add((u64 *)({number} + 0), {addend})",
            addend = inout(reg) before,
            number = in(reg) number,
            options(nostack),
        );
    }
    before
}
