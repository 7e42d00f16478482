//! A bed that stays when the command has ended, and its removal.

use std::path::Path;

use anyhow::{Context, Result, bail};
use bench::lab::{Lab, VIP4, VIP6, cleanup};

use crate::interrupt;

/// The port of the web servers.
const PORT: u16 = 80;

/// Builds the bed, leaves it, and tells what is in it.
pub(crate) fn up(reals: u8, lb_ctl: &Path) -> Result<()> {
    if Path::new("/run/netns").join(format!("{}-sw", cleanup::STANDING)).exists() {
        bail!("the bed stands already; `cargo xtask lab down` removes it");
    }
    let lab =
        Lab::builder().name(cleanup::STANDING).reals(reals).build().context("build the bed")?;
    let web = lab.start_web(PORT).context("start the web servers")?;
    lab.big_file()?;
    interrupt::check()?;
    println!("{}", tour(&lab, lb_ctl));
    for server in web {
        server.keep();
    }
    lab.keep().context("leave the bed standing")
}

/// Removes the bed, and those that killed runs have left behind.
pub(crate) fn down() -> Result<()> {
    let removed = cleanup::remove()?;
    if removed.is_empty() {
        println!("nothing to remove");
    }
    for name in removed {
        println!("removed {name}");
    }
    Ok(())
}

fn tour(lab: &Lab, lb_ctl: &Path) -> String {
    use std::fmt::Write;

    let (name, reals, ctl) = (lab.name(), lab.reals.len(), lb_ctl.display());
    let inside = |host: &str| format!("nsenter --net=/run/netns/{name}-{host}");
    let mut text = String::from("The bed stands. Each machine is a network namespace:\n\n");
    for host in lab.hosts() {
        let enter = inside(&host.name);
        let _ = writeln!(text, "  {:9} {:13} {:15} {enter} bash", host.name, host.ipv4, host.ipv6);
    }
    let (config, pins) = (lab.files().join("lb-ctl.json"), lab.pins().join("ctl"));
    let _ = write!(
        text,
        "
  VIPs      {VIP4}    {VIP6}
  nginx answers on port {PORT} of each real; /big has 100 MB. The switch is {name}-sw.

Prepare the reals, start the daemon, add a service:

  for r in $(seq {reals}); do {real}$r {ctl} real-server setup --vip {VIP4}; done
  {director} {ctl} daemon --interface eth0 --config {config} --pin-dir {pins} &
  {ctl} add-service -t {VIP4}:{PORT}
  for r in $(seq {reals}); do {ctl} add-real -t {VIP4}:{PORT} -r 192.0.2.$((20 + r)); done

And look:

  {client} curl -s http://{VIP4}/
  {ctl} list --stats
  {director} tcpdump -ni eth0

Remove it, with all that runs in it: cargo xtask lab down",
        real = inside("real"),
        director = inside("director"),
        client = inside("client"),
        config = config.display(),
        pins = pins.display(),
    );
    text
}
