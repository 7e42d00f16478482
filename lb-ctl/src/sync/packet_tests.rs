use proptest::prelude::*;

use super::*;

const TCP_STATES: std::ops::RangeInclusive<u32> = state::SYN_RECEIVED..=state::CLOSED;

fn addresses() -> impl Strategy<Value = [IpAddr; 3]> {
    prop_oneof![
        any::<[u32; 3]>().prop_map(|bits| bits.map(|bits| Ipv4Addr::from(bits).into())),
        any::<[u128; 3]>().prop_map(|bits| bits.map(|bits| Ipv6Addr::from(bits).into())),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let kind = prop_oneof![
        TCP_STATES.prop_map(|state| (Protocol::Tcp, state)),
        Just((Protocol::Udp, state::UDP)),
        Just((Protocol::Tcp, state::TEMPLATE)),
        Just((Protocol::Udp, state::TEMPLATE)),
    ];
    (kind, addresses(), any::<(u16, u16, u32)>()).prop_map(
        |((protocol, state), [client, vip, real], (client_port, port, left))| {
            let (client, vip) = ((client, client_port), (vip, port));
            Entry { protocol, client, vip, real, state, left }
        },
    )
}

fn header() -> impl Strategy<Value = Header> {
    any::<(u64, u64, u64)>().prop_map(|(from, to, sequence)| Header { from, to, sequence })
}

fn key() -> Key {
    Key::new("a secret of two directors")
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        header in header(),
        entries in proptest::collection::vec(entry(), 0..100),
    ) {
        let fitting = fitting(&entries);
        let told = &entries[..fitting];
        let bytes = telling(&key(), header, told);
        prop_assert!(bytes.len() <= MAX_LENGTH, "{}", bytes.len());
        if let Some(next) = entries.get(fitting) {
            prop_assert!(bytes.len() + length(next) > MAX_LENGTH, "there was room for one more");
        }
        let read = Datagram { header, body: Body::Entries(told.to_vec()) };
        prop_assert_eq!(open(&key(), &bytes), Ok(read));
        let other = Key::new("another secret");
        prop_assert_eq!(open(&other, &bytes), Err(PacketError::Unauthentic));
    }

    #[test]
    fn no_bytes_are_taken_that_nobody_with_the_key_wrote(
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
    ) {
        prop_assert!(open(&key(), &bytes).is_err());
        let mut framed = b"LBCS\x01\x02".to_vec();
        framed.extend(&bytes);
        prop_assert!(open(&key(), &framed).is_err());
    }

    /// Nor do bytes of somebody with the key do harm; and each datagram can be written in one way.
    #[test]
    fn any_bytes_are_read_or_refused(
        kind in 0u8..5,
        count in 0u16..4,
        rest in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = vec![b'L', b'B', b'C', b'S', 1, kind];
        bytes.extend(count.to_be_bytes());
        bytes.extend(rest);
        if let Ok(Datagram { header, body }) = parse(&bytes) {
            let again = match body {
                Body::Hello => hello(&key(), header),
                Body::Ask => ask(&key(), header),
                Body::Entries(entries) => telling(&key(), header, &entries),
            };
            prop_assert_eq!(&again[..again.len() - TAG], &bytes[..]);
        }
    }

    #[test]
    fn no_changed_datagram_is_taken(at in any::<prop::sample::Index>(), bit in 0u32..8) {
        let entry = sample(state::ESTABLISHED);
        let mut bytes = telling(&key(), HEADERS[0], &[entry, entry]);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(open(&key(), &bytes).is_err());
    }
}

const HEADERS: [Header; 1] = [Header { from: 7, to: 8, sequence: 9 }];

fn sample(state: u32) -> Entry {
    let address = |last| Ipv4Addr::new(192, 0, 2, last).into();
    let (client, vip) = ((address(1), 40_000), (address(10), 80));
    Entry { protocol: Protocol::Tcp, client, vip, real: address(21), state, left: 900 }
}

#[test]
fn a_hello_is_the_header_alone() {
    for (bytes, body) in
        [(hello(&key(), HEADERS[0]), Body::Hello), (ask(&key(), HEADERS[0]), Body::Ask)]
    {
        assert_eq!(bytes.len(), HEADER + TAG);
        assert_eq!(open(&key(), &bytes), Ok(Datagram { header: HEADERS[0], body }));
    }
}

#[test]
fn the_bytes_on_the_wire_are_these() {
    let bytes = telling(&key(), HEADERS[0], &[sample(state::FIN_WAIT)]);
    let expected = [
        &b"LBCS\x01\x02\x00\x01"[..],
        &[0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9],
        &[6, 2, 0x9c, 0x40, 0, 80, 0, 0, 3, 0x84],
        &[192, 0, 2, 1, 192, 0, 2, 10, 192, 0, 2, 21],
    ];
    assert_eq!(bytes[..bytes.len() - TAG], expected.concat());
}

#[test]
fn truncated_and_lengthened_datagrams_are_refused() {
    let bytes = telling(&key(), HEADERS[0], &[sample(state::ESTABLISHED)]);
    for length in 0..bytes.len() {
        assert!(open(&key(), &bytes[..length]).is_err(), "{length}");
    }
    assert!(open(&key(), &[&bytes[..], &[0]].concat()).is_err());
    let signed = &bytes[..bytes.len() - TAG];
    assert_eq!(parse(&[signed, &[0]].concat()), Err(PacketError::Malformed));
}

#[test]
fn another_version_is_told_from_another_key() {
    let mut bytes = hello(&key(), HEADERS[0]);
    bytes[4] = 2;
    assert_eq!(open(&key(), &bytes), Err(PacketError::Version));
}

#[test]
fn a_state_that_its_protocol_does_not_have_is_refused() {
    let udp = Entry { protocol: Protocol::Udp, ..sample(state::ESTABLISHED) };
    for entry in [sample(state::UDP), sample(6), sample(0x7f), udp] {
        let bytes = telling(&key(), HEADERS[0], &[entry]);
        assert_eq!(open(&key(), &bytes), Err(PacketError::Malformed), "{entry:?}");
    }
}

#[test]
fn a_template_is_named_apart_from_a_connection() {
    let (connection, template) =
        (sample(state::ESTABLISHED).name(), sample(state::TEMPLATE).name());
    assert_ne!(connection, template);
    assert!(template.template);
}
