//! The verbs of virtual routers.

use std::time::Duration;

use tokio::time::Instant;

use self::outcome::{Outcome, outcome};
use super::args::{Format, HandoverArgs, RouterArg, VrrpAction};
use super::output::{self, vrrp as text};
use super::{CliError, Said};
use crate::api::client::Client;
use crate::api::wire::{Vrrp, VrrpInstance};

mod outcome;

/// How often a daemon is asked what became of a handover.
const INTERVAL: Duration = Duration::from_millis(50);
/// What a handover may take beside the time that the others wait.
const SLACK: Duration = Duration::from_secs(2);

pub(super) async fn run(client: &Client, action: &VrrpAction, format: Format) -> Said {
    match action {
        VrrpAction::List(args) => list(client, args, format).await,
        VrrpAction::Handover(args) => hand_over(client, args, format).await,
        VrrpAction::Resume(args) => {
            let resumed = client.resume(args.instance.as_deref()).await?;
            Ok(said(&resumed, format, text::resumed))
        }
    }
}

fn said(vrrp: &Vrrp, format: Format, line: fn(&VrrpInstance) -> String) -> String {
    match format {
        Format::Table => vrrp.instances.iter().map(line).collect(),
        Format::Json => output::json(vrrp),
    }
}

async fn list(client: &Client, args: &RouterArg, format: Format) -> Said {
    let vrrp = client.vrrp().await?;
    let shown = match &args.instance {
        None => vrrp,
        Some(name) => of_name(vrrp, name)?,
    };
    Ok(match format {
        Format::Table => text::table(&shown),
        Format::Json => output::json(&shown),
    })
}

/// The one of a name, with those of its group.
fn of_name(vrrp: Vrrp, name: &str) -> Result<Vrrp, CliError> {
    let named = vrrp.instances.iter().find(|one| one.name == name);
    let Some(named) = named else {
        return Err(CliError::NotFound(format!("there is no virtual router {name:?}")));
    };
    let group = named.group.clone();
    let mut instances = vrrp.instances;
    instances.retain(|one| one.name == name || (group.is_some() && one.group == group));
    Ok(Vrrp { instances })
}

async fn hand_over(client: &Client, args: &HandoverArgs, format: Format) -> Said {
    let before = client.vrrp().await?;
    let begun = client.hand_over(args.router.instance.as_deref()).await?;
    if args.no_wait {
        return Ok(said(&begun, format, text::handed_over));
    }
    let limit = args.timeout.map_or_else(|| patience(&begun), Duration::from_secs);
    let (ended, outcomes) = settled(client, &before, begun, limit).await?;
    let mut lines = String::new();
    let mut complaints = Vec::new();
    for (one, outcome) in ended.instances.iter().zip(outcomes) {
        match outcome {
            Outcome::Taken => lines.push_str(&text::taken(one)),
            Outcome::WasNotMaster => lines.push_str(&text::handed_over(one)),
            Outcome::Nobody => complaints.push(text::nobody(one)),
            Outcome::Lost => complaints.push(text::lost(one)),
            Outcome::Pending => complaints.push(text::silence(one, limit)),
        }
    }
    if !complaints.is_empty() {
        return Err(CliError::Failed(complaints.join("\n")));
    }
    Ok(match format {
        Format::Table => lines,
        Format::Json => output::json(&ended),
    })
}

/// How long another one may take: it waits for three intervals and its skew time, of up to one
/// (RFC 9568, section 6.1).
fn patience(begun: &Vrrp) -> Duration {
    let longest = begun.instances.iter().map(|one| one.advert_interval).max().unwrap_or_default();
    Duration::from_millis(longest) * 4 + SLACK
}

/// Asks the daemon until it is known of all that were handed over what became of that, for `limit`
/// at most.
async fn settled(
    client: &Client,
    before: &Vrrp,
    begun: Vrrp,
    limit: Duration,
) -> Result<(Vrrp, Vec<Outcome>), CliError> {
    let deadline = Instant::now() + limit;
    let mut seen = begun;
    loop {
        let judge = |now: &VrrpInstance| {
            let earlier = before.instances.iter().find(|earlier| earlier.name == now.name);
            outcome(earlier, now)
        };
        let outcomes: Vec<_> = seen.instances.iter().map(judge).collect();
        let is_settled = !outcomes.contains(&Outcome::Pending);
        if is_settled || Instant::now() + INTERVAL > deadline {
            return Ok((seen, outcomes));
        }
        tokio::time::sleep(INTERVAL).await;
        let all = client.vrrp().await?;
        let was_begun = |one: &VrrpInstance| seen.instances.iter().any(|it| it.name == one.name);
        seen = Vrrp { instances: all.instances.into_iter().filter(was_begun).collect() };
    }
}
