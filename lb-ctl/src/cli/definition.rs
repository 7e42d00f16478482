//! The verbs of the definition file.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{ApplyArgs, CheckArgs, ClearArgs, FileArgs, Format, SaveArgs};
use super::output::{changes, json as to_json, quiet_changes};
use super::service::on_hand_edit;
use super::{CliError, Said};
use crate::api::client::{Client, ClientError};
use crate::config;
use crate::config::parse::{self, DefinitionError};

/// A definition's text and what to call it in messages.
struct Source {
    name: String,
    text: String,
}

pub(super) fn check(args: &CheckArgs, format: Format) -> Said {
    let Source { name, text } = read(&args.file)?;
    let desired = config::parse(&text).map_err(|fault| at_fault(&name, &fault))?;
    if !args.offline
        && let Some(fault) = parse::missing_interface(&text, &desired, is_interface)
    {
        let message = format!("{}, and `--offline` does not ask", fault.message);
        return Err(at_fault(&name, &DefinitionError { message, ..fault }));
    }
    let services = desired.services.len();
    let reals: usize = desired.services.values().map(|service| service.reals.len()).sum();
    let instances = desired.vrrp.instances.len();
    Ok(match format {
        Format::Table if instances == 0 => {
            format!("{name}: ok, {services} services, {reals} reals\n")
        }
        Format::Table => {
            format!("{name}: ok, {services} services, {reals} reals, {instances} VRRP instances\n")
        }
        Format::Json => to_json(&json!({
            "file": name, "services": services, "reals": reals, "vrrp_instances": instances,
        })),
    })
}

/// Whether this machine has an interface of this name.
fn is_interface(name: &str) -> bool {
    nix::net::if_::if_nametoindex(name).is_ok()
}

pub(super) fn schema() -> String {
    to_json(&config::schema())
}

pub(super) async fn diff(client: &Client, args: &FileArgs, format: Format) -> Said {
    let Source { name, text } = read(&args.file)?;
    let found = client.diff(text).await.map_err(|error| about(name, error))?;
    Ok(changes(&found, format))
}

pub(super) async fn apply(client: &Client, args: &ApplyArgs, format: Format) -> Said {
    let Source { name, text } = read(&args.file)?;
    let done = if args.dry_run {
        client.diff(text).await
    } else {
        client.apply(text, on_hand_edit(&args.force)).await
    };
    Ok(changes(&done.map_err(|error| about(name, error))?, format))
}

pub(super) async fn save(client: &Client, args: &SaveArgs, format: Format) -> Said {
    let text = client.definition().await?;
    let Some(file) = args.file.as_ref().filter(|file| !is_standard(file)) else {
        return Ok(text);
    };
    write(file, &text).map_err(|error| {
        let file = file.display();
        CliError::Failed(format!("cannot write {file}: {error}; the file is as it was"))
    })?;
    Ok(match format {
        Format::Table => String::new(),
        Format::Json => to_json(&json!({ "file": file })),
    })
}

pub(super) async fn reload(client: &Client, format: Format) -> Said {
    Ok(changes(&client.reload().await?, format))
}

pub(super) async fn clear(client: &Client, args: &ClearArgs, format: Format) -> Said {
    Ok(quiet_changes(&client.clear(on_hand_edit(&args.force)).await?, format))
}

pub(super) async fn zero(client: &Client, format: Format) -> Said {
    Ok(quiet_changes(&client.zero().await?, format))
}

/// A refusal is about the file; that no daemon answers is not.
fn about(file: String, error: ClientError) -> CliError {
    match error {
        ClientError::Answered(_) => CliError::About { file, error },
        other => other.into(),
    }
}

/// Whether standard input or output is meant.
fn is_standard(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn read(file: &Path) -> Result<Source, CliError> {
    let (name, bytes) = if is_standard(file) {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut bytes);
        ("<stdin>".to_owned(), read.map(|_| bytes))
    } else {
        (file.display().to_string(), fs::read(file))
    };
    let bytes = bytes.map_err(|error| {
        CliError::Failed(format!("cannot read {name}: {error}; give a definition file, or -"))
    })?;
    let text = parse::text(&bytes).map_err(|fault| at_fault(&name, &fault))?.to_owned();
    Ok(Source { name, text })
}

/// A fault in the form that editors and compilers have for places.
fn at_fault(name: &str, fault: &DefinitionError) -> CliError {
    let DefinitionError { line, column, path, message } = fault;
    let place = if path.is_empty() { String::new() } else { format!(" {path}:") };
    CliError::Refused(format!("{name}:{line}:{column}:{place} {message}"))
}

/// Writes all of it or nothing, and through a symbolic link rather than over it.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let kind = fs::metadata(&target).map(|found| (found.is_file(), found.permissions()));
    let permissions = match kind {
        // A pipe or a terminal cannot be replaced by a file.
        Ok((false, _)) => {
            return File::options().write(true).open(&target)?.write_all(text.as_bytes());
        }
        Ok((true, permissions)) => permissions,
        Err(_) => Permissions::from_mode(0o644),
    };
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut temporary = tempfile::NamedTempFile::new_in(&directory)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().set_permissions(permissions)?;
    temporary.as_file().sync_all()?;
    temporary.persist(&target)?;
    File::open(&directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_keeps_its_mode_and_its_link() {
        let directory = tempfile::tempdir().unwrap();
        let real = directory.path().join("real.json");
        let link = directory.path().join("link.json");
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        assert!(write(&directory.path().join("missing/file"), "new").is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
