//! What passes between directors, as it is shown.

use std::collections::BTreeMap;

use crate::api::wire;
use crate::daemon::core::Core;
use crate::dataplane::Dataplane;
use crate::sync::driver::PeerView;

/// `None` where the definitions name no other director.
pub(super) fn sync<D: Dataplane>(core: &Core<D>) -> Option<wire::Sync> {
    let (config, driver) = core.syncing.speaking()?;
    let counts = driver.counts();
    let peers = driver.peers().into_iter().map(|PeerView { address, heard }| wire::SyncPeer {
        address,
        heard: heard.map(|heard| heard.elapsed().as_secs()),
    });
    Some(wire::Sync {
        listen: config.listen,
        problem: driver.problem(),
        peers: peers.collect(),
        sent: counts.sent,
        received: counts.received,
        taken: core.syncing.taken(),
        refused: named(core.syncing.refused().map(|(why, count)| (why.name(), count))),
        rejected: named(counts.rejected.into_iter().map(|(why, count)| (why.name(), count))),
    })
}

fn named(counts: impl Iterator<Item = (&'static str, u64)>) -> BTreeMap<String, u64> {
    counts.filter(|(_, count)| *count > 0).map(|(name, count)| (name.to_owned(), count)).collect()
}
