//! The VIP first, then the silence: in the other order the real would answer ARP in between.

use super::state::{State, StateFile};
use super::sysctl::{ALL, Setting, Sysctl};
use super::{Machine, Options, RealServerError};
use crate::netlink::Mark;
use crate::netlink::types::host_prefix;

/// Takes back what setup did for the VIP. With the last IPv4 VIP the sysctls get their former
/// values back. Returns what was done, one line each, and what could not be.
///
/// # Errors
/// If the kernel or the state file refuses.
pub async fn undo(options: &Options) -> Result<Vec<String>, RealServerError> {
    let vip = options.vip;
    let machine = Machine::look().await?;
    let file = StateFile::lock(&options.state_dir)?;
    let state = file.read()?;
    let noted = state.as_ref().is_some_and(|state| state.vips.contains(&vip));

    let mut done = vec![take_off(&machine, options, noted).await?];
    match state {
        Some(mut state) => {
            state.vips.remove(&vip);
            if !state.needs_silence() {
                restore(&mut state, &mut done)?;
            }
            file.write(&state)?;
        }
        None if vip.is_ipv4() => done.push(format!(
            "no former sysctl values in {}: left as they are; to answer ARP for every address \
             again: {}",
            file.path().display(),
            former_defaults(&machine.interfaces(options)?)
        )),
        None => {}
    }
    Ok(done)
}

async fn take_off(
    machine: &Machine,
    options: &Options,
    noted: bool,
) -> Result<String, RealServerError> {
    let vip = options.vip;
    let prefix = host_prefix(vip);
    let mut on_loopback = machine
        .addresses
        .iter()
        .filter(|held| held.address == vip && machine.is_loopback(held.ifindex));
    let Some(held) = on_loopback.find(|held| held.prefix_len == prefix) else {
        return Ok(format!("{vip}/{prefix}: not on lo"));
    };
    // Kernels before 5.18 keep no mark; there the note alone tells.
    if !(noted || held.has(Mark::RealServer)) {
        return Ok(format!(
            "{vip}/{prefix}: on lo, but not put there by setup: left there; to take it off: \
             ip addr del {vip}/{prefix} dev lo"
        ));
    }
    machine.netlink.delete_address(held).await?;
    Ok(format!("{vip}/{prefix}: taken off lo"))
}

/// Gives the sysctls their former values, but for those that others have changed since.
fn restore(state: &mut State, done: &mut Vec<String>) -> Result<(), RealServerError> {
    for changed in std::mem::take(&mut state.sysctls) {
        let sysctl = changed.sysctl();
        if !sysctl.exists() {
            done.push(format!("{sysctl}: gone with its interface"));
            continue;
        }
        let now = sysctl.read()?;
        if now == changed.set {
            sysctl.write(changed.before)?;
            done.push(format!("{sysctl}: {now} -> {}", changed.before));
        } else {
            done.push(format!(
                "{sysctl}: left at {now}, which is not what setup gave it (it was {} before)",
                changed.before
            ));
        }
    }
    Ok(())
}

/// The command that brings back the kernel's defaults.
fn former_defaults(interfaces: &[String]) -> String {
    let names = [ALL].into_iter().chain(interfaces.iter().map(String::as_str));
    let sysctls = names.flat_map(|name| Setting::BOTH.map(|setting| Sysctl::new(name, setting)));
    let assignments: Vec<_> = sysctls.map(|sysctl| format!("{sysctl}=0")).collect();
    format!("sysctl -w {}", assignments.join(" "))
}
