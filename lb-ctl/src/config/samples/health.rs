//! Checks, what follows from them, and whom to notify: every key once, and any values. Strategies
//! are boxed, since all of them together would not fit the stack of a test.

use std::path::PathBuf;
use std::time::Duration;

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::ip;
use crate::config::check::{
    Body, Check, Dns, Exec, Grpc, Http, Probe, Smtp, StatusRange, Timing, Tls, Udp, Via,
};
use crate::config::hook::HookCommand;
use crate::config::notify::{Hooks, Login, Mail, MailSecurity, Notify, Webhook};
use crate::config::rules::check::MAX_TIME;

/// A definition with every key of health.
pub(in crate::config) const HEALTH: &str = r#"{
  "services": [
    { "protocol": "tcp", "vip": "192.0.2.10", "port": 443,
      "check": { "type": "https", "via": "rip", "port": 8443, "bind": "192.0.2.1", "interval": "500ms",
                 "timeout": "2s", "rise": 2, "fall": 4, "retry_delay": "100ms", "warmup": "10s",
                 "path": "/healthz?deep=1", "host": "www.example.org:8443", "status": [200, "300-399"],
                 "sha256": "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff",
                 "sni": "www.example.org", "verify": false, "ca": "/etc/ssl/ca.pem" },
      "inhibit_on_failure": true, "quorum": 3, "hysteresis": 2, "slow_start": "30s",
      "notify_up": "/bin/up 'a b'", "notify_down": "/bin/down", "quorum_up": "/bin/qup", "quorum_down": "/bin/qdown",
      "reals": [ { "address": "192.0.2.21", "disable": true } ] }
  ],
  "notify": {
    "user": "lb-notify", "timeout": "5s",
    "mail": { "server": "mail.example.org", "port": 2525, "security": "tls", "user": "lb", "password": "secret",
              "ca": "/etc/ssl/mail.pem", "from": "lb@example.org", "to": ["a@example.org", "b@example.org"],
              "batch": "1m" },
    "webhooks": [ { "url": "https://hooks.example.org/lb", "timeout": "1s", "ca": "/etc/ssl/hook.pem" },
                  { "url": "http://192.0.2.30:8080/" } ]
  }
}
"#;

/// The check of [`HEALTH`].
pub(in crate::config) fn check() -> Check {
    let digest = std::array::from_fn(|at| {
        [
            0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
            0xee, 0xff,
        ][at % 16]
    });
    let range = |first, last| StatusRange { first, last };
    let tls = Tls {
        sni: Some("www.example.org".to_owned()),
        verify: false,
        ca: Some("/etc/ssl/ca.pem".into()),
    };
    let http = Http {
        path: "/healthz?deep=1".to_owned(),
        host: Some("www.example.org:8443".to_owned()),
        status: vec![range(200, 200), range(300, 399)],
        body: Body::Sha256(digest),
        tls: Some(tls),
    };
    let timing = Timing {
        interval: Duration::from_millis(500),
        timeout: Duration::from_secs(2),
        rise: 2,
        fall: 4,
        retry_delay: Duration::from_millis(100),
        warmup: Duration::from_secs(10),
    };
    let bind = Some(ip("192.0.2.1"));
    Check { probe: Probe::Http(http), via: Via::Rip, port: Some(8443), bind, timing }
}

/// The commands of [`HEALTH`].
pub(in crate::config) fn hooks() -> Hooks {
    let command = |text| HookCommand::parse(text).ok();
    Hooks {
        up: command("/bin/up 'a b'"),
        down: command("/bin/down"),
        quorum_up: command("/bin/qup"),
        quorum_down: command("/bin/qdown"),
    }
}

/// Whom [`HEALTH`] notifies.
pub(in crate::config) fn notify() -> Notify {
    let mail = Mail {
        server: "mail.example.org".to_owned(),
        port: 2525,
        security: MailSecurity::Tls,
        login: Some(Login { user: "lb".to_owned(), password: "secret".to_owned() }),
        ca: Some("/etc/ssl/mail.pem".into()),
        from: "lb@example.org".to_owned(),
        to: vec!["a@example.org".to_owned(), "b@example.org".to_owned()],
        batch: Duration::from_mins(1),
    };
    let hook = |url: &str, secs, ca: Option<&str>| Webhook {
        url: url.to_owned(),
        timeout: Duration::from_secs(secs),
        ca: ca.map(PathBuf::from),
    };
    Notify {
        user: "lb-notify".to_owned(),
        timeout: Duration::from_secs(5),
        mail: Some(mail),
        webhooks: vec![
            hook("https://hooks.example.org/lb", 1, Some("/etc/ssl/hook.pem")),
            hook("http://192.0.2.30:8080/", 5, None),
        ],
    }
}

/// A time from so many milliseconds on.
pub(in crate::config) fn any_time(least: u64) -> impl Strategy<Value = Duration> {
    let most = u64::try_from(MAX_TIME.as_millis()).expect("thirteen days");
    prop_oneof![least..=most, least..=60_000].prop_map(Duration::from_millis)
}

fn any_timing() -> BoxedStrategy<Timing> {
    let results = || 1..=1000_u16;
    let given = (any_time(10), any_time(1), results(), results(), any_time(10), any_time(0));
    let given = given.prop_map(|(interval, timeout, rise, fall, retry, warmup)| Timing {
        interval,
        timeout,
        rise,
        fall,
        retry_delay: retry.min(interval),
        warmup,
    });
    prop_oneof![Just(Timing::default()), any_time(10).prop_map(Timing::of), given].boxed()
}

fn any_path() -> impl Strategy<Value = PathBuf> {
    // Letters of more than one byte are what a path may have as well.
    "/[a-zé. -]{1,9}".prop_map(PathBuf::from)
}

fn any_host() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9]{0,9}(\\.[a-z]{2,5})?"
}

fn any_tls() -> impl Strategy<Value = Tls> {
    (option::of(any_host()), any::<bool>(), option::of(any_path()))
        .prop_map(|(sni, verify, ca)| Tls { sni, verify, ca })
}

fn any_http() -> BoxedStrategy<Http> {
    let path = prop_oneof![Just("/".to_owned()), "/[a-z0-9/._~?=&%-]{0,12}"];
    let status = (100..=599_u16, 100..=599_u16)
        .prop_map(|(a, b)| StatusRange { first: a.min(b), last: a.max(b) });
    let body = prop_oneof![
        Just(Body::Any),
        any::<[u8; 32]>().prop_map(Body::Sha256),
        any::<[u8; 16]>().prop_map(Body::Md5),
        "[a-z .+|é]{1,9}\\$?".prop_filter_map("no expression", |text| {
            regex::Regex::new(&text).is_ok().then_some(Body::Regex(text))
        }),
    ];
    (path, option::of(any_host()), vec(status, 0..3), body, option::of(any_tls()))
        .prop_map(|(path, host, status, body, tls)| Http { path, host, status, body, tls })
        .boxed()
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..20), "\\PC{0,9}".prop_map(String::into_bytes)]
}

pub(in crate::config) fn any_command() -> BoxedStrategy<HookCommand> {
    prop_oneof!["/[a-z0-9 é_.-]{1,20}", Just("/bin/a 'b \"c' d\\ e".to_owned())]
        .prop_map(|text| HookCommand::parse(&text).expect("a path and words"))
        .boxed()
}

fn any_probe() -> BoxedStrategy<Probe> {
    let dns = (
        prop_oneof![Just(".".to_owned()), "[a-z]{1,9}\\.[a-z]{2,4}\\.?"],
        select(vec!["A", "AAAA", "SOA", "TXT"]),
        select(vec!["NOERROR", "NXDOMAIN", "REFUSED", "NOTZONE"]),
    )
        .prop_map(|(name, kind, rcode)| Dns {
            name,
            record_type: kind.to_owned(),
            rcode: rcode.to_owned(),
        });
    let exec = (any_command(), prop_oneof![Just(Exec::USER.to_owned()), "[a-z]{1,9}"])
        .prop_map(|(command, user)| Exec { command, user });
    prop_oneof![
        Just(Probe::Tcp),
        any_http().prop_map(Probe::Http),
        (any_bytes(), option::of(any_bytes()))
            .prop_map(|(payload, expect)| Probe::Udp(Udp { payload, expect })),
        dns.prop_map(Probe::Dns),
        option::of(any_host()).prop_map(|helo| Probe::Smtp(Smtp { helo })),
        Just(Probe::Ping),
        ("[a-z.é]{0,9}", option::of(any_tls()))
            .prop_map(|(service, tls)| Probe::Grpc(Grpc { service, tls })),
        exec.prop_map(Probe::Exec),
    ]
    .boxed()
}

/// A check, which may not fit a service of IPv6 or of several ports.
pub(in crate::config) fn any_check() -> BoxedStrategy<Check> {
    let port = option::of(1..=u16::MAX);
    let rest = (any::<bool>(), port, any::<bool>(), any_timing());
    (any_probe(), rest)
        .prop_map(|(probe, (by_rip, port, bound, timing))| {
            let mut check = Check::new(probe);
            if by_rip {
                check.via = Via::Rip;
            }
            check.port = port.filter(|_| check.probe.has_port());
            // The family is put right where the service's is known.
            check.bind = bound.then(|| ip("192.0.2.1")).filter(|_| check.probe.has_address());
            check.timing = timing;
            check
        })
        .boxed()
}

/// The same for a service of this family, which has a single port or not.
pub(super) fn fitting(check: Check, v6: bool, single: bool) -> Check {
    let bind = check.bind.map(|_| ip(if v6 { "2001:db8::1" } else { "192.0.2.1" }));
    let needed = check.probe.has_port() && !single;
    Check { bind, port: check.port.or(needed.then_some(7)), ..check }
}

pub(in crate::config) fn any_hooks() -> BoxedStrategy<Hooks> {
    let command = || option::of(any_command());
    (command(), command(), command(), command())
        .prop_map(|(up, down, quorum_up, quorum_down)| Hooks { up, down, quorum_up, quorum_down })
        .boxed()
}

/// Quorum and hysteresis.
pub(super) fn any_thresholds() -> impl Strategy<Value = (u32, u32)> {
    (prop_oneof![Just(1), 1..=u32::MAX], any::<u32>())
        .prop_map(|(quorum, more)| (quorum, more % quorum))
}

pub(super) fn any_slow_start() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(Duration::ZERO), any_time(0)]
}

fn any_mail() -> BoxedStrategy<Mail> {
    let address = || "[a-z]{1,8}@example\\.(org|com)";
    // Quotes and backslashes are what escaping goes wrong with.
    let login = ("[ -~]{1,9}", "[ -~é]{0,9}").prop_map(|(user, password)| Login { user, password });
    let way = (any_host(), option::of(1..=u16::MAX), select(&MailSecurity::ALL));
    let rest =
        (option::of(login), option::of(any_path()), prop_oneof![Just(Mail::BATCH), any_time(0)]);
    (way, rest, address(), btree_set(address(), 1..4))
        .prop_map(|((server, port, security), (login, ca, batch), from, to)| Mail {
            server,
            port: port.unwrap_or(security.port()),
            security,
            login,
            ca: ca.filter(|_| security != MailSecurity::None),
            from,
            to: to.into_iter().collect(),
            batch,
        })
        .boxed()
}

/// Whom any definition notifies.
pub(super) fn any_notify() -> BoxedStrategy<Notify> {
    let urls = btree_set("https?://[a-z]{1,9}(:[1-9][0-9]{0,3})?(/[a-z]{0,5})?", 0..3);
    let urls = urls.prop_flat_map(|urls| {
        let one =
            |url| {
                let timeout = prop_oneof![Just(Webhook::TIMEOUT), any_time(1)];
                (Just(url), timeout, option::of(any_path()))
                    .prop_map(|(url, timeout, ca)| Webhook { url, timeout, ca })
            };
        urls.into_iter().map(one).collect::<Vec<_>>()
    });
    let given = ("[a-z]{1,9}", any_time(1), option::of(any_mail()), urls)
        .prop_map(|(user, timeout, mail, webhooks)| Notify { user, timeout, mail, webhooks });
    prop_oneof![Just(Notify::default()), given].boxed()
}
