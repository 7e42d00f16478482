//! The first files of the guest: enough to mount the host's and go over to them.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use super::kernel::Kernel;
use super::options::KEEP_TAG;
use super::{EXIT_MARK, Options};

/// What the guest needs to reach the host's files, and a network card.
const MODULES: [&str; 5] = ["virtio_pci", "virtio_net", "9p", "9pnet_virtio", "overlay"];
const BUSYBOX: &str = "/bin/busybox";

/// Mounts the host's files under an overlay, so that the guest may write, and goes over to them.
const INIT: &str = r"#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod $module; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,ro,cache=loose host /host
mount -t tmpfs -o size=2g memory /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work root /new
mount -t proc proc /new/proc
mount -t sysfs sys /new/sys
mount -t devtmpfs dev /new/dev
mount -t bpf bpf /new/sys/fs/bpf
cp /command /new/vm-command
exec switch_root /new /bin/sh /vm-command
";

/// Builds the archive under `folder` and returns its path.
pub(super) fn build(
    folder: &Path,
    kernel: &Kernel,
    options: &Options,
    here: &Path,
    command: &[OsString],
) -> anyhow::Result<PathBuf> {
    let files = folder.join(format!("initramfs-{}", std::process::id()));
    for name in ["bin", "modules", "proc", "dev", "host", "memory", "new"] {
        fs::create_dir_all(files.join(name))
            .with_context(|| format!("making {}", files.display()))?;
    }
    fs::copy(BUSYBOX, files.join("bin/busybox")).context("copying busybox")?;
    symlink("busybox", files.join("bin/sh")).context("linking sh")?;
    for (number, module) in kernel.files_of(&MODULES)?.iter().enumerate() {
        let name = module.file_name().unwrap_or_default().to_string_lossy();
        fs::copy(module, files.join(format!("modules/{number:02}-{name}")))
            .with_context(|| format!("copying {}", module.display()))?;
    }
    fs::write(files.join("init"), INIT)?;
    fs::set_permissions(files.join("init"), fs::Permissions::from_mode(0o755))?;
    fs::write(files.join("command"), script(kernel, options, here, command))?;
    let archive = folder.join(format!("initramfs-{}.cpio", std::process::id()));
    let packed = pack(&files, &archive);
    fs::remove_dir_all(&files)?;
    packed.map(|()| archive)
}

/// What the guest runs over the host's files. Modules are found where `modprobe` looks for them.
fn script(kernel: &Kernel, options: &Options, here: &Path, command: &[OsString]) -> Vec<u8> {
    let mut script = b"export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb\n".to_vec();
    let modules = kernel.modules();
    let release = modules.file_name().unwrap_or_default();
    script.extend(b"mkdir -p /lib/modules && ln -sfn ");
    script.extend(quoted(modules.as_os_str().as_bytes()));
    script.extend(b" /lib/modules/");
    script.extend(release.as_bytes());
    script.extend(b"\nip link set lo up\n");
    if let Some(folder) = &options.keep {
        let mount = "mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000";
        script.extend(format!("{mount} {KEEP_TAG} ").bytes());
        script.extend(quoted(folder.as_os_str().as_bytes()));
        script.push(b'\n');
    }
    script.extend(b"cd ");
    script.extend(quoted(here.as_os_str().as_bytes()));
    script.push(b'\n');
    for word in command {
        script.extend(quoted(word.as_bytes()));
        script.push(b' ');
    }
    script
        .extend(format!("\necho {EXIT_MARK}$?\necho o > /proc/sysrq-trigger\nsleep 60\n").bytes());
    script
}

/// A word as the shell takes it, whatever is in it.
fn quoted(word: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in word {
        if *byte == b'\'' {
            quoted.extend(b"'\\''");
        } else {
            quoted.push(*byte);
        }
    }
    quoted.push(b'\'');
    quoted
}

fn pack(files: &Path, archive: &Path) -> anyhow::Result<()> {
    let out = fs::File::create(archive).with_context(|| format!("making {}", archive.display()))?;
    let mut cpio = Command::new("sh");
    cpio.args(["-c", "find . | cpio --quiet -o -H newc"]).current_dir(files);
    let status = cpio.stdin(Stdio::null()).stdout(out).status().context("cpio")?;
    if !status.success() {
        bail!("packing the first files of the VM failed ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_whatever_is_in_them() {
        assert_eq!(quoted(b"plain"), b"'plain'");
        assert_eq!(quoted(b"a b"), b"'a b'");
        assert_eq!(quoted(b"it's $HOME"), b"'it'\\''s $HOME'");
    }
}
