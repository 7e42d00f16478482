//! What runs on a director: lb-ctl or keepalived, told the same.

use lb_ctl::api::wire::VrrpState;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::FailoverError;
use super::row::{Event, Row, Who};
use super::world::{HELD, SERVED, World};
use crate::lab::{Director, DirectorBuilder, Host, Keepalived, LabError};

/// The one virtual router.
const INSTANCE: &str = "VI_1";

/// One of the two directors.
#[derive(Debug)]
pub enum Party {
    /// lb-ctl.
    LbCtl(Box<Director>),
    /// keepalived.
    Keepalived(Keepalived),
}

impl Party {
    /// Starts what the row is about.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start(
        world: &World,
        host: &Host,
        row: &Row,
        priority: u8,
    ) -> Result<Self, FailoverError> {
        if row.who == Who::Keepalived {
            let configuration = configuration(row, priority);
            return Ok(Self::Keepalived(Keepalived::start(&world.lab, host, &configuration)?));
        }
        let interfaces = if row.who == Who::Balancing { world.lab.interfaces() } else { &[] };
        let builder = DirectorBuilder::on_host(&world.lab, host, &world.lb_ctl, interfaces);
        let definition = definition(world, row, priority).to_string();
        // Small tables are made quickly.
        let builder = builder.argument("--max-connections").argument("1024");
        Ok(Self::LbCtl(Box::new(builder.start_with(&definition)?)))
    }

    /// Whether it listens to a master, and forwards already what it is to.
    ///
    /// # Errors
    ///
    /// It does not say.
    pub fn is_backup(&self) -> Result<bool, LabError> {
        Ok(match self {
            Self::LbCtl(director) => {
                let router = director.router(INSTANCE)?;
                let is_backup = router.is_some_and(|router| router.state == VrrpState::Backup);
                is_backup && is_ready(director)?
            }
            Self::Keepalived(keepalived) => keepalived.state(INSTANCE).as_deref() == Some("BACKUP"),
        })
    }

    /// Lets it leave; a cable that is cut is the bed's.
    ///
    /// # Errors
    ///
    /// It has ended already, or refuses.
    pub fn leave(&mut self, event: Event) -> Result<(), FailoverError> {
        match (self, event) {
            (_, Event::Cut) => Ok(()),
            (Self::LbCtl(director), Event::Handover) => {
                Ok(director.ctl_ok(&["vrrp", "handover"]).map(drop)?)
            }
            (Self::LbCtl(director), Event::Stop) => {
                Ok(director.process().signal(Signal::SIGTERM)?)
            }
            (Self::Keepalived(keepalived), Event::Handover | Event::Stop) => {
                Ok(keepalived.terminate()?)
            }
        }
    }
}

/// Whether every real of every service gets traffic.
fn is_ready(director: &Director) -> Result<bool, LabError> {
    let list: Value = director.ctl_json(&["list"])?;
    let services = list["services"].as_array().into_iter().flatten();
    let mut reals = services.flat_map(|service| service["reals"].as_array().into_iter().flatten());
    Ok(reals.all(|real| real["state"] == "up"))
}

fn definition(world: &World, row: &Row, priority: u8) -> Value {
    let interval = format!("{}ms", row.interval.as_millis());
    let addresses: Vec<_> = [HELD, SERVED].map(|address| format!("{}/32", address.ip())).into();
    let reals: Vec<_> =
        world.lab.reals.iter().map(|real| json!({ "address": real.ipv4 })).collect();
    let service =
        json!({ "protocol": "udp", "vip": SERVED.ip(), "port": SERVED.port(), "reals": reals });
    json!({
        "services": if row.who == Who::Balancing { vec![service] } else { Vec::new() },
        "vrrp": { "instances": [{
            "name": INSTANCE, "interface": "eth0", "vrid": 51, "version": 3,
            "priority": priority, "advert_interval": interval, "addresses": addresses,
        }] },
    })
}

fn configuration(row: &Row, priority: u8) -> String {
    let seconds = row.interval.as_secs_f64();
    let [held, served] = [HELD, SERVED].map(|address| address.ip());
    format!(
        "vrrp_instance {INSTANCE} {{
  interface eth0
  virtual_router_id 51
  version 3
  priority {priority}
  advert_int {seconds}
  virtual_ipaddress {{
    {held}/32
    {served}/32
  }}
}}
"
    )
}
