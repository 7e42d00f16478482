//! The programs as filters in the qdisc `clsact`, as all kernels have it. A filter outlives the
//! process that is killed: the next one knows it by its name.

use std::io;
use std::ops::RangeInclusive;

use aya::Ebpf;
use aya::programs::tc::{
    NlOptions, SchedClassifierLink, TcAttachOptions, TcError, TcHandle, qdisc_detach_program,
};
use aya::programs::{ProgramError, TcAttachType};
use nix::net::if_::if_nameindex;

use super::hooks::{self, HOOKS, from_io};
use crate::netlink::tc;

/// Priorities that are tried, the foremost first: that of filters of another kind cannot be shared.
const PRIORITIES: RangeInclusive<u16> = 1..=16;

/// The handle of a filter in a `clsact` that was there before.
const FOUND: u16 = 1;
/// The handle of a filter in a `clsact` that was made for it: this outlives the process, too.
const MADE: u16 = 2;

/// The filters on an interface.
pub(super) struct Clsact {
    ifindex: u32,
    links: Option<[SchedClassifierLink; 2]>,
    /// Whether the qdisc is to go with them.
    made: bool,
}

impl Clsact {
    /// Puts them there, in place of those that an earlier process may have left.
    pub(super) fn attach(
        ebpf: &mut Ebpf,
        ifindex: u32,
        interface: &str,
    ) -> Result<Self, ProgramError> {
        let added = tc::add_clsact(ifindex).map_err(from_io)?;
        let made = remove_left(ifindex, interface).map_err(from_io)? || added;
        // From here on the qdisc goes if the filters do not come.
        let mut clsact = Self { ifindex, links: None, made };
        let mut link = |(name, at)| put(ebpf, name, interface, at, made);
        let [ingress, egress] = HOOKS;
        clsact.links = Some([link(ingress)?, link(egress)?]);
        Ok(clsact)
    }
}

impl Drop for Clsact {
    fn drop(&mut self) {
        // Each takes its filter away.
        drop(self.links.take());
        if self.made {
            remove_if_empty(self.ifindex);
        }
    }
}

fn put(
    ebpf: &mut Ebpf,
    name: &str,
    interface: &str,
    at: TcAttachType,
    made: bool,
) -> Result<SchedClassifierLink, ProgramError> {
    let handle = TcHandle::new(0, if made { MADE } else { FOUND });
    let mut outcome = Err(ProgramError::NotLoaded);
    for priority in PRIORITIES {
        let options = NlOptions { priority, handle, classid: None };
        outcome = hooks::attach(ebpf, name, interface, at, TcAttachOptions::Netlink(options));
        if outcome.is_ok() && priority > *PRIORITIES.start() {
            tracing::warn!(
                "{interface}: a filter of another kind comes before that of probes through the \
                 VIP, and keeps from it what it does not let go on: give it a priority above \
                 {priority}"
            );
        }
        // What is no matter of the place fails at the others as well.
        let taken = |error| matches!(hooks::errno(error), Some(libc::EINVAL | libc::EEXIST));
        if !outcome.as_ref().is_err_and(taken) {
            break;
        }
    }
    outcome
}

/// Whether both filters are on the interface.
pub(super) fn stands(ifindex: u32) -> io::Result<bool> {
    let filters = tc::filters(ifindex)?;
    let there = |name| filters.iter().any(|filter| filter.name.as_deref() == Some(name));
    Ok(HOOKS.iter().all(|(name, _)| there(*name)))
}

/// Removes what a killed process has left, on interfaces that this one may have no use for.
pub(super) fn sweep() {
    let Ok(interfaces) = if_nameindex() else { return };
    for interface in &interfaces {
        let (ifindex, name) = (interface.index(), interface.name().to_string_lossy());
        match remove_left(ifindex, &name) {
            Ok(true) => remove_if_empty(ifindex),
            Ok(false) => {}
            Err(error) => tracing::warn!("{name}: an old filter for probes is left: {error}"),
        }
    }
}

/// Removes the filters of an earlier process; says whether it had made the qdisc.
fn remove_left(ifindex: u32, interface: &str) -> io::Result<bool> {
    let filters = tc::filters(ifindex)?;
    let ours =
        |filter: &&tc::Filter| HOOKS.iter().any(|(name, _)| filter.name.as_deref() == Some(*name));
    let left: Vec<_> = filters.iter().filter(ours).collect();
    for (name, at) in HOOKS.into_iter().filter(|_| !left.is_empty()) {
        match qdisc_detach_program(interface, at, name) {
            Ok(()) => {}
            Err(TcError::IoError(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io::Error::other(error)),
        }
    }
    Ok(left.iter().any(|filter| filter.handle == u32::from(MADE)))
}

/// Removes a qdisc of our making, unless somebody has put a filter of his own there since. Where
/// one comes between the look and the removal, it is lost: the kernel removes no qdisc on
/// condition.
fn remove_if_empty(ifindex: u32) {
    let removed = tc::filters(ifindex)
        .and_then(|filters| if filters.is_empty() { tc::delete_clsact(ifindex) } else { Ok(()) });
    if let Err(error) = removed
        // Somebody has removed it already.
        && error.raw_os_error() != Some(libc::ENOENT)
        && let Some(name) = hooks::name(ifindex)
    {
        tracing::warn!("{name}: cannot remove the qdisc clsact: {error}");
    }
}
