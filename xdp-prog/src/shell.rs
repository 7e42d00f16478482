//! What every BPF object needs besides its programs.
#![expect(unsafe_code, reason = "the panic handler and the licence section of a BPF object")]

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: the verifier refuses a program in which this can be reached.
    unsafe { core::hint::unreachable_unchecked() }
}

// SAFETY: the section name is the one in which the kernel's loaders look for the licence.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
