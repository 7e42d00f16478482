use std::net::IpAddr;
use std::time::UNIX_EPOCH;

use lb_common::key::Protocol;

use super::*;
use crate::config::model::Endpoint;
use crate::event::{EventKind, Happening, ServiceName};

const DELAYS: &[Duration] = &[Duration::from_millis(1)];

fn event(kind: EventKind, real: Option<[u8; 4]>, message: &str) -> Arc<Event> {
    let address = [192, 0, 2, 10].into();
    let endpoint = Endpoint { protocol: Protocol::Tcp, address, port: 80.into() };
    let what = Happening {
        service: Some(ServiceName { endpoint, name: None }),
        real: real.map(IpAddr::from),
        ..Happening::new(kind, message)
    };
    Arc::new(Event { seq: 1, at: UNIX_EPOCH, what })
}

fn down(last: u8) -> Arc<Event> {
    event(EventKind::RealDown, Some([192, 0, 2, last]), "connect refused")
}

fn mail(batch: Duration) -> Mail {
    Mail {
        server: "127.0.0.1".to_owned(),
        // Nobody listens there (RFC 863's service is not one that is run).
        port: 9,
        security: MailSecurity::None,
        login: None,
        ca: None,
        from: "lb@example.net".to_owned(),
        to: vec!["ops@example.net".to_owned()],
        batch,
    }
}

#[test]
fn the_subject_has_the_worst_and_the_body_all() {
    let one = Letter::of(&[down(21)], "director");
    assert_eq!(
        one.subject,
        "[lb-ctl director] real 192.0.2.21 of tcp 192.0.2.10:80: down: connect refused"
    );
    let quorum = event(EventKind::QuorumDown, None, "");
    let up = event(EventKind::RealUp, Some([192, 0, 2, 21]), "");
    let all = Letter::of(&[down(21), quorum, down(22), up], "director");
    assert_eq!(
        all.subject,
        "[lb-ctl director] service tcp 192.0.2.10:80: has lost its quorum (and 3 more)"
    );
    let expected = "\
1970-01-01T00:00:00Z  real 192.0.2.21 of tcp 192.0.2.10:80: down: connect refused
1970-01-01T00:00:00Z  service tcp 192.0.2.10:80: has lost its quorum
1970-01-01T00:00:00Z  real 192.0.2.22 of tcp 192.0.2.10:80: down: connect refused
1970-01-01T00:00:00Z  real 192.0.2.21 of tcp 192.0.2.10:80: up
";
    assert_eq!(all.body, expected);
    let long = Letter::of(&[event(EventKind::RealDown, None, &"x".repeat(500))], "director");
    assert_eq!(long.subject.chars().count(), SUBJECT_CHARS + 1);
}

#[test]
fn only_addresses_are_written_to() {
    let message = |from: &str| {
        let mail = Mail { from: from.to_owned(), ..mail(Duration::ZERO) };
        message(&mail, &Letter::of(&[down(21)], "director"))
    };
    for from in ["root@localhost", "lb@example.net"] {
        let text = String::from_utf8(message(from).unwrap().formatted()).unwrap();
        assert!(text.lines().any(|line| line == format!("From: {from}")), "{text}");
    }
    let error = message("nobody").unwrap_err();
    assert!(error.contains("\"nobody\" is not a mail address"), "{error}");
}

#[tokio::test]
async fn a_batch_has_an_end_by_time_by_number_and_with_the_queue() {
    let (sender, mut events) = mpsc::channel(2 * TOGETHER);
    sender.send(down(22)).await.unwrap();
    let batch = gather(down(21), &mut events, Duration::from_millis(20)).await;
    assert_eq!(batch.len(), 2, "by time");
    for _ in 0..TOGETHER {
        sender.send(down(22)).await.unwrap();
    }
    let long = Duration::from_hours(1);
    assert_eq!(gather(down(21), &mut events, long).await.len(), TOGETHER, "by number");
    drop(sender);
    assert_eq!(gather(down(21), &mut events, long).await.len(), 2, "with the queue");
}

#[tokio::test]
async fn what_cannot_be_sent_is_counted_in_the_end() {
    let dropped = Arc::new(Dropped::default());
    let (sender, events) = mpsc::channel(10);
    for last in 21..24 {
        sender.send(down(last)).await.unwrap();
    }
    drop(sender);
    let mailer = Mailer::new(mail(Duration::from_secs(1)), "director".into(), Arc::clone(&dropped));
    Mailer { delays: DELAYS, ..mailer }.run(events).await;
    assert_eq!(dropped.counts()[1], (Medium::Mail, 3));
}
