//! Who may speak to the daemon, by the credentials the kernel vouches for.

use std::ffi::CString;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use nix::unistd::{Gid, Uid, User, getgrouplist};
use tokio::net::UnixListener;

/// The process at the other end of a connection, as it was when it connected (`SO_PEERCRED`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Its effective user id.
    pub uid: u32,
    /// Its effective group id.
    pub gid: u32,
}

/// A peer, unless the kernel did not tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MaybePeer(pub Option<Peer>);

impl Connected<IncomingStream<'_, UnixListener>> for MaybePeer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let credentials = stream.io().peer_cred().ok();
        Self(credentials.map(|peer| Peer { uid: peer.uid(), gid: peer.gid() }))
    }
}

/// Who is let in: root, the daemon's own user, and the members of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// The user the daemon runs as.
    pub own: Uid,
    /// The group, where one is configured.
    pub group: Option<Gid>,
}

impl Access {
    /// Whether `peer` is let in. Looks users up where a group decides, so it may block.
    pub fn allows(self, peer: Peer) -> bool {
        let uid = Uid::from_raw(peer.uid);
        if uid.is_root() || uid == self.own {
            return true;
        }
        self.group.is_some_and(|group| group.as_raw() == peer.gid || is_member(uid, group))
    }
}

fn is_member(uid: Uid, group: Gid) -> bool {
    let Ok(Some(user)) = User::from_uid(uid) else {
        return false;
    };
    let Ok(name) = CString::new(user.name) else {
        return false;
    };
    getgrouplist(&name, user.gid).is_ok_and(|groups| groups.contains(&group))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Peer = Peer { uid: 65534, gid: 65534 };

    #[test]
    fn root_and_the_daemons_user_are_let_in() {
        let access = Access { own: Uid::from_raw(4711), group: None };
        assert!(access.allows(Peer { uid: 0, gid: 0 }));
        assert!(access.allows(Peer { uid: 4711, gid: 65534 }));
        assert!(!access.allows(NOBODY));
    }

    #[test]
    fn a_groups_members_are_let_in() {
        let group = Some(Gid::from_raw(4712));
        let access = Access { own: Uid::from_raw(4711), group };
        assert!(access.allows(Peer { uid: 65534, gid: 4712 }));
        assert!(!access.allows(NOBODY));
        // The user database says that daemon (1) belongs to the group daemon (1).
        let access = Access { own: Uid::from_raw(4711), group: Some(Gid::from_raw(1)) };
        assert!(access.allows(Peer { uid: 1, gid: 65534 }));
    }
}
