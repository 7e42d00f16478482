//! A check, written without what is as it is by default.

use std::path::Path;
use std::time::Duration;

use crate::config::check::{self, Body, Dns, Exec, Http, Probe, StatusRange, Timing, Tls, Udp};
use crate::config::duration;
use crate::config::file::Check;
use crate::config::hex;

impl From<&check::Check> for Check {
    fn from(check: &check::Check) -> Self {
        let usual = check::Check::new(check.probe.clone());
        Self {
            via: (check.via != usual.via).then(|| check.via.name().to_owned()),
            port: check.port,
            bind: check.bind.map(|address| address.to_string()),
            ..timing(check.timing, probe(&check.probe))
        }
    }
}

fn timing(timing: Timing, written: Check) -> Check {
    let usual = Timing::of(timing.interval);
    let time = |given: Duration, usual| (given != usual).then(|| duration::written(given));
    Check {
        interval: time(timing.interval, Timing::default().interval),
        timeout: time(timing.timeout, usual.timeout),
        rise: (timing.rise != usual.rise).then_some(timing.rise),
        fall: (timing.fall != usual.fall).then_some(timing.fall),
        retry_delay: time(timing.retry_delay, usual.retry_delay),
        warmup: time(timing.warmup, usual.warmup),
        ..written
    }
}

fn probe(probe: &Probe) -> Check {
    let plain = Check::of_type(probe.name());
    match probe {
        Probe::Tcp | Probe::Ping => plain,
        Probe::Http(http) => page(http, plain),
        Probe::Udp(udp) => datagram(udp, plain),
        Probe::Dns(dns) => query(dns, plain),
        Probe::Smtp(smtp) => Check { helo: smtp.helo.clone(), ..plain },
        Probe::Grpc(grpc) => {
            let service = (!grpc.service.is_empty()).then(|| grpc.service.clone());
            let by_tls = grpc.tls.is_some().then_some(true);
            tls(grpc.tls.as_ref(), Check { service, tls: by_tls, ..plain })
        }
        Probe::Exec(exec) => Check {
            command: Some(exec.command.to_string()),
            user: (exec.user != Exec::USER).then(|| exec.user.clone()),
            ..plain
        },
    }
}

fn page(http: &Http, plain: Check) -> Check {
    let mut written = Check {
        path: (http.path != Http::default().path).then(|| http.path.clone()),
        host: http.host.clone(),
        status: http.status.iter().copied().map(status).collect(),
        ..tls(http.tls.as_ref(), plain)
    };
    match &http.body {
        Body::Any => {}
        Body::Sha256(digest) => written.sha256 = Some(hex::text(digest)),
        Body::Md5(digest) => written.md5 = Some(hex::text(digest)),
        Body::Regex(regex) => written.body_regex = Some(regex.clone()),
    }
    written
}

fn status(range: StatusRange) -> String {
    let StatusRange { first, last } = range;
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

fn tls(tls: Option<&Tls>, plain: Check) -> Check {
    let Some(Tls { sni, verify, ca }) = tls else { return plain };
    let path = |path: &Path| path.to_str().expect("it was read from text").to_owned();
    Check {
        sni: sni.clone(),
        verify: (!verify).then_some(false),
        ca: ca.as_deref().map(path),
        ..plain
    }
}

fn datagram(udp: &Udp, plain: Check) -> Check {
    let sent = (!udp.payload.is_empty()).then(|| text_or_hex(&udp.payload));
    let (payload, payload_hex) = sent.unwrap_or_default();
    let (expect, expect_hex) = udp.expect.as_deref().map(text_or_hex).unwrap_or_default();
    Check { payload, payload_hex, expect, expect_hex, ..plain }
}

/// Bytes as text where they are some, else as digits.
fn text_or_hex(bytes: &[u8]) -> (Option<String>, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => (None, Some(hex::text(bytes))),
    }
}

fn query(dns: &Dns, plain: Check) -> Check {
    let usual = Dns::default();
    let word = |given: &String, usual: String| (*given != usual).then(|| given.clone());
    Check {
        name: word(&dns.name, usual.name),
        record_type: word(&dns.record_type, usual.record_type),
        rcode: word(&dns.rcode, usual.rcode),
        ..plain
    }
}
