//! The few commands of bpf(2) that aya has no call for.
#![expect(unsafe_code, reason = "bpf(2) takes a pointer to a union that is built by hand")]

use std::ffi::CString;
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aya::Pod;
use aya_obj::generated::bpf_map_type::BPF_MAP_TYPE_ARRAY_OF_MAPS;

const BPF_MAP_CREATE: libc::c_long = 0;
const BPF_MAP_LOOKUP_ELEM: libc::c_long = 1;
const BPF_MAP_UPDATE_ELEM: libc::c_long = 2;
const BPF_MAP_DELETE_ELEM: libc::c_long = 3;
const BPF_OBJ_GET: libc::c_long = 7;
const BPF_MAP_LOOKUP_BATCH: libc::c_long = 24;
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

impl ElementAttr {
    /// `value` is the address of the element's value.
    fn new(map: BorrowedFd<'_>, index: &u32, value: usize) -> Self {
        Self {
            map_fd: map.as_raw_fd().cast_unsigned(),
            pad: 0,
            key: ptr::from_ref(index).addr() as u64,
            value: value as u64,
            flags: 0,
        }
    }
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

impl BatchAttr {
    fn new(map: BorrowedFd<'_>, count: usize) -> Self {
        Self {
            in_batch: 0,
            out_batch: 0,
            keys: 0,
            values: 0,
            count: count as u32,
            map_fd: map.as_raw_fd().cast_unsigned(),
            elem_flags: 0,
            flags: 0,
        }
    }

    /// The kernel leaves in `count` how many elements it has dealt with.
    fn all_of(&self, count: usize, done: &str) -> io::Result<()> {
        if self.count as usize == count {
            Ok(())
        } else {
            Err(io::Error::other(format!("only {} of {count} were {done}", self.count)))
        }
    }
}

/// The anonymous struct of `union bpf_attr` for pins.
#[repr(C)]
struct PinAttr {
    path: u64,
    fd: u32,
    flags: u32,
}

/// The beginning of the anonymous struct of `union bpf_attr` for a new map.
#[repr(C)]
struct CreateAttr {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    inner_map_fd: u32,
    numa_node: u32,
    map_name: [u8; 16],
}

/// The struct `link_detach` of `union bpf_attr` (kernel 5.9, commit 73b11c2ab072).
#[repr(C)]
struct DetachAttr {
    link_fd: u32,
}

/// Makes an array of maps that are all like `inner`. A name has fifteen characters at most.
///
/// # Errors
///
/// What the kernel says.
pub(super) fn create_array_of_maps(
    name: &str,
    max_entries: u32,
    inner: BorrowedFd<'_>,
) -> io::Result<OwnedFd> {
    let mut map_name = [0; 16];
    map_name[..name.len()].copy_from_slice(name.as_bytes());
    let mut attr = CreateAttr {
        map_type: BPF_MAP_TYPE_ARRAY_OF_MAPS as u32,
        key_size: size_of::<u32>() as u32,
        value_size: size_of::<u32>() as u32,
        max_entries,
        map_flags: 0,
        inner_map_fd: inner.as_raw_fd().cast_unsigned(),
        numa_node: 0,
        map_name,
    };
    // SAFETY: `attr` is the beginning of the struct this command reads, and holds no pointer.
    let map = unsafe { bpf(BPF_MAP_CREATE, &mut attr) }?;
    // SAFETY: the kernel has just made this descriptor, for nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(map) })
}

/// Writes each of `values` to the element of the array at the same place in `indices`, in one call.
///
/// # Errors
///
/// What the kernel says; some elements may have been written.
pub(super) fn update_batch<V: Pod>(
    map: BorrowedFd<'_>,
    indices: &[u32],
    values: &[V],
) -> io::Result<()> {
    update_batch_per_cpu(map, indices, values, 1)
}

/// The same for an array that has each element once for each of `cpus`, the CPUs that there can be
/// (kernel 5.13, commit f008d732ab18). The values of one element stand side by side, and have a
/// size that eight divides.
///
/// # Errors
///
/// What the kernel says; some elements may have been written.
pub(super) fn update_batch_per_cpu<V: Pod>(
    map: BorrowedFd<'_>,
    indices: &[u32],
    values: &[V],
    cpus: usize,
) -> io::Result<()> {
    assert_eq!(indices.len() * cpus, values.len(), "each index has its values");
    if values.is_empty() {
        return Ok(());
    }
    let mut attr = BatchAttr::new(map, indices.len());
    attr.keys = indices.as_ptr().addr() as u64;
    attr.values = values.as_ptr().addr() as u64;
    // SAFETY: `attr` is the struct this command reads; `indices` and `values` outlive the call and
    // hold `count` elements, of which each has `cpus` values; the callers give the map's own type
    // of values.
    unsafe { bpf(BPF_MAP_UPDATE_BATCH, &mut attr) }?;
    attr.all_of(indices.len(), "written")
}

/// Writes `values` to the first elements of an array that was made with `BPF_F_MMAPABLE`, by a copy
/// into its memory. Elements stand there side by side where eight divides their size.
///
/// # Errors
///
/// What the kernel says; then nothing was written.
pub(super) fn fill<V: Pod>(map: BorrowedFd<'_>, values: &[V]) -> io::Result<()> {
    const { assert!(size_of::<V>().is_multiple_of(8)) };
    let memory = Mapping::of(map, size_of_val(values))?;
    // SAFETY: the mapping has the length of `values`, begins on a page, and is no memory of this
    // program's; the callers give the map's own type of values.
    unsafe { ptr::copy_nonoverlapping(values.as_ptr(), memory.start.cast(), values.len()) };
    Ok(())
}

/// The memory of an array that was made with `BPF_F_MMAPABLE`, as words that the packet path may read
/// and write at the same time. Elements stand there side by side where eight divides their size.
pub(super) struct Words {
    memory: Mapping,
    length: usize,
}

impl Words {
    /// The first `length` words of the array.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub(super) fn of(map: BorrowedFd<'_>, length: usize) -> io::Result<Self> {
        Ok(Self { memory: Mapping::of(map, length * size_of::<AtomicU64>())?, length })
    }

    pub(super) fn get(&self, index: usize) -> u64 {
        self.word(index).load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, index: usize, value: u64) {
        self.word(index).store(value, Ordering::Release);
    }

    /// Adds in one step: the packet path may add at the same time.
    pub(super) fn add(&self, index: usize, addend: i64) {
        self.word(index).fetch_add(addend.cast_unsigned(), Ordering::Relaxed);
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.length, "the array has the word");
        // SAFETY: the mapping lives as long as `self`, begins on a page and has so many words, which
        // this program touches by atomic steps alone.
        unsafe { &*self.memory.start.cast::<AtomicU64>().add(index) }
    }
}

/// The memory of a map, mapped into this process.
struct Mapping {
    start: *mut libc::c_void,
    length: usize,
}

impl Mapping {
    fn of(map: BorrowedFd<'_>, length: usize) -> io::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping, where the kernel finds room for it.
        let start = unsafe {
            libc::mmap(ptr::null_mut(), length, protection, libc::MAP_SHARED, map.as_raw_fd(), 0)
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { start, length })
    }
}

// SAFETY: mapped memory belongs to the process, not to the thread that mapped it.
unsafe impl Send for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's, and nothing refers to it. That fails for no mapping
        // that there is.
        unsafe { libc::munmap(self.start, self.length) };
    }
}

/// Reads the first `count` elements of an array, in one call.
///
/// # Errors
///
/// What the kernel says.
pub(super) fn read_array<V: Pod + Default>(map: BorrowedFd<'_>, count: u32) -> io::Result<Vec<V>> {
    read_per_cpu(map, 0..count, 1)
}

/// Reads elements of an array, in one call, that has each once for each of `cpus`, the CPUs that
/// there can be. The values of one element stand side by side, and have a size that eight divides
/// where there is more than one.
///
/// # Errors
///
/// What the kernel says.
pub(super) fn read_per_cpu<V: Pod + Default>(
    map: BorrowedFd<'_>,
    elements: Range<u32>,
    cpus: usize,
) -> io::Result<Vec<V>> {
    let mut last = 0_u32;
    let count = elements.len();
    let mut indices = vec![0_u32; count];
    let mut values = vec![V::default(); count * cpus];
    let mut attr = BatchAttr::new(map, count);
    // The kernel begins behind this one (`generic_map_lookup_batch`).
    let before = elements.start.checked_sub(1);
    attr.in_batch = before.as_ref().map_or(0, |before| ptr::from_ref(before).addr() as u64);
    attr.out_batch = (&raw mut last).addr() as u64;
    attr.keys = indices.as_mut_ptr().expose_provenance() as u64;
    attr.values = values.as_mut_ptr().expose_provenance() as u64;
    // SAFETY: `attr` is the struct this command reads; the buffers outlive the call, hold `count`
    // elements of `cpus` values (`last` and `before` the one they need), and take any bytes; the
    // callers give the map's own type of values.
    match unsafe { bpf(BPF_MAP_LOOKUP_BATCH, &mut attr) } {
        // Where the array ends with this batch, the kernel says so by an error.
        Err(error) if error.raw_os_error() != Some(libc::ENOENT) => return Err(error),
        _ => {}
    }
    attr.all_of(count, "read")?;
    Ok(values)
}

/// Returns when every program that was running at the call has ended. XDP programs run in RCU
/// read-side critical sections, and this command of membarrier(2) is `synchronize_rcu`. Where the
/// kernel has it not (`nohz_full`), longer than a program can run.
pub(super) fn wait_for_programs() {
    const MEMBARRIER_CMD_GLOBAL: libc::c_int = 1;
    // SAFETY: the call takes three numbers.
    let done = unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) };
    if done != 0 {
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Deletes the element at `index`.
pub(super) fn delete_element(map: BorrowedFd<'_>, index: u32) -> io::Result<()> {
    let mut attr = ElementAttr::new(map, &index, 0);
    // SAFETY: `attr` is the struct this command reads; `index` outlives the call and has the size
    // of the map's keys.
    unsafe { bpf(BPF_MAP_DELETE_ELEM, &mut attr) }.map(drop)
}

/// Writes the only element of an array, whose value is as many words as `words`.
///
/// # Errors
///
/// What the kernel says; then nothing was written.
pub(super) fn write_only(map: BorrowedFd<'_>, words: &[u64]) -> io::Result<()> {
    let index = 0;
    let mut attr = ElementAttr::new(map, &index, words.as_ptr().addr());
    // SAFETY: `attr` is the struct this command reads; `index` and `words` outlive the call and have
    // the sizes of the map's keys and, as the callers made it, its values.
    unsafe { bpf(BPF_MAP_UPDATE_ELEM, &mut attr) }.map(drop)
}

/// Reads the only element of an array, whose value is so many words.
///
/// # Errors
///
/// What the kernel says.
pub(super) fn read_only(map: BorrowedFd<'_>, words: usize) -> io::Result<Vec<u64>> {
    let index = 0;
    let mut value = vec![0; words];
    let mut attr = ElementAttr::new(map, &index, value.as_mut_ptr().expose_provenance());
    // SAFETY: as above.
    unsafe { bpf(BPF_MAP_LOOKUP_ELEM, &mut attr) }?;
    Ok(value)
}

/// Takes the program of the link pinned at `path` off its interface, before it returns. Removing
/// the pin alone leaves that to a work queue of the kernel (`bpf_link_put`), and until that comes
/// round the interface takes no other program.
pub(super) fn detach_pinned_link(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut pin = PinAttr { path: path.as_ptr().addr() as u64, fd: 0, flags: 0 };
    // SAFETY: `pin` is the struct this command reads; the path outlives the call and ends in zero.
    let fd = unsafe { bpf(BPF_OBJ_GET, &mut pin) }?;
    // SAFETY: the kernel has just made this descriptor, for nobody else.
    let link = unsafe { OwnedFd::from_raw_fd(fd) };
    let mut detach = DetachAttr { link_fd: link.as_raw_fd().cast_unsigned() };
    // SAFETY: `detach` is the struct this command reads.
    unsafe { bpf(BPF_LINK_DETACH, &mut detach) }.map(drop)
}

/// Returns what the kernel does: a descriptor, or zero.
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
