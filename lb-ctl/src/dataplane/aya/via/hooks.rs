//! Where the programs are attached: by TCX where the kernel has it, by `clsact` before (Linux 6.6,
//! commit e420bed02507). They come before all others: so no other's verdict keeps them from a
//! probe, and theirs keeps no other from running.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use aya::Ebpf;
use aya::programs::tc::{SchedClassifierLink, TcAttachOptions, TcError};
use aya::programs::{LinkOrder, ProgramError, SchedClassifier, TcAttachType};
use lb_common::via::programs;
use nix::net::if_::if_indextoname;

use super::clsact::{self, Clsact};
use super::{ViaError, program};

/// The programs, and where in the packet's way they are.
pub(super) const HOOKS: [(&str, TcAttachType); 2] =
    [(programs::INGRESS, TcAttachType::Ingress), (programs::EGRESS, TcAttachType::Egress)];

/// The attachments to interfaces, which end when they are dropped.
#[derive(Default)]
pub(super) struct Hooks {
    held: BTreeMap<u32, Hook>,
    /// Whether the kernel has no TCX.
    old: bool,
}

#[expect(dead_code, reason = "what a hook holds ends with it")]
enum Hook {
    /// The kernel lets go of both with their descriptors, and so with the process.
    Tcx([SchedClassifierLink; 2]),
    Clsact(Clsact),
}

impl Hooks {
    /// Lets go of all other interfaces.
    pub(super) fn keep(&mut self, ifindexes: &BTreeSet<u32>) {
        self.held.retain(|ifindex, _| ifindexes.contains(ifindex));
    }

    /// Puts the programs on an interface, unless they are there or it is gone.
    pub(super) fn put(&mut self, ebpf: &mut Ebpf, ifindex: u32) -> Result<(), ViaError> {
        let Some(name) = name(ifindex) else {
            self.held.remove(&ifindex);
            return Ok(());
        };
        if let Some(hook) = self.held.get(&ifindex)
            && hook.stands(ebpf, ifindex, &name)?
        {
            return Ok(());
        }
        self.held.remove(&ifindex);
        match self.hook(ebpf, ifindex, &name) {
            Ok(hook) => {
                self.held.insert(ifindex, hook);
                Ok(())
            }
            Err(error) if errno(&error) == Some(libc::ENODEV) => Ok(()),
            Err(error) => Err(ViaError::Attach { interface: name, cause: remedy(&error) }),
        }
    }

    fn hook(&mut self, ebpf: &mut Ebpf, ifindex: u32, name: &str) -> Result<Hook, ProgramError> {
        if !self.old {
            match tcx(ebpf, name) {
                // Before 6.6 there is no such kind of link.
                Err(error) if errno(&error) == Some(libc::EINVAL) => {
                    clsact::sweep();
                    self.old = true;
                }
                outcome => return outcome.map(Hook::Tcx),
            }
        }
        Clsact::attach(ebpf, ifindex, name).map(Hook::Clsact)
    }
}

impl Hook {
    /// Whether it is still there: others can take it off.
    fn stands(&self, ebpf: &mut Ebpf, ifindex: u32, interface: &str) -> Result<bool, ViaError> {
        let stands = match self {
            Self::Tcx(_) => tcx_stands(ebpf, interface),
            Self::Clsact(_) => clsact::stands(ifindex).map_err(from_io),
        };
        let unknown =
            |error| ViaError::Attach { interface: interface.into(), cause: remedy(&error) };
        stands.map_err(unknown)
    }
}

fn tcx(ebpf: &mut Ebpf, interface: &str) -> Result<[SchedClassifierLink; 2], ProgramError> {
    let mut link = |(name, at)| {
        let options = TcAttachOptions::TcxOrder(LinkOrder::first());
        attach(ebpf, name, interface, at, options)
    };
    let [ingress, egress] = HOOKS;
    Ok([link(ingress)?, link(egress)?])
}

fn tcx_stands(ebpf: &mut Ebpf, interface: &str) -> Result<bool, ProgramError> {
    for (name, at) in HOOKS {
        let ours = loaded(ebpf, name)?.info()?.id();
        let (_, there) = SchedClassifier::query_tcx(interface, at)?;
        if !there.iter().any(|program| program.id() == ours) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Attaches one program, and gives what holds it there.
pub(super) fn attach(
    ebpf: &mut Ebpf,
    name: &str,
    interface: &str,
    at: TcAttachType,
    options: TcAttachOptions,
) -> Result<SchedClassifierLink, ProgramError> {
    let program = loaded(ebpf, name)?;
    let id = program.attach_with_options(interface, at, options)?;
    program.take_link(id)
}

fn loaded<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut SchedClassifier, ProgramError> {
    program(ebpf, name).map_err(|_| ProgramError::NotLoaded)
}

/// The name of an interface; `None` where it is gone.
pub(super) fn name(ifindex: u32) -> Option<String> {
    let name = if_indextoname(ifindex).ok()?.into_string().ok()?;
    // nix 0.31 gives this in place of an error.
    (!name.is_empty()).then_some(name)
}

pub(super) fn from_io(error: io::Error) -> ProgramError {
    TcError::IoError(error).into()
}

pub(super) fn errno(error: &ProgramError) -> Option<i32> {
    match error {
        ProgramError::SyscallError(error) => error.io_error.raw_os_error(),
        ProgramError::TcError(TcError::NetlinkError(error)) => error.raw_os_error(),
        ProgramError::TcError(TcError::IoError(error)) => error.raw_os_error(),
        _ => None,
    }
}

fn remedy(error: &ProgramError) -> String {
    match errno(error) {
        Some(libc::EPERM | libc::EACCES) => {
            "no permission: this needs root, or CAP_NET_ADMIN and CAP_BPF".to_owned()
        }
        Some(libc::EOPNOTSUPP | libc::EINVAL) => format!(
            "the kernel refuses a filter there ({error}): an old `ingress` qdisc must be replaced \
             by `clsact` (tc qdisc del dev … ingress)"
        ),
        Some(errno) => io::Error::from_raw_os_error(errno).to_string(),
        None => error.to_string(),
    }
}
