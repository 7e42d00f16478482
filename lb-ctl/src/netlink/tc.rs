//! Traffic control: the qdisc `clsact` and the filters in it. Requests are made and answered at
//! once, on a socket of their own, for they are also made where something is dropped.

use std::io;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{
    TcAttribute, TcFilterBpfOption, TcHandle, TcHeader, TcMessage, TcOption,
};
use rtnetlink::packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkBuffer, NetlinkMessage,
    NetlinkPayload,
};
use rtnetlink::sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

type Message = NetlinkMessage<RouteNetlinkMessage>;

/// The handle of every `clsact`.
const CLSACT: TcHandle = TcHandle { major: 0xffff, minor: 0 };

/// A filter in `clsact`, or what holds filters of one priority.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Its number within the priority; zero is that of what holds them.
    pub handle: u32,
    /// The name of the BPF program, where it is one.
    pub name: Option<String>,
}

/// Puts `clsact` on an interface; says whether it was not there before.
///
/// # Errors
///
/// What the kernel says.
pub fn add_clsact(ifindex: u32) -> io::Result<bool> {
    let request = RouteNetlinkMessage::NewQueueDiscipline(clsact(ifindex));
    match change(request, NLM_F_CREATE | NLM_F_EXCL) {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes `clsact` off an interface, with all filters in it.
///
/// # Errors
///
/// What the kernel says.
pub fn delete_clsact(ifindex: u32) -> io::Result<()> {
    change(RouteNetlinkMessage::DelQueueDiscipline(clsact(ifindex)), 0)
}

/// What is in an interface's `clsact`, both ways; nothing where there is none.
///
/// # Errors
///
/// What the kernel says.
pub fn filters(ifindex: u32) -> io::Result<Vec<Filter>> {
    let mut found = Vec::new();
    for minor in [TcHandle::MIN_INGRESS, TcHandle::MIN_EGRESS] {
        let parent = TcHandle { major: CLSACT.major, minor };
        let request = RouteNetlinkMessage::GetTrafficFilter(message(ifindex, parent));
        let mut header = Message::from(request);
        header.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        exchange(header, |answer| found.push(filter(&answer)))?;
    }
    Ok(found)
}

fn message(ifindex: u32, parent: TcHandle) -> TcMessage {
    let header = TcHeader { index: ifindex.cast_signed(), parent, ..TcHeader::default() };
    TcMessage::from_parts(header, Vec::new())
}

fn clsact(ifindex: u32) -> TcMessage {
    let mut message = message(ifindex, TcHandle::CLSACT);
    message.header.handle = CLSACT;
    message.attributes.push(TcAttribute::Kind("clsact".to_owned()));
    message
}

/// Of a filter of another kind nothing needs to be known but that it is there.
fn filter(answer: &RouteNetlinkMessage) -> Filter {
    let RouteNetlinkMessage::NewTrafficFilter(message) = answer else { return Filter::default() };
    let options = message.attributes.iter().filter_map(|attribute| match attribute {
        TcAttribute::Options(options) => Some(options),
        _ => None,
    });
    let name = options.flatten().find_map(|option| match option {
        TcOption::Bpf(TcFilterBpfOption::ProgName(name)) => Some(name.clone()),
        _ => None,
    });
    Filter { handle: message.header.handle.into(), name }
}

fn change(request: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
    let mut message = Message::from(request);
    message.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    exchange(message, |_| ())
}

/// Sends a request, and takes the answers up to the last.
fn exchange(mut request: Message, mut take: impl FnMut(RouteNetlinkMessage)) -> io::Result<()> {
    let socket = Socket::new(NETLINK_ROUTE)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    request.header.sequence_number = 1;
    request.finalize();
    let mut bytes = vec![0; request.buffer_len()];
    request.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    loop {
        let (bytes, _) = socket.recv_from_full()?;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let length = NetlinkBuffer::new_checked(rest).map_err(io::Error::other)?.length();
            // One that is not understood is somebody else's filter.
            let payload = Message::deserialize(rest).map_or_else(
                |_| NetlinkPayload::InnerMessage(unknown()),
                |message| message.payload,
            );
            match payload {
                NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io()),
                NetlinkPayload::Error(_) | NetlinkPayload::Done(_) => return Ok(()),
                NetlinkPayload::InnerMessage(answer) => take(answer),
                _ => {}
            }
            // Messages begin where four divides (`NLMSG_ALIGN`).
            rest = rest.get((length as usize).next_multiple_of(4)..).unwrap_or_default();
        }
    }
}

fn unknown() -> RouteNetlinkMessage {
    RouteNetlinkMessage::NewTrafficFilter(TcMessage::default())
}
