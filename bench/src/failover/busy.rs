//! Adverts while the daemon takes very many services.

use std::path::Path;
use std::thread;
use std::time::Duration;

use lb_ctl::api::client::Client;
use lb_ctl::command::OnHandEdit;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::FailoverError;
use super::adverts::{Evenness, Listener};
use crate::control::ControlError;
use crate::control::world::{Size, World};
use crate::lab::VIP4;

/// The time between two adverts.
const INTERVAL: Duration = Duration::from_millis(10);

/// How long adverts are listened to while nothing happens.
const QUIET: Duration = Duration::from_secs(3);

/// How long the daemon may take to answer.
const PATIENCE: Duration = Duration::from_mins(2);

const INSTANCE: &str = "VI_1";

/// The times between adverts while the daemon has nothing to do, while it is given so many services,
/// and while each of them changes.
///
/// # Errors
///
/// Something fails, or no advert is heard.
///
/// # Panics
///
/// Never: the definition of many services is JSON.
pub fn measure(lb_ctl: &Path, services: u32) -> Result<Vec<Evenness>, FailoverError> {
    let size = Size { services, ..Size::MANY };
    let world = World::build(lb_ctl)?;
    world.introduce(size)?;
    let director = world.start_with(size, &with_router(json!({ "services": [] })).to_string())?;
    director.wait_for_role(INSTANCE, "MASTER")?;
    let client = Client::new(director.socket()).with_patience(PATIENCE);
    let runtime = Runtime::new()
        .map_err(|source| FailoverError::Io { what: "start a runtime for requests", source })?;
    let listen = || Listener::start(world.reals());

    let listener = listen()?;
    thread::sleep(QUIET);
    let mut all = vec![listener.stop("nothing", INTERVAL)?];
    let many = |weight| with_router(size.definition(weight).parse().expect("it is JSON"));
    let steps = [("services added", many(1)), ("every weight changed", many(9))];
    for (during, definition) in steps {
        let listener = listen()?;
        let text = definition.to_string();
        let done = runtime.block_on(client.apply(text, OnHandEdit::Refuse));
        done.map_err(ControlError::from)?;
        all.push(listener.stop(during, INTERVAL)?);
    }
    Ok(all)
}

/// The definition with a virtual router.
fn with_router(mut definition: Value) -> Value {
    definition["vrrp"] = json!({ "instances": [{
        "name": INSTANCE, "interface": "eth0", "vrid": 51, "version": 3,
        "advert_interval": format!("{}ms", INTERVAL.as_millis()),
        "addresses": [format!("{VIP4}/32")],
    }] });
    definition
}
