//! What passes between directors.

use std::fmt;

use super::Families;
use crate::api::wire::Sync;

/// Writes what was counted of entries and datagrams.
pub(super) fn encode(sync: &Sync, out: &mut Families<'_>) -> fmt::Result {
    let Sync { sent, received, taken, refused, rejected, peers, .. } = sync;
    let entries = [("sent", *sent), ("received", *received), ("taken", *taken)];
    let entries = entries.map(|(direction, count)| ([("direction", direction)], count));
    out.counter("lbctl_sync_entries", "Connections that directors told each other of", entries)?;
    let refused = refused.iter().map(|(reason, count)| ([("reason", reason.clone())], *count));
    let help = "Connections that another director told of and that were not taken";
    out.counter("lbctl_sync_refused", help, refused)?;
    let rejected = rejected.iter().map(|(reason, count)| ([("reason", reason.clone())], *count));
    out.counter("lbctl_sync_rejected", "Datagrams that were not taken", rejected)?;
    let heard = peers.iter().filter_map(|peer| {
        let heard = peer.heard?;
        Some(([("peer", peer.address.to_string())], heard))
    });
    let help = "Seconds since another director was heard";
    out.gauge("lbctl_sync_peer_silent_seconds", help, heard)
}
