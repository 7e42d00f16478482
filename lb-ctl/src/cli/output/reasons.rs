//! Why packets of services were not forwarded. Pure.

use std::fmt::Write;

use super::list::service_name;
use crate::api::wire::List;

/// ipvsadm's width of a service.
const SERVICE_WIDTH: usize = 33;

/// A line for each service and reason.
pub(in crate::cli) fn table(list: &List) -> String {
    let rows = list.services.iter().flat_map(|service| {
        let name = service_name(service.protocol, service.vip, service.port);
        service.refused.iter().map(move |(reason, packets)| (name.clone(), reason, packets))
    });
    let rows: Vec<_> = rows.collect();
    let longest = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    let width = longest.max(SERVICE_WIDTH);
    let mut text =
        format!("{:width$} {:18} {:>12}\n", "Prot LocalAddress:Port", "Reason", "Packets");
    for (name, reason, packets) in rows {
        let _ = writeln!(text, "{name:width$} {reason:18} {packets:>12}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    #[test]
    fn a_line_for_each_reason() {
        let expected = "\
Prot LocalAddress:Port            Reason                  Packets
TCP  192.0.2.10:80                no-real                       3
TCP  192.0.2.10:80                source-denied            123456
";
        assert_eq!(table(&samples::list()), expected);
    }
}
