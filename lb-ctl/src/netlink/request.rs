//! One request, its answers, and how it may fail.

use std::future::Future;
use std::io;

use futures_util::{Stream, StreamExt};
use netlink_packet_route::RouteNetlinkMessage;
use rtnetlink::packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};

use super::{Netlink, NetlinkError, REPLY_WITHIN};

/// A dump that others keep changing is taken as it is after so many attempts; what it missed
/// arrives as a notification.
const DUMP_ATTEMPTS: usize = 5;

type Message = NetlinkMessage<RouteNetlinkMessage>;

impl Netlink {
    /// Asks for everything of a kind.
    pub(super) async fn dump(
        &self,
        operation: &str,
        request: RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, NetlinkError> {
        let _turn = self.dumping.lock().await;
        let mut answers = Vec::new();
        for _ in 0..DUMP_ATTEMPTS {
            let mut replies = self.send(operation, request.clone(), NLM_F_DUMP)?;
            let mut interrupted = false;
            answers.clear();
            while let Some(reply) = in_time(operation, replies.next()).await? {
                interrupted |= reply.header.flags & NLM_F_DUMP_INTR != 0;
                answers.extend(answer(operation, reply)?);
            }
            if !interrupted {
                break;
            }
        }
        Ok(answers)
    }

    /// Asks for one thing.
    pub(super) async fn query(
        &self,
        operation: &str,
        request: RouteNetlinkMessage,
    ) -> Result<RouteNetlinkMessage, NetlinkError> {
        let mut replies = self.send(operation, request, 0)?;
        while let Some(reply) = in_time(operation, replies.next()).await? {
            if let Some(answer) = answer(operation, reply)? {
                return Ok(answer);
            }
        }
        Err(NetlinkError::NoAnswer { operation: operation.to_owned() })
    }

    /// Changes something. `flags` are the `NLM_F_*` of the change.
    pub(super) async fn change(
        &self,
        operation: &str,
        request: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<(), NetlinkError> {
        let mut replies = self.send(operation, request, NLM_F_ACK | flags)?;
        while let Some(reply) = in_time(operation, replies.next()).await? {
            answer(operation, reply)?;
        }
        Ok(())
    }

    fn send(
        &self,
        operation: &str,
        request: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<impl Stream<Item = Message> + use<>, NetlinkError> {
        let mut message = NetlinkMessage::from(request);
        message.header.flags = NLM_F_REQUEST | flags;
        self.handle
            .clone()
            .request(message)
            .map_err(|_| NetlinkError::Closed { operation: operation.to_owned() })
    }
}

/// A reply may be lost (a full socket buffer) or unreadable; nobody must wait for it for ever.
async fn in_time<T>(operation: &str, reply: impl Future<Output = T>) -> Result<T, NetlinkError> {
    tokio::time::timeout(REPLY_WITHIN, reply)
        .await
        .map_err(|_| NetlinkError::NoAnswer { operation: operation.to_owned() })
}

fn answer(operation: &str, reply: Message) -> Result<Option<RouteNetlinkMessage>, NetlinkError> {
    match reply.payload {
        NetlinkPayload::InnerMessage(message) => Ok(Some(message)),
        NetlinkPayload::Error(error) if error.code.is_some() => Err(NetlinkError::Refused {
            operation: operation.to_owned(),
            source: io::Error::from_raw_os_error(error.raw_code().abs()),
        }),
        NetlinkPayload::Overrun(_) => {
            Err(NetlinkError::NoAnswer { operation: operation.to_owned() })
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn dumps_at_one_time_wait_for_each_other() {
        let netlink = Netlink::open().unwrap();
        for links in join_all((0..32).map(|_| netlink.links())).await {
            assert!(links.unwrap().iter().any(|link| link.loopback));
        }
    }
}
