//! What follows from checks, and whom to notify: read, and refused at its place.

use super::*;
use crate::config::model::{Notify, Real, Service};
use crate::config::notify::{Mail, MailSecurity, Webhook};
use crate::config::samples::tcp;

/// A service, on the second line, with these keys.
fn service(keys: &str) -> Result<Service, DefinitionError> {
    let comma = if keys.is_empty() { "" } else { ", " };
    let text = format!(
        "{{ \"services\": [\n{{ \"protocol\": \"tcp\", \"vip\": \"192.0.2.10\", \"port\": 80{comma}{keys} \
         }}\n] }}"
    );
    parse(&text).map(|mut desired| desired.services.swap_remove_index(0).expect("one").1)
}

/// `notify`, on the second line, with these keys.
fn notify(keys: &str) -> Result<Notify, DefinitionError> {
    parse(&format!("{{ \"notify\":\n{{ {keys} }}\n}}")).map(|desired| desired.notify)
}

/// Mail with these keys instead of, or beside, those that it needs.
fn mail(keys: &str) -> Result<Mail, DefinitionError> {
    let needed = [
        ("\"server\"", r#""server": "mail.example.org""#),
        ("\"from\"", r#""from": "lb@example.org""#),
        ("\"to\"", r#""to": ["ops@example.org"]"#),
    ];
    let needed = needed.into_iter().filter(|(key, _)| !keys.contains(key)).map(|(_, text)| text);
    let given = Some(keys).filter(|keys| !keys.is_empty());
    let all: Vec<&str> = needed.chain(given).collect();
    notify(&format!("\"mail\": {{ {} }}", all.join(", "))).map(|notify| notify.mail.expect("mail"))
}

/// Refused at `path` behind the beginning of the second line.
#[track_caller]
fn refused<T: std::fmt::Debug>(read: Result<T, DefinitionError>, path: &str, words: &str) {
    let error = read.unwrap_err();
    assert_eq!((error.line, error.path.as_str()), (2, path), "{error}");
    assert!(error.message.contains(words), "{error}\nis not\n{words}");
    assert!(error.column > 1, "{error}");
}

#[test]
fn where_nothing_is_said_all_is_usual() {
    assert_eq!(service(""), Ok(Service::new(tcp("192.0.2.10", 80))));
    assert_eq!(service(r#""slow_start": "0s", "quorum": 1, "hysteresis": 0"#), service(""));
    assert_eq!(notify(""), Ok(Notify::default()));
    let usual = mail("").unwrap();
    assert_eq!(
        (usual.security, usual.port, usual.batch),
        (MailSecurity::Starttls, 587, Mail::BATCH)
    );
    assert_eq!(mail(r#""security": "tls""#).unwrap().port, 465);
    assert_eq!(mail(r#""security": "none""#).unwrap().port, 25);
    assert_eq!(mail(r#""batch": "0s""#).unwrap().batch, std::time::Duration::ZERO);
    let hook = notify(r#""webhooks": [{"url": "http://192.0.2.30/"}]"#).unwrap().webhooks;
    assert_eq!(hook[0].timeout, Webhook::TIMEOUT);
}

#[test]
fn a_real_is_disabled_and_keeps_its_weight() {
    let keys = r#""reals": [{"address": "192.0.2.21", "weight": 5, "disable": true}]"#;
    let real = service(keys).unwrap().reals[0];
    assert_eq!(real, Real { disabled: true, ..Real::new(5) });
    let keys = r#""reals": [{"address": "192.0.2.21", "disable": "yes"}]"#;
    refused(service(keys), "services[0].reals[0].disable", "expected a boolean");
}

#[test]
fn what_follows_from_checks() {
    for (keys, path, words) in [
        (r#""quorum": 0"#, "quorum", "quorum 0 is outside 1 to 4294967295"),
        (r#""quorum": "2""#, "quorum", "expected a quorum, a sum of weights"),
        (r#""hysteresis": -1"#, "hysteresis", "hysteresis -1 is outside 0"),
        (r#""hysteresis": 1"#, "hysteresis", "hysteresis 1 is not below the quorum 1"),
        (r#""quorum": 3, "hysteresis": 3"#, "hysteresis", "would never go down"),
        (r#""slow_start": "30""#, "slow_start", "slow start \"30\" has no unit"),
        (r#""slow_start": 30"#, "slow_start", "expected a duration"),
        (r#""slow_start": "14d""#, "slow_start", "slow start 1209600s is above 13d"),
        (r#""slow_start": "1s", "scheduler": "rr""#, "slow_start", "scheduler rr gives every real"),
        (r#""slow_start": "1s", "scheduler": "lc""#, "slow_start", "scheduler, like wlc"),
        (r#""inhibit_on_failure": 1"#, "inhibit_on_failure", "expected a boolean"),
        (r#""notify_up": "up.sh""#, "notify_up", "\"up.sh\" is not an absolute path"),
        (r#""notify_down": """#, "notify_down", "a command is empty"),
        (r#""quorum_up": "/a '""#, "quorum_up", "quotes"),
        (r#""quorum_down": ["/a"]"#, "quorum_down", "expected a string"),
        (r#""check": "tcp""#, "check", "expected an object"),
        (r#""check": null"#, "check", "expected an object"),
    ] {
        refused(service(keys), &format!("services[0].{path}"), words);
    }
    for scheduler in ["mh", "wrr", "wlc", "sh", "sed", "nq"] {
        let keys = format!(r#""slow_start": "1500ms", "scheduler": "{scheduler}""#);
        assert_eq!(service(&keys).unwrap().slow_start.as_millis(), 1500);
    }
}

#[test]
fn whom_nobody_can_tell() {
    for (keys, path, words) in [
        (r#""user": "a b""#, "user", "user \"a b\" is not the name of a user"),
        (r#""timeout": "0s""#, "timeout", "timeout 0s is outside 1ms"),
        (r#""mail": []"#, "mail", "expected an object"),
        (r#""mails": {}"#, "mails", "unknown field `mails`"),
        (r#""webhooks": ["http://a.org"]"#, "webhooks[0]", "expected an object"),
        (r#""webhooks": [{}]"#, "webhooks[0]", "missing field `url`"),
        (r#""webhooks": [{"url": "ftp://a.org"}]"#, "webhooks[0].url", "neither http nor https"),
        (
            r#""webhooks": [{"url": "http://a.org"}, {"url": "http://a.org"}]"#,
            "webhooks[1].url",
            "stands at webhooks[0] already",
        ),
        (
            r#""webhooks": [{"url": "http://a.org", "timeout": "5"}]"#,
            "webhooks[0].timeout",
            "timeout \"5\" has no unit",
        ),
        (r#""webhooks": [{"url": "https://a.org", "ca": "a"}]"#, "webhooks[0].ca", "absolute path"),
    ] {
        refused(notify(keys), &format!("notify.{path}"), words);
    }
}

#[test]
fn mail_that_cannot_be_sent() {
    for (keys, path, words) in [
        (r#""server": "mail:25""#, ".server", "mail server \"mail:25\" is neither"),
        (r#""port": 0"#, ".port", "port 0 is outside 1 to 65535"),
        (r#""security": "ssl""#, ".security", "security \"ssl\" is unknown"),
        (r#""user": "a""#, ".user", "mail has a `user` and no `password`"),
        (r#""password": "a""#, ".password", "mail has a `password` and no `user`"),
        (r#""ca": "ca.pem""#, ".ca", "not an absolute path"),
        (r#""ca": "/a", "security": "none""#, ".ca", "belongs to TLS"),
        (r#""from": "lb""#, ".from", "\"lb\" is not a mail address"),
        (r#""to": []"#, ".to", "mail has no recipients"),
        (r#""to": ["a@b.org", "c"]"#, ".to[1]", "\"c\" is not a mail address"),
        (r#""to": ["a@b.org", "a@b.org"]"#, ".to[1]", "stands at to[0] already"),
        (r#""to": "a@b.org""#, ".to", "expected a sequence"),
        (r#""batch": "14d""#, ".batch", "batch 1209600s is outside"),
    ] {
        refused(mail(keys), &format!("notify.mail{path}"), words);
    }
    let alone = notify(r#""mail": {"server": "a", "to": []}"#);
    refused(alone, "notify.mail", "missing field `from`");
}

#[test]
fn a_password_is_not_quoted() {
    let debug = format!("{:?}", mail(r#""user": "lb", "password": "secret""#).unwrap());
    assert!(debug.contains("\"lb\"") && !debug.contains("secret"), "{debug}");
}
