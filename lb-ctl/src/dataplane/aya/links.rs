//! The program's links to interfaces, pinned by the interface's name.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::xdp::{XdpLink, XdpMode};
use aya::programs::{ProgramError, Xdp};

use super::bpf_syscall;
use super::open::{entries, remove_file};
use crate::dataplane::{AttachMode, Attachment, DataplaneError, Held, ModeChoice};

pub(super) struct Links {
    pin_dir: PathBuf,
    directory: PathBuf,
    /// Held open; what keeps a link alive is its pin.
    held: HashMap<String, FdLink>,
}

impl Links {
    pub(super) fn new(pin_dir: PathBuf) -> Result<Self, DataplaneError> {
        let directory = pin_dir.join("links");
        fs::create_dir_all(&directory).map_err(|e| {
            DataplaneError::Setup(format!("cannot create {}: {e}", directory.display()))
        })?;
        Ok(Self { pin_dir, directory, held: HashMap::new() })
    }

    pub(super) fn pin_dir(&self) -> &Path {
        &self.pin_dir
    }

    /// Removes the directory of pins where no link is pinned.
    pub(super) fn forget_if_empty(&self) -> Result<(), DataplaneError> {
        if !self.pinned()?.is_empty() {
            return Ok(());
        }
        let directory = &self.directory;
        fs::remove_dir(directory).map_err(|e| {
            DataplaneError::Setup(format!("cannot remove {}: {e}", directory.display()))
        })
    }

    /// Interfaces with a pinned link.
    pub(super) fn pinned(&self) -> Result<Vec<String>, DataplaneError> {
        let names = entries(&self.directory)?.into_iter().filter_map(|path| {
            path.file_name().map(|name| name.to_string_lossy().replace(':', "."))
        });
        Ok(names.collect())
    }

    /// bpffs reserves dots in names, and VLAN interfaces have them. Interface names have no colon.
    fn path(&self, interface: &str) -> PathBuf {
        self.directory.join(interface.replace('.', ":"))
    }

    /// Puts the program on an interface: into the link that is there, if it is of the mode that is
    /// wanted, so that not one packet passes unseen; else into a new one.
    pub(super) fn attach(
        &mut self,
        program: &mut Xdp,
        interface: &str,
        ifindex: u32,
        choice: ModeChoice,
        before: Option<Held>,
    ) -> Result<Attachment, DataplaneError> {
        if let Some(held) = before.filter(|held| choice.allows(held.mode))
            && let Some(link_id) = self.update(program, interface, held)
        {
            let mode = held.mode;
            let reason = "taken over from an earlier daemon".to_owned();
            return Ok(Attachment { mode, reason, link_id });
        }
        // The kernel does not have programs of two modes on one interface, not even for a moment.
        self.detach(interface)?;
        match attach_new(program, interface, ifindex, choice) {
            Ok((link, mode, reason)) => {
                let link_id = self.pin(interface, link)?;
                Ok(Attachment { mode, reason, link_id })
            }
            Err(error) => {
                if let Some(held) = before {
                    self.put_back(program, interface, ifindex, held.mode);
                }
                Err(error)
            }
        }
    }

    /// What was forwarded before a mode was refused is forwarded again.
    fn put_back(&mut self, program: &mut Xdp, interface: &str, ifindex: u32, mode: AttachMode) {
        let xdp_mode = match mode {
            AttachMode::Native => XdpMode::Driver,
            AttachMode::Generic => XdpMode::Skb,
        };
        let attached = attach_as(program, ifindex, xdp_mode).map_err(|e| e.remedy());
        let outcome =
            attached.and_then(|link| self.pin(interface, link).map_err(|e| e.to_string()));
        match outcome {
            Ok(_) => tracing::info!("{interface}: attached, {} as before", mode.name()),
            Err(cause) => tracing::error!("{interface}: forwarding has ended: {cause}"),
        }
    }

    /// Makes a link outlive the process, and gives its id.
    fn pin(&mut self, interface: &str, link: FdLink) -> Result<u32, DataplaneError> {
        let failed = |cause: String| DataplaneError::Attach { interface: interface.into(), cause };
        let pinned = link.pin(self.path(interface)).map_err(|e| failed(e.to_string()))?;
        let link = FdLink::from(pinned);
        let id = link.info().map_err(|e| failed(e.to_string()))?.id();
        self.held.insert(interface.to_owned(), link);
        Ok(id)
    }

    /// Swaps the program in every link of this daemon's, so that not one packet passes unseen.
    /// Returns the interfaces whose links did not take it, with the reason.
    pub(super) fn swap(&mut self, program: &mut Xdp) -> Vec<(String, String)> {
        let names: Vec<String> = self.held.keys().cloned().collect();
        let swapped = names.into_iter().map(|name| {
            let outcome = self.put(program, &name);
            (name, outcome)
        });
        swapped.filter_map(|(name, outcome)| Some((name, outcome.err()?))).collect()
    }

    fn put(&mut self, program: &mut Xdp, interface: &str) -> Result<(), String> {
        let link = PinnedLink::from_pin(self.path(interface)).map_err(|e| e.to_string())?;
        let link = XdpLink::try_from(FdLink::from(link)).map_err(|e| e.to_string())?;
        let link = program.attach_to_link(link).map_err(|e| cause_of(&e))?;
        let link = program.take_link(link).map_err(|e| e.to_string())?;
        self.held.insert(interface.to_owned(), FdLink::try_from(link).map_err(|e| e.to_string())?);
        Ok(())
    }

    /// Swaps the program in a pinned link. `None` where there is none, or it is not the one that
    /// the interface has now.
    fn update(&mut self, program: &mut Xdp, interface: &str, held: Held) -> Option<u32> {
        let link = FdLink::from(PinnedLink::from_pin(self.path(interface)).ok()?);
        if link.info().ok()?.program_id() != held.program_id {
            return None;
        }
        let link_id = program.attach_to_link(XdpLink::try_from(link).ok()?).ok()?;
        let link = FdLink::try_from(program.take_link(link_id).ok()?).ok()?;
        let id = link.info().ok()?.id();
        self.held.insert(interface.to_owned(), link);
        Some(id)
    }

    /// Takes the program off an interface, if it is there.
    pub(super) fn detach(&mut self, interface: &str) -> Result<(), DataplaneError> {
        self.held.remove(interface);
        let pin = self.path(interface);
        if let Err(error) = bpf_syscall::detach_pinned_link(&pin)
            && error.kind() != io::ErrorKind::NotFound
        {
            // Without its pin the link goes as well, only later.
            tracing::debug!("cannot detach the link {}: {error}", pin.display());
        }
        remove_file(&pin)
    }
}

/// The error of the system call, where it was one that failed.
fn cause_of(error: &ProgramError) -> String {
    match error {
        ProgramError::SyscallError(error) => error.io_error.to_string(),
        other => other.to_string(),
    }
}

fn attach_new(
    program: &mut Xdp,
    interface: &str,
    ifindex: u32,
    choice: ModeChoice,
) -> Result<(FdLink, AttachMode, String), DataplaneError> {
    let failed = |cause: String| DataplaneError::Attach { interface: interface.to_owned(), cause };
    let native = || "the driver supports it".to_owned();
    let asked = || "asked for".to_owned();
    let generic = |program: &mut Xdp, reason: String| {
        let link = attach_as(program, ifindex, XdpMode::Skb).map_err(|e| failed(e.remedy()))?;
        Ok((link, AttachMode::Generic, reason))
    };
    match choice {
        ModeChoice::Generic => generic(program, asked()),
        ModeChoice::Native => match attach_as(program, ifindex, XdpMode::Driver) {
            Ok(link) => Ok((link, AttachMode::Native, asked())),
            Err(error) => Err(failed(format!("native mode: {}", error.remedy()))),
        },
        ModeChoice::Auto => match attach_as(program, ifindex, XdpMode::Driver) {
            Ok(link) => Ok((link, AttachMode::Native, native())),
            Err(error) if error.driver_lacks_xdp() => {
                generic(program, format!("no native mode: {}", error.remedy()))
            }
            Err(error) => Err(failed(error.remedy())),
        },
    }
}

/// A refusal by the kernel.
enum Refusal {
    Os(std::io::Error),
    /// Attached by netlink: such an attachment dies with the process.
    NoLink,
    Other(ProgramError),
}

impl Refusal {
    fn errno(&self) -> Option<i32> {
        match self {
            Self::Os(error) => error.raw_os_error(),
            Self::NoLink | Self::Other(_) => None,
        }
    }

    /// Whether the generic mode may do where this one did not.
    fn driver_lacks_xdp(&self) -> bool {
        let driver = [libc::EOPNOTSUPP, libc::EINVAL, libc::ERANGE, libc::ENOSPC, libc::ENOMEM];
        matches!(self, Self::NoLink) || self.errno().is_some_and(|errno| driver.contains(&errno))
    }

    fn remedy(&self) -> String {
        match (self.errno(), self) {
            (Some(libc::EOPNOTSUPP), _) => "the driver has no native XDP".to_owned(),
            (Some(libc::ERANGE), _) => {
                "the interface's or its peer's MTU is too large for the driver's XDP".to_owned()
            }
            (Some(libc::ENOSPC), _) => {
                "the driver has too few queues for XDP (on veth: the peer's transmit queues must \
                 not outnumber this end's receive queues)"
                    .to_owned()
            }
            (Some(libc::EBUSY | libc::EEXIST), _) => {
                "another XDP program is attached to it; `ip -d link show` names it, and it must be \
                 detached first (is another balancer running?)"
                    .to_owned()
            }
            (Some(libc::EPERM | libc::EACCES), _) => {
                "no permission: this needs root, or CAP_NET_ADMIN and CAP_BPF".to_owned()
            }
            (Some(libc::ENODEV), _) => "the interface is gone".to_owned(),
            (_, Self::Os(error)) => error.to_string(),
            (_, Self::NoLink) => "the kernel gives no bpf_link for it".to_owned(),
            (_, Self::Other(error)) => error.to_string(),
        }
    }
}

fn attach_as(program: &mut Xdp, ifindex: u32, mode: XdpMode) -> Result<FdLink, Refusal> {
    let id = program.attach_to_if_index(ifindex, mode).map_err(|error| match error {
        ProgramError::SyscallError(error) => Refusal::Os(error.io_error),
        other => Refusal::Other(other),
    })?;
    let link = program.take_link(id).map_err(Refusal::Other)?;
    // Dropping the netlink kind detaches it.
    FdLink::try_from(link).map_err(|_| Refusal::NoLink)
}
