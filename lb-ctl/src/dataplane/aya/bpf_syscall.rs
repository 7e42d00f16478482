//! The few commands of bpf(2) that aya has no call for.
#![expect(unsafe_code, reason = "bpf(2) takes a pointer to a union that is built by hand")]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

const BPF_MAP_DELETE_ELEM: libc::c_long = 3;
const BPF_OBJ_GET: libc::c_long = 7;
const BPF_MAP_UPDATE_BATCH: libc::c_long = 26;
const BPF_LINK_DETACH: libc::c_long = 34;

/// The anonymous struct of `union bpf_attr` for single elements.
#[repr(C)]
struct ElementAttr {
    map_fd: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// The struct `batch` of `union bpf_attr` (kernel 5.6, commit aa2e93b8e58e).
#[repr(C)]
struct BatchAttr {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

/// The anonymous struct of `union bpf_attr` for pinned objects.
#[repr(C)]
struct ObjectAttr {
    pathname: u64,
    bpf_fd: u32,
    file_flags: u32,
}

/// The struct `link_detach` of `union bpf_attr` (kernel 5.9, commit 73b11c2ab072).
#[repr(C)]
struct DetachAttr {
    link_fd: u32,
}

/// Takes the program of a pinned link off its interface. When this returns it is off, while a link
/// whose last pin is removed goes some time later.
pub(super) fn detach_link(pin: &Path) -> io::Result<()> {
    let path = CString::new(pin.as_os_str().as_bytes())?;
    let mut attr = ObjectAttr { pathname: path.as_ptr().addr() as u64, bpf_fd: 0, file_flags: 0 };
    // SAFETY: `attr` is the struct this command reads; `path` ends in a zero and outlives the call.
    let fd = unsafe { bpf(BPF_OBJ_GET, &mut attr) }?;
    // SAFETY: the kernel has just made this descriptor for us.
    let link = unsafe { OwnedFd::from_raw_fd(fd) };
    let mut attr = DetachAttr { link_fd: link.as_raw_fd().cast_unsigned() };
    // SAFETY: `attr` is the struct this command reads, and has no pointers.
    unsafe { bpf(BPF_LINK_DETACH, &mut attr) }.map(drop)
}

/// Writes `values` to the indices from zero on, in one call.
pub(super) fn fill_array(map: BorrowedFd<'_>, values: &[u32]) -> io::Result<()> {
    let keys: Vec<u32> = (0..values.len() as u32).collect();
    let mut attr = BatchAttr {
        in_batch: 0,
        out_batch: 0,
        keys: keys.as_ptr().addr() as u64,
        values: values.as_ptr().addr() as u64,
        count: values.len() as u32,
        map_fd: map.as_raw_fd().cast_unsigned(),
        elem_flags: 0,
        flags: 0,
    };
    // SAFETY: `attr` is the struct this command reads; `keys` and `values` outlive the call and
    // hold `count` elements each, of the sizes the map was made with (four bytes both).
    unsafe { bpf(BPF_MAP_UPDATE_BATCH, &mut attr) }?;
    if attr.count as usize == values.len() {
        Ok(())
    } else {
        Err(io::Error::other(format!("only {} of {} slots were written", attr.count, values.len())))
    }
}

/// Deletes the element at `index`.
pub(super) fn delete_element(map: BorrowedFd<'_>, index: u32) -> io::Result<()> {
    let mut attr = ElementAttr {
        map_fd: map.as_raw_fd().cast_unsigned(),
        pad: 0,
        key: (&raw const index).addr() as u64,
        value: 0,
        flags: 0,
    };
    // SAFETY: `attr` is the struct this command reads; `index` outlives the call and has the size
    // of the map's keys.
    unsafe { bpf(BPF_MAP_DELETE_ELEM, &mut attr) }.map(drop)
}

/// Returns what the kernel returns: a descriptor for some commands.
///
/// # Safety
///
/// `attr` must be what `command` expects, and every pointer in it valid for the call.
unsafe fn bpf<T>(command: libc::c_long, attr: &mut T) -> io::Result<i32> {
    // SAFETY: the caller's.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attr), size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as i32) }
}
