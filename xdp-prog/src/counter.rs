//! Counters of which each CPU has its own.
#![expect(unsafe_code, reason = "a map gives its values as pointers")]

/// Adds one to this CPU's value of a per-CPU map; nothing where the map has none.
#[inline(always)]
pub(crate) fn count(counter: Option<*mut u64>) {
    if let Some(counter) = counter {
        // SAFETY: the slot belongs to this CPU, and XDP is not preempted by itself.
        unsafe { *counter += 1 };
    }
}
