//! Faults of the system in the middle of a change: all is as it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bench::lab::{VIP4, VIP6};

use super::control::{AddressWatch, Bed, ctl, json, run};
use super::{counting, document, folder, still_counting};

/// A mount, taken off when dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// Mounts a file or folder over itself, read-only if so wanted.
    fn over_itself(path: &Path, read_only: bool) -> Self {
        let mounted = Self(path.to_owned());
        run(Command::new("mount").arg("--bind").args([path, path])).ok();
        if read_only {
            run(Command::new("mount").args(["-o", "remount,ro,bind"]).arg(path)).ok();
        }
        mounted
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily, so that whoever holds a file open does not keep it.
        let ended = run(Command::new("umount").arg("--lazy").arg(&self.0));
        if ended.code != Some(0) {
            eprintln!("{ended:?}");
        }
    }
}

/// Changes of every kind; none may leave a trace where the file cannot be written.
fn changes(bed: &Bed) -> Vec<String> {
    let mut lines: Vec<String> = [
        "add-service -u 192.0.2.11:53",
        "add-real -u 192.0.2.10:53 -r 192.0.2.22",
        "edit-real -u 192.0.2.10:53 -r 192.0.2.21 -w 5",
        "drain -u 192.0.2.10:53 -r 192.0.2.21",
        "delete-real -u 192.0.2.10:53 -r 192.0.2.21",
        "delete-service -u 192.0.2.10:53",
        "delete-service -u [2001:db8::10]:53",
        "clear",
    ]
    .map(str::to_owned)
    .to_vec();
    let other = r#"{ "services": [ { "protocol": "tcp", "vip": "192.0.2.12", "port": 80 } ] }"#;
    lines.push(format!("apply {}", document(bed, other)));
    lines
}

/// Every change fails with these words, and leaves everything as it was: file, list, counters,
/// connections, addresses.
#[track_caller]
fn nothing_can_be_changed(bed: &Bed, flags: &str, words: &[&str]) {
    let lines = changes(bed);
    let before = bed.picture();
    let files = folder(bed);
    let watch = AddressWatch::start(&bed.lab.director.namespace);
    for line in lines {
        ctl(&bed.director, &format!("{line}{flags}")).refused(1, words);
        assert_eq!(bed.picture(), before, "after `{line}`");
        assert_eq!(folder(bed), files, "after `{line}`");
    }
    still_counting(bed);
    let seen = watch.stop();
    let of_old = |line: &String| line.contains("192.0.2.10/") || line.contains("2001:db8::10/");
    assert!(!seen.iter().any(of_old), "VIPs in use came and went: {seen:#?}");
    // The connections are still those of the reals.
    bed.knock(VIP4.into(), 53, 1);
    bed.knock(VIP6.into(), 53, 1);
}

#[test]
fn a_folder_that_became_read_only() {
    let bed = counting();
    let path = bed.director.definition_path();
    let mounted = Mounted::over_itself(path.parent().unwrap(), true);
    nothing_can_be_changed(&bed, "", &[path.to_str().unwrap(), "read-only"]);
    drop(mounted);
    ctl(&bed.director, "edit-real -u 192.0.2.10:53 -r 192.0.2.21 -w 5").ok();
    assert_eq!(bed.file(), ctl(&bed.director, "save").ok());
}

#[test]
fn a_file_that_cannot_be_replaced() {
    let bed = counting();
    let path = bed.director.definition_path();
    // It can be prepared for, and fails at the last step.
    let mounted = Mounted::over_itself(&path, false);
    nothing_can_be_changed(&bed, "", &[path.to_str().unwrap(), "mount point"]);
    drop(mounted);
    ctl(&bed.director, "edit-real -u 192.0.2.10:53 -r 192.0.2.21 -w 5").ok();
    assert_eq!(bed.file(), ctl(&bed.director, "save").ok());
}

#[test]
fn a_folder_in_the_place_of_the_file() {
    let bed = counting();
    let path = bed.director.definition_path();
    let aside = path.with_extension("aside");
    fs::rename(&path, &aside).unwrap();
    fs::create_dir(&path).unwrap();
    for flags in ["", " --force"] {
        nothing_can_be_changed_at(&bed, flags, path.to_str().unwrap());
    }
    let config = json(&bed.director, "status")["config"].clone();
    assert_eq!(config["state"], "stale", "{config}");
    assert!(config["error"].as_str().unwrap().contains("no regular file"), "{config}");
    ctl(&bed.director, "reload").refused(1, &[path.to_str().unwrap(), "no regular file"]);
    fs::remove_dir(&path).unwrap();
    fs::rename(&aside, &path).unwrap();
    ctl(&bed.director, "reload").ok();
    still_counting(&bed);
}

#[track_caller]
fn nothing_can_be_changed_at(bed: &Bed, flags: &str, path: &str) {
    let before = bed.picture();
    for line in ["delete-service -u 192.0.2.10:53", "add-service -u 192.0.2.11:53", "clear"] {
        ctl(&bed.director, &format!("{line}{flags}")).refused(1, &[path]);
        assert_eq!(bed.picture(), before, "after `{line}{flags}`");
    }
    still_counting(bed);
}

#[test]
fn a_vip_that_the_kernel_does_not_take() {
    let bed = counting();
    let file = bed.file();
    // Where IPv6 is switched off no IPv6 address can be added.
    let here = &bed.lab.director.namespace;
    ctl(&bed.director, "delete-service -u [2001:db8::10]:53").ok();
    here.sysctl(&[("ipv6/conf/eth0/disable_ipv6", "1")]).unwrap();
    let before = bed.picture();
    let six = ctl(&bed.director, "add-service -u [2001:db8::10]:53");
    six.refused(1, &["2001:db8::10", "disable_ipv6"]);
    assert_eq!(bed.picture(), before);
    let path = document(&bed, &file);
    let apply = ctl(&bed.director, &format!("apply {path}"));
    apply.refused(1, &["2001:db8::10", "disable_ipv6"]);
    assert_eq!(bed.picture(), before);
    assert_eq!(bed.counted(VIP4.into(), 53), (1, 3));

    here.sysctl(&[("ipv6/conf/eth0/disable_ipv6", "0")]).unwrap();
    ctl(&bed.director, &format!("apply {path}")).ok();
    assert_eq!(json(&bed.director, "list")["services"].as_array().unwrap().len(), 2);
}
