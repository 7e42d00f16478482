//! Requests and answers, good and bad.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{Core, FAULT, FAULTY, Fixture, Ran};
use lb_common::key::Protocol;
use lb_common::limits::DEFAULT_SOURCES;
use lb_ctl::api::client::{Client, ClientError};
use lb_ctl::api::routes::{Method, ROUTES};
use lb_ctl::api::wire::{ErrorKind, NewReal, NewService, RealEdit, RealState, ServiceEdit};
use lb_ctl::command::OnHandEdit;
use lb_ctl::config::model::Endpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const REFUSE: OnHandEdit = OnHandEdit::Refuse;

fn web() -> Endpoint {
    Endpoint { protocol: Protocol::Tcp, address: "2001:db8::10".parse().unwrap(), port: 80.into() }
}

fn new_web() -> NewService {
    let properties = ServiceEdit {
        tracking: Some("full".to_owned()),
        idle_timeout: Some(120),
        ..ServiceEdit::default()
    };
    NewService::join(web(), properties)
}

fn kind<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> ErrorKind {
    match answer.unwrap_err() {
        ClientError::Answered(error) => error.kind,
        other => panic!("{other}"),
    }
}

/// Sends bytes as they are and reads until the server closes.
async fn raw(socket: &Path, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

async fn ask(socket: &Path, method: &str, path: &str, body: &str) -> String {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    raw(socket, request.as_bytes()).await
}

async fn curl(socket: &Path, arguments: &[&str], user: Option<u32>) -> Ran {
    let mut command = tokio::process::Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "20", "--globoff"]);
    command.args(["--write-out", "%{http_code}", "--unix-socket"]).arg(socket).args(arguments);
    if let Some(id) = user {
        command.uid(id).gid(id);
    }
    Ran::from(command.stdin(Stdio::null()).output().await.expect("curl is installed"))
}

#[tokio::test]
async fn a_service_lives_and_dies() {
    let fixture = Fixture::start();
    let client = &fixture.client;
    let real = "2001:db8::21".parse().unwrap();
    let added = client.add_service(&new_web(), REFUSE).await.unwrap();
    assert_eq!(added.changes, ["+ service tcp [2001:db8::10]:80"]);
    assert_eq!(kind(client.add_service(&new_web(), REFUSE).await), ErrorKind::Exists);
    let new_real = NewReal { address: real, weight: Some(3) };
    client.add_real(web(), &new_real, REFUSE).await.unwrap();
    let edit = RealEdit { weight: Some(5), ..RealEdit::default() };
    client.edit_real(web(), real, &edit, REFUSE).await.unwrap();
    let drain = RealEdit { drained: Some(true), ..RealEdit::default() };
    client.edit_real(web(), real, &drain, REFUSE).await.unwrap();
    let edit = ServiceEdit {
        name: Some("web".to_owned()),
        idle_timeout: Some(30),
        ..ServiceEdit::default()
    };
    client.edit_service(web(), &edit, REFUSE).await.unwrap();

    let list = client.list(Some(web())).await.unwrap();
    assert_eq!(list.services[0].name.as_deref(), Some("web"));
    assert_eq!((&*list.services[0].tracking, list.services[0].idle_timeout), ("full", 30));
    assert_eq!(list.services[0].reals[0].weight, 5);
    assert_eq!(list.services[0].reals[0].state, RealState::Drain);

    client.delete_real(web(), real, REFUSE).await.unwrap();
    assert_eq!(kind(client.delete_real(web(), real, REFUSE).await), ErrorKind::NotFound);
    client.delete_service(web(), REFUSE).await.unwrap();
    assert_eq!(kind(client.list(Some(web())).await), ErrorKind::NotFound);
    assert_eq!(client.list(None).await.unwrap().services, []);
    assert_eq!(kind(client.status().await), ErrorKind::Failed);
}

#[tokio::test]
async fn documents_of_many_megabytes() {
    let fixture = Fixture::start();
    let big = "x".repeat(20 << 20);
    let applied = fixture.client.apply(big.clone(), REFUSE).await.unwrap();
    assert_eq!(applied.changes, [format!("~ {} bytes", 20 << 20)]);
    assert_eq!(fixture.client.diff(big).await.unwrap(), applied);
    let ClientError::Answered(error) = fixture.client.diff(FAULTY.into()).await.unwrap_err() else {
        panic!("not answered")
    };
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Refused, FAULT));
    let too_big = "x".repeat((64 << 20) + 1);
    assert_eq!(kind(fixture.client.apply(too_big, REFUSE).await), ErrorKind::Refused);
    assert_eq!(fixture.client.definition().await.unwrap(), "{\"services\": []}\n");
}

#[tokio::test]
async fn force_reaches_the_core() {
    let fixture = Fixture::with(Core { edited: true, ..Core::default() });
    assert_eq!(kind(fixture.client.clear(REFUSE).await), ErrorKind::Refused);
    fixture.client.clear(OnHandEdit::Overwrite).await.unwrap();
    assert_eq!(kind(fixture.client.add_service(&new_web(), REFUSE).await), ErrorKind::Refused);
    fixture.client.add_service(&new_web(), OnHandEdit::Overwrite).await.unwrap();
}

#[tokio::test]
async fn every_route_answers_and_no_other() {
    let fixture = Fixture::start();
    for route in ROUTES {
        let path = route
            .path
            .replace("{protocol}", "tcp")
            .replace("{endpoint}", "192.0.2.10:80")
            .replace("{address}", "192.0.2.21");
        let method = route.method.name().to_uppercase();
        let answer = ask(&fixture.socket, &method, &path, "{}").await;
        assert!(!answer.contains("there is no /v1"), "{method} {path}: {answer}");
        assert!(!answer.starts_with("HTTP/1.1 405"), "{method} {path}: {answer}");
    }
    assert!(ROUTES.iter().any(|route| route.method == Method::Patch));
    let unknown = ask(&fixture.socket, "GET", "/v1/nothing", "").await;
    assert!(unknown.starts_with("HTTP/1.1 404"), "{unknown}");
    assert!(unknown.contains("\"kind\":\"not-found\""), "{unknown}");
    let wrong_method = ask(&fixture.socket, "DELETE", "/v1/status", "").await;
    assert!(wrong_method.starts_with("HTTP/1.1 405"), "{wrong_method}");
    assert!(wrong_method.contains("\"kind\":\"refused\""), "{wrong_method}");
}

#[tokio::test]
async fn what_cannot_be_read() {
    let fixture = Fixture::start();
    let socket = &fixture.socket;
    for (method, path, body) in [
        ("POST", "/v1/services", "{"),
        ("POST", "/v1/services", ""),
        ("PATCH", "/v1/services/sctp/192.0.2.10:80", "{}"),
        ("DELETE", "/v1/services/tcp/192.0.2.10", ""),
        ("DELETE", "/v1/services/tcp/%FF:80", ""),
        ("DELETE", "/v1/services/tcp/192.0.2.10:80/reals/x", ""),
        ("GET", "/v1/services?service=web", ""),
        ("GET", "/v1/services?sort=name", ""),
        ("POST", "/v1/clear?force=perhaps", ""),
    ] {
        let answer = ask(socket, method, path, body).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{method} {path} {body}: {answer}");
        assert!(answer.contains("\"kind\":\"refused\""), "{answer}");
    }
    for body in [
        r#"{"protocol":"tcp","vip":"192.0.2.10","port":"8100-8000"}"#,
        r#"{"protocol":"tcp","vip":"192.0.2.10","port":80,"scheduler":"best"}"#,
        r#"{"protocol":"tcp","vip":"192.0.2.10","port":80,"colour":"red"}"#,
        r#"{"protocol":"tcp","vip":"192.0.2.10","port":"80"}"#,
        r#"{"protocol":"tcp","vip":"192.0.2.10","port":80,"scheduler":"sh","persistence":{"timeout":9}}"#,
        r#"{"protocol":"tcp","vip":"192.0.2.10","port":80,"persistence":{"netmask":24}}"#,
        r#"{"protocol":"tcp","vip":"192.0.2.10","port":80,"timeouts":{"rst":1}}"#,
        r#"{"protocol":"tcp","vip":"192.0.2.10"}"#,
    ] {
        let answer = ask(socket, "POST", "/v1/services", body).await;
        assert!(answer.starts_with("HTTP/1.1 422"), "{body}: {answer}");
    }
    assert!(raw(socket, b"\x16\x03\x01 no http at all\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    let reals = "/v1/services/tcp/192.0.2.10:80/reals";
    let long = ask(socket, "POST", reals, &"x".repeat(100 << 10)).await;
    assert!(long.starts_with("HTTP/1.1 413"), "{long}");
    assert_eq!(fixture.client.list(None).await.unwrap().services, []);
}

#[tokio::test]
async fn a_service_may_have_as_many_prefixes_as_there_is_room_for() {
    let fixture = Fixture::start();
    let prefix = |number: u32| {
        format!("2001:db8:1111:2222:3333:4444:{:x}:{:x}/128", number >> 16, number & 0xffff)
    };
    let properties = ServiceEdit {
        deny: Some((0x1111_1111..).take(DEFAULT_SOURCES as usize).map(prefix).collect()),
        ..ServiceEdit::default()
    };
    let service = NewService::join(web(), properties);
    fixture.client.add_service(&service, OnHandEdit::Refuse).await.unwrap();
    let list = fixture.client.list(None).await.unwrap();
    assert_eq!(list.services[0].deny.len(), DEFAULT_SOURCES as usize);
}

#[tokio::test]
async fn curl_speaks_it_too() {
    let fixture = Fixture::start();
    let url = "http://localhost/v1/services";
    let body = r#"{"protocol":"udp","vip":"2001:db8::10","port":53}"#;
    let ran = curl(&fixture.socket, &["--json", body, url], None).await;
    assert_eq!(ran.stdout, "{\"changes\":[\"+ service udp [2001:db8::10]:53\"]}200", "{ran:?}");
    let service = format!("{url}/udp/[2001:db8::10]:53");
    let ran = curl(&fixture.socket, &["-X", "DELETE", &service], None).await;
    assert!(ran.stdout.ends_with("200"), "{ran:?}");
    let ran = curl(&fixture.socket, &["http://localhost/v1/openapi.json"], None).await;
    let document = ran.stdout.strip_suffix("200").unwrap();
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
}

#[tokio::test]
async fn strangers_are_turned_away_even_where_the_mode_lets_them_in() {
    if !nix::unistd::geteuid().is_root() {
        // Only root can become somebody else.
        return;
    }
    let fixture = Fixture::start();
    fs::set_permissions(fixture.directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let url = ["http://localhost/v1/services"];
    let nobody = Some(65534);
    let kept_out = curl(&fixture.socket, &url, nobody).await;
    assert_ne!(kept_out.code, 0, "{kept_out:?}");
    fs::set_permissions(&fixture.socket, fs::Permissions::from_mode(0o666)).unwrap();
    let turned_away = curl(&fixture.socket, &url, nobody).await;
    assert!(turned_away.stdout.ends_with("403"), "{turned_away:?}");
    assert!(curl(&fixture.socket, &url, None).await.stdout.ends_with("200"));
}

#[tokio::test]
async fn answers_that_no_daemon_gives() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let answers: [&[u8]; 4] = [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"",
    ];
    let other = tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).await.unwrap();
            assert!(read > 0);
            stream.write_all(answer).await.unwrap();
        }
        listener
    });
    let client = Client::new(&path).with_patience(Duration::from_millis(200));
    for answer in answers {
        let error = client.list(None).await.unwrap_err();
        assert!(matches!(&error, ClientError::NoAnswer(_)), "{answer:?}: {error}");
        assert!(error.to_string().contains("other.sock"), "{error}");
    }
    let silent = other.await.unwrap();
    let error = client.list(None).await.unwrap_err();
    assert!(error.to_string().contains("did not answer within 0.2 s"), "{error}");
    drop(silent);
}
