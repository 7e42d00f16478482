//! Checks by DNS of dnsmasq, and of servers that do wrong.

use bench::lab::Process;
use lb_ctl::config::check::{Dns, Probe};
use tokio::net::UdpSocket;

use super::bed::{Bed, REAL4, REALS, at, late, passes, words};

fn query(name: &str, record_type: &str, rcode: &str) -> Probe {
    Probe::Dns(Dns {
        name: name.to_owned(),
        record_type: record_type.to_owned(),
        rcode: rcode.to_owned(),
    })
}

fn dnsmasq(bed: &Bed) -> Process {
    let mut command = bed.namespace.command("dnsmasq");
    command.args(["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--user=root"]);
    command.args(["--no-resolv", "--no-hosts", "--bind-interfaces", "--local=/example/"]);
    command.arg("--address=/www.example/192.0.2.5");
    for real in REALS {
        command.arg(format!("--listen-address={real}"));
    }
    bed.serve(&mut command, &REALS.map(|real| at(real, 53)))
}

#[test]
fn the_response_code_decides() {
    let bed = Bed::new();
    let _dnsmasq = dnsmasq(&bed);
    bed.run(async || {
        for real in REALS {
            let real = at(real, 53);
            passes(query("www.example", "A", "NOERROR"), real).await;
            passes(query("www.example.", "a", "noerror"), real).await;
            passes(query("nothing.example", "A", "NXDOMAIN"), real).await;
            let said = words(query("nothing.example", "A", "NOERROR"), real).await;
            assert_eq!(said, "rcode NXDOMAIN, expected NOERROR");
            // It has nobody to ask.
            let said = words(Probe::Dns(Dns::default()), real).await;
            assert_eq!(said, "rcode REFUSED, expected NOERROR");
        }
    });
}

#[test]
fn nobody_there_is_told_by_icmp() {
    let bed = Bed::new();
    bed.run(async || {
        for real in REALS {
            let said = words(Probe::Dns(Dns::default()), at(real, 53)).await;
            assert_eq!(said, "port unreachable (ICMP)");
        }
    });
}

/// A server whose answer is made of the query by a function.
async fn server(answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> std::net::SocketAddr {
    let socket = UdpSocket::bind(at(REAL4, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut query = [0; 512];
        loop {
            let (length, from) = socket.recv_from(&mut query).await.unwrap();
            for answer in answer(&query[..length]) {
                socket.send_to(&answer, from).await.unwrap();
            }
        }
    });
    address
}

/// The query as an answer to itself.
fn echo(query: &[u8]) -> Vec<u8> {
    let mut answer = query.to_vec();
    answer[2] |= 0x80;
    answer
}

#[test]
fn an_answer_to_somebody_else_is_none() {
    let bed = Bed::new();
    bed.run(async || {
        let other = |query: &[u8]| {
            let mut answer = echo(query);
            answer[0] ^= 1;
            answer
        };
        let stranger = server(move |query| vec![other(query)]).await;
        let said = late(Probe::Dns(Dns::default()), stranger).await;
        assert_eq!(said, "no answer within 300 ms");
        let both = server(move |query| vec![other(query), echo(query)]).await;
        passes(Probe::Dns(Dns::default()), both).await;
    });
}

#[test]
fn what_is_no_dns_fails_in_words() {
    let bed = Bed::new();
    bed.run(async || {
        for broken in [
            |_: &[u8]| vec![b"hello".to_vec()],
            |_: &[u8]| vec![Vec::new()],
            |query: &[u8]| vec![query.to_vec()],
            |query: &[u8]| vec![echo(query)[..14].to_vec()],
        ] {
            let said = words(Probe::Dns(Dns::default()), server(broken).await).await;
            assert!(said.starts_with("DNS: the answer cannot be read: "), "{said}");
        }
        let silent = server(|_| Vec::new()).await;
        let said = late(Probe::Dns(Dns::default()), silent).await;
        assert_eq!(said, "no answer within 300 ms");
    });
}
