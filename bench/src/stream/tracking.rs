//! How lb-ctl is to remember connections, as its definition file says it.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;

use lb_common::traffic::{SERVICE_PORT, vip_v4, vip_v6};
use serde_json::{Value, json};
use xdp_prog::fixtures::frame::Family;

use super::StreamError;
use crate::lab::LabError;

/// What the definition file says of a service's tracking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tracking {
    /// Nothing: an lb-ctl that knows no such key.
    Unsaid,
    /// Only flows that a change would move.
    Changes,
    /// Every flow.
    Full,
    /// None: pure hashing.
    None,
}

impl Tracking {
    const SAID: [Self; 3] = [Self::Changes, Self::Full, Self::None];

    /// The word for tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsaid => "default",
            Self::Changes => "changes",
            Self::Full => "full",
            Self::None => "none",
        }
    }

    /// The modes that this lb-ctl knows: those that its `check` accepts, or none but its only one.
    ///
    /// # Errors
    ///
    /// It cannot be asked.
    pub fn known(lb_ctl: &Path) -> Result<Vec<Self>, StreamError> {
        let failed = |what: &str| LabError::io(format!("{what} a definition file to be checked"));
        let file = tempfile::NamedTempFile::new().map_err(failed("make"))?;
        let mut known = Vec::new();
        for tracking in Self::SAID {
            fs::write(file.path(), definition(tracking, Family::V4, &[]))
                .map_err(failed("write"))?;
            let checked = Command::new(lb_ctl).arg("check").arg(file.path()).output();
            let checked = checked
                .map_err(|source| StreamError::NoLbCtl { path: lb_ctl.to_owned(), source })?;
            known.extend(checked.status.success().then_some(tracking));
        }
        Ok(if known.is_empty() { vec![Self::Unsaid] } else { known })
    }
}

/// The one service, as the command line names it.
pub fn endpoint(family: Family) -> String {
    SocketAddr::from((vip(family), SERVICE_PORT)).to_string()
}

/// A definition file of one TCP service on these reals.
pub fn definition(tracking: Tracking, family: Family, reals: &[IpAddr]) -> String {
    let reals: Vec<Value> = reals.iter().map(|address| json!({ "address": address })).collect();
    let (vip, port) = (vip(family), SERVICE_PORT);
    let mut service = json!({ "protocol": "tcp", "vip": vip, "port": port, "reals": reals });
    if tracking != Tracking::Unsaid {
        service["tracking"] = tracking.name().into();
    }
    json!({ "services": [service] }).to_string()
}

fn vip(family: Family) -> IpAddr {
    match family {
        Family::V4 => vip_v4(0).into(),
        Family::V6 => vip_v6(0).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_says_the_mode_unless_there_is_none_to_say() {
        let of = |tracking| -> Value {
            let text = definition(tracking, Family::V4, &["192.0.2.21".parse().unwrap()]);
            serde_json::from_str(&text).unwrap()
        };
        assert_eq!(of(Tracking::Full)["services"][0]["tracking"], "full");
        assert!(of(Tracking::Unsaid)["services"][0].get("tracking").is_none());
        assert_eq!(of(Tracking::None)["services"][0]["reals"][0]["address"], "192.0.2.21");
    }

    #[test]
    fn the_service_is_named_as_the_command_line_wants_it() {
        assert_eq!(endpoint(Family::V4), "198.18.0.0:80");
        assert_eq!(endpoint(Family::V6), "[2001:2:0:1::]:80");
    }
}
