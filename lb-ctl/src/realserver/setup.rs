//! Silence first, then the VIP: in the other order the real would answer ARP for it in between.

use std::net::IpAddr;

use super::state::{State, StateFile};
use super::sysctl::{ALL, Setting, Sysctl};
use super::{Machine, Options, RealServerError, check};
use crate::config::rules;
use crate::netlink::types::host_prefix;
use crate::netlink::{Mark, Put};

/// Makes this machine a real server for the VIP. Returns what was done, one line each; done twice,
/// it changes nothing the second time.
///
/// # Errors
/// If the VIP is unusable or misplaced, an interface is not there, or the kernel or the state file
/// refuses. What was done up to then stays, and undo takes it back.
pub async fn setup(options: &Options) -> Result<Vec<String>, RealServerError> {
    let vip = options.vip;
    rules::vip(vip)?;
    let machine = Machine::look().await?;
    let loopback = machine.loopback(vip)?;
    if !loopback.up {
        return Err(RealServerError::LoopbackDown { vip });
    }
    if let Some(misplaced) = check::misplaced(&machine, vip).into_iter().next() {
        return Err(RealServerError::Misplaced(misplaced));
    }
    let interfaces = machine.interfaces(options)?;
    let there =
        |ifindex| machine.addresses.iter().any(|a| a.ifindex == ifindex && a.address == vip);

    let file = StateFile::lock(&options.state_dir)?;
    let mut state = file.read()?.unwrap_or_default();
    let mut changes = Vec::new();
    let mut done = Vec::new();
    if vip.is_ipv4() {
        plan(&interfaces, &mut state, &mut changes, &mut done)?;
    }
    if !there(loopback.index) {
        state.vips.insert(vip);
    }
    // Noted before it is done, so that undo knows of it whatever happens in between.
    file.write(&state)?;
    for Change { sysctl, from, to } in changes {
        sysctl.write(to)?;
        done.push(format!("{sysctl}: {from} -> {to}"));
    }
    let put = machine.netlink.put_address(loopback.index, vip, Mark::RealServer).await?;
    done.push(outcome(vip, put));
    Ok(done)
}

struct Change {
    sysctl: Sysctl,
    from: u32,
    to: u32,
}

/// The sysctls to change, noted in the state.
fn plan(
    interfaces: &[String],
    state: &mut State,
    changes: &mut Vec<Change>,
    done: &mut Vec<String>,
) -> Result<(), RealServerError> {
    for interface in [ALL].into_iter().chain(interfaces.iter().map(String::as_str)) {
        for setting in Setting::BOTH {
            let sysctl = Sysctl::new(interface, setting);
            let from = sysctl.read()?;
            if setting.serves(from) {
                done.push(format!("{sysctl}: {from} already"));
                continue;
            }
            let to = setting.wanted();
            state.note(&sysctl, from, to);
            changes.push(Change { sysctl, from, to });
        }
    }
    Ok(())
}

fn outcome(vip: IpAddr, put: Put) -> String {
    let prefix = host_prefix(vip);
    match put {
        Put::Added => format!("{vip}/{prefix}: put on lo"),
        Put::AlreadyOurs => format!("{vip}/{prefix}: on lo already"),
        Put::AlreadyThere => {
            format!("{vip}/{prefix}: on lo already, put there by somebody else; undo will leave it")
        }
    }
}
