//! A real server that only seems to be well.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use bench::lab::{Host, VIP4, wait_until};
use bench::load;
use lb_ctl::api::wire::{self, RealState};

use super::{Demo, HTTP, LIMIT, REQUESTS};
use crate::interrupt;
use crate::screen::{good, heading, printed, say, typed};

const CHECK: &str = r#"{"type":"http","interval":"500ms","timeout":"300ms","fall":2}"#;

impl Demo {
    pub(super) fn check_through_the_vip(&self) -> Result<()> {
        heading(7, "A real server that only seems to be well");
        let service = SocketAddr::from((VIP4, HTTP)).to_string();
        self.ctl(&["edit-service", "-t", &service, "--check", CHECK])?;
        let real = &self.lab.reals[1];
        Self::set_vip(real, "delete")?;
        say(format!(
            "{} still answers on {}; its clients would wait in vain.",
            real.name, real.ipv4
        ));
        self.wait_for(real, &service, RealState::Down)?;
        printed(&self.ctl(&["list", "-t", &service])?);
        self.ask_the_others(real)?;
        Self::set_vip(real, "add")?;
        self.wait_for(real, &service, RealState::Up)?;
        printed(&self.ctl(&["events", "-t", &service, "--count", "3"])?);
        good("probes go through the VIP, so what is checked is what clients see");
        Ok(())
    }

    fn set_vip(real: &Host, verb: &str) -> Result<()> {
        let line = format!("address {verb} {VIP4}/32 dev lo");
        typed(&real.name, format!("ip {line}"));
        Ok(real.namespace.ip(&format!("{line}\n"))?)
    }

    fn wait_for(&self, real: &Host, service: &str, state: RealState) -> Result<()> {
        let what = format!("{} to be {}", real.name, state.name());
        wait_until(&what, LIMIT, || {
            let list: wire::List = self.director.ctl_json(&["list", "-t", service])?;
            let reals = list.services.iter().flat_map(|service| &service.reals);
            let found = reals.clone().find(|one| one.address == real.ipv4);
            // Why it is down is looked into when it is.
            let why = |one: &wire::Real| one.reason.as_ref().is_some_and(|r| r.contains("missing"));
            let is_so =
                |one: &wire::Real| one.state == state && (state == RealState::Up || why(one));
            Ok(found.is_some_and(is_so) || interrupt::seen())
        })?;
        interrupt::check()
    }

    fn ask_the_others(&self, real: &Host) -> Result<()> {
        say(format!("{REQUESTS} HTTP requests to {VIP4} meanwhile:"));
        let report = self.show_answers(|| load::get((VIP4, HTTP).into(), "/"))?;
        ensure!(!report.answers.contains_key(&real.label()), "{} got requests", real.name);
        Ok(())
    }
}
