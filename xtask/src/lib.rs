//! What the developer's commands share with the build scripts of `lb-ctl` and `bench`: how the
//! programs for the kernel are compiled. Nothing here needs more than the standard library.

pub mod bpf;
pub mod linker;
pub mod toolchain;
