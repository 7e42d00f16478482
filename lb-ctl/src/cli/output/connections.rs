//! The tracked connections, shaped like `ipvsadm -Lnc`. Pure.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::api::wire::{Connection, Connections, List, Service};
use crate::config::model::Tracking;

/// ipvsadm's width of an address and port.
const ADDRESS_WIDTH: usize = 18;

/// The table, sorted by service, real and client. Of services whose flows are not all tracked it
/// says that there are more.
pub(in crate::cli) fn table(connections: Connections, list: &List) -> String {
    let mut all = connections.connections;
    all.sort_unstable_by_key(|c| (c.protocol, c.vip, c.port, c.real, c.client, c.client_port));
    let rows: Vec<_> = all.iter().map(Row::new).collect();
    let width =
        |part: fn(&Row<'_>) -> usize| rows.iter().map(part).max().unwrap_or(0).max(ADDRESS_WIDTH);
    let (source, virtual_) = (width(|row| row.source.len()), width(|row| row.virtual_.len()));
    let mut text = format!(
        "lb-ctl {} ({} connections)\npro expire state       {:source$} {:virtual_$} destination\n",
        env!("CARGO_PKG_VERSION"),
        rows.len(),
        "source",
        "virtual"
    );
    for row in &rows {
        let _ = writeln!(
            text,
            "{:3} {:6} {:11} {:source$} {:virtual_$} {}",
            row.protocol, row.expires, row.state, row.source, row.virtual_, row.destination
        );
    }
    let partly = |service: &&Service| service.tracking != Tracking::Full.name();
    let (partly, all) = (list.services.iter().filter(partly).count(), list.services.len());
    if partly > 0 {
        let _ = writeln!(
            text,
            "{partly} of {all} services keep a part of their connections here, or none: \
             --tracking full keeps all"
        );
    }
    text
}

struct Row<'a> {
    protocol: String,
    expires: String,
    state: &'a str,
    source: String,
    virtual_: String,
    destination: String,
}

impl<'a> Row<'a> {
    fn new(connection: &'a Connection) -> Self {
        let port = connection.port;
        Self {
            protocol: connection.protocol.name().to_uppercase(),
            expires: format!("{:02}:{:02}", connection.expires / 60, connection.expires % 60),
            state: &connection.state,
            source: SocketAddr::new(connection.client, connection.client_port).to_string(),
            virtual_: SocketAddr::new(connection.vip, port).to_string(),
            destination: SocketAddr::new(connection.real, port).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    /// Services that keep all their connections.
    fn tracked() -> List {
        let mut list = samples::list();
        for service in &mut list.services {
            service.tracking = "full".to_owned();
        }
        list
    }

    #[test]
    fn those_that_are_not_here_are_told_of() {
        let mut list = tracked();
        list.services[1].tracking = "none".to_owned();
        let text = table(samples::connections(), &list);
        let expected = "1 of 2 services keep a part of their connections here, or none: \
                    --tracking full keeps all\n";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn as_ipvsadm_prints_them() {
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "\
lb-ctl {version} (2 connections)
pro expire state       source             virtual            destination
TCP 14:59  ESTABLISHED 198.51.100.7:40000 192.0.2.10:80      192.0.2.21:80
UDP 00:05  UDP         [2001:db8::99]:5353 [2001:db8::10]:53  [2001:db8::21]:53
"
        );
        let text = table(samples::connections(), &tracked());
        // The longer source widens its column for all.
        let expected = expected
            .replace("source             virtual", "source              virtual")
            .replace("198.51.100.7:40000 192", "198.51.100.7:40000  192");
        assert_eq!(text, expected);
    }

    #[test]
    fn none_at_all() {
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "\
lb-ctl {version} (0 connections)
pro expire state       source             virtual            destination
"
        );
        assert_eq!(table(Connections::default(), &List::default()), expected);
    }
}
