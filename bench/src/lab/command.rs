//! Runs commands to their end, with errors that say what was run.

use std::io::Write;
use std::process::{Command, Stdio};

use super::LabError;

/// The command line as a person would type it, without the part that enters a namespace.
pub fn describe(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    match words.as_slice() {
        [first, net, rest @ ..] if first == "nsenter" && net.starts_with("--net=") => {
            rest.join(" ")
        }
        all => all.join(" "),
    }
}

/// Runs a command and returns its standard output.
///
/// # Errors
///
/// The command does not start, or ends with a status other than 0.
pub fn run(command: &mut Command) -> Result<String, LabError> {
    run_with_input(command, "")
}

/// Runs a command with `input` as its standard input and returns its standard output.
///
/// # Errors
///
/// The command does not start, or ends with a status other than 0.
pub fn run_with_input(command: &mut Command, input: &str) -> Result<String, LabError> {
    let line = describe(command);
    let start = |source| LabError::Start { command: line.clone(), source };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that fails early closes its input; its status tells the story.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(start)?;
    if !output.status.success() {
        return Err(LabError::failed(line, &output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
