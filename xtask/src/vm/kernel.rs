//! Debian's stock kernel and its modules, unpacked from the package under `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::process;

/// An unpacked kernel.
pub(super) struct Kernel {
    root: PathBuf,
    release: String,
}

impl Kernel {
    /// The kernel under `folder`, fetched and unpacked where it is not there yet.
    pub(super) fn get(folder: &Path) -> anyhow::Result<Self> {
        let package = newest_package()?;
        let release = package.trim_start_matches("linux-image-").to_owned();
        let root = folder.join(&release);
        let kernel = Self { root, release };
        if !kernel.modules().join("modules.dep").exists() {
            kernel.fetch(folder, &package)?;
        }
        Ok(kernel)
    }

    fn fetch(&self, folder: &Path, package: &str) -> anyhow::Result<()> {
        eprintln!("vm: fetching {package}");
        let fresh = folder.join("fresh");
        // What an earlier run that was cut off has left.
        let _ = fs::remove_dir_all(&fresh);
        fs::create_dir_all(&fresh).with_context(|| format!("making {}", fresh.display()))?;
        // apt drops its rights for a download, and may not write here then.
        let sandbox = "APT::Sandbox::User=root";
        let mut download = Command::new("apt-get");
        download.args(["-qq", "-o", sandbox, "download", package]).current_dir(&fresh);
        process::run(&mut download)?;
        let file = fs::read_dir(&fresh)?.next().context("apt-get has downloaded nothing")??;
        let unpacked = fresh.join("root");
        process::run(Command::new("dpkg-deb").arg("-x").arg(file.path()).arg(&unpacked))?;
        process::run(Command::new("depmod").arg("-b").arg(&unpacked).arg(&self.release))?;
        // Only what is whole gets the name by which it is found.
        let _ = fs::remove_dir_all(&self.root);
        fs::rename(&unpacked, &self.root)?;
        Ok(fs::remove_dir_all(&fresh)?)
    }

    /// What boots.
    pub(super) fn image(&self) -> PathBuf {
        self.root.join(format!("boot/vmlinuz-{}", self.release))
    }

    /// The folder of its modules.
    pub(super) fn modules(&self) -> PathBuf {
        self.root.join("lib/modules").join(&self.release)
    }

    /// The files of modules and of those they need, in the order to load them.
    pub(super) fn files_of(&self, modules: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
        let mut files: Vec<PathBuf> = Vec::new();
        for module in modules {
            let mut modprobe = Command::new("modprobe");
            modprobe.args(["--show-depends", "-S", &self.release, "-d"]).arg(&self.root);
            let output = modprobe.arg(module).output().context("modprobe could not be started")?;
            if !output.status.success() {
                bail!("{}: {}", module, String::from_utf8_lossy(&output.stderr).trim());
            }
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                // Others are built in.
                let Some(file) = line.strip_prefix("insmod ") else { continue };
                let file = PathBuf::from(file.trim());
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        Ok(files)
    }
}

/// The package that the distribution's metapackage stands for.
fn newest_package() -> anyhow::Result<String> {
    let output = Command::new("apt-cache")
        .args(["depends", "linux-image-amd64"])
        .output()
        .context("apt-cache could not be started")?;
    named(&String::from_utf8_lossy(&output.stdout))
        .context("apt knows no package linux-image-amd64: run `apt-get update`, on Debian")
}

fn named(depends: &str) -> Option<String> {
    let lines = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    lines.map(str::to_owned).find(|package| package.starts_with("linux-image-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_read_from_the_metapackage() {
        let depends = "linux-image-amd64\n  Depends: linux-image-6.1.0-56-amd64\n";
        assert_eq!(named(depends).as_deref(), Some("linux-image-6.1.0-56-amd64"));
        assert_eq!(named(""), None);
    }
}
