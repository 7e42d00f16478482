//! What the switch's ports need so that the director can run native XDP on its end of the cable.

use std::fs;
use std::path::Path;

use aya::Ebpf;
use aya::programs::links::FdLink;
use aya::programs::xdp::XdpLink;
use aya::programs::{Xdp, XdpMode};
use serde::Deserialize;

use super::{LabError, Namespace};

/// A program that passes every frame.
static PASS: &[u8] = aya::include_bytes_aligned!(env!("BED_XDP"));

#[derive(Deserialize)]
struct Port {
    ifname: String,
    state: String,
}

/// Makes ports fit for a native XDP program at the other end of the cable. The settings last as
/// long as the links that are returned, one for each port.
///
/// Tags must stand in the frame: beside it, as a driver puts them that has hardware for them, XDP
/// does not see them.
///
/// A veth delivers what its peer's program sends back only while it runs a native program itself,
/// if only one that passes everything. And such frames must have their checksums before XDP sees
/// them, since nobody completes them afterwards.
pub(super) fn prepare_for_xdp(
    switch: &Namespace,
    ports: &[String],
) -> Result<Vec<(String, FdLink)>, LabError> {
    for port in ports {
        let off = ["tx", "tx-vlan-hw-insert", "tx-vlan-stag-hw-insert"];
        let settings = off.iter().flat_map(|feature| [*feature, "off"]);
        let words: Vec<_> = ["ethtool", "-K", port].into_iter().chain(settings).collect();
        switch.run(&words)?;
    }
    switch.enter(|| {
        ports.iter().map(|port| Ok((port.clone(), attach_pass(port)?))).collect::<Result<_, _>>()
    })?
}

/// Keeps the programs on their ports after this process: one pin for each in `folder`.
pub(super) fn pin(
    ports: impl Iterator<Item = (String, FdLink)>,
    folder: &Path,
) -> Result<(), LabError> {
    fs::create_dir_all(folder).map_err(LabError::io(format!("make {}", folder.display())))?;
    for (port, link) in ports {
        let path = folder.join(format!("port-{port}"));
        link.pin(path).map_err(|error| LabError::Program { port, reason: chain(&error) })?;
    }
    Ok(())
}

/// Puts a program, which must be loaded, in the place of the one that a link holds on its port.
pub(super) fn replace(port: &str, link: FdLink, program: &mut Xdp) -> Result<FdLink, LabError> {
    let swap = || -> Result<FdLink, Box<dyn std::error::Error>> {
        let id = program.attach_to_link(XdpLink::try_from(link)?)?;
        Ok(program.take_link(id)?.try_into()?)
    };
    swap()
        .map_err(|error| LabError::Program { port: port.to_owned(), reason: chain(error.as_ref()) })
}

/// Whether every port of every bridge forwards frames. A bridge learns of carrier from a work
/// queue, up to a second late.
pub(super) fn all_forward(switch: &Namespace) -> Result<bool, LabError> {
    let ports: Vec<Port> = switch.json(&["bridge", "-j", "link", "show"])?;
    Ok(ports.iter().all(|port| port.state == "forwarding"))
}

/// Whether this port of a bridge forwards frames.
pub(super) fn forwards(switch: &Namespace, port: &str) -> Result<bool, LabError> {
    let ports: Vec<Port> = switch.json(&["bridge", "-j", "link", "show"])?;
    Ok(ports.iter().any(|each| each.ifname == port && each.state == "forwarding"))
}

fn attach_pass(port: &str) -> Result<FdLink, LabError> {
    let refused = |reason: String| LabError::Program { port: port.to_owned(), reason };
    let mut object = Ebpf::load(PASS).map_err(|error| refused(chain(&error)))?;
    let program = object.program_mut("pass").ok_or_else(|| refused("not in the object".into()))?;
    let program: &mut Xdp = program.try_into().map_err(|error| refused(chain(&error)))?;
    let attach = |program: &mut Xdp| -> Result<FdLink, Box<dyn std::error::Error>> {
        program.load()?;
        let id = program.attach(port, XdpMode::Driver)?;
        Ok(program.take_link(id)?.try_into()?)
    };
    attach(program).map_err(|error| refused(chain(error.as_ref())))
}

/// An error with all its causes: aya's outer errors alone do not say what the kernel said.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
