//! The socket's file: its mode, and what may stand in its place.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use lb_ctl::api::client::{Client, ClientError};
use lb_ctl::api::socket::{self, SocketError};
use tokio::net::UnixStream;

use crate::support::Fixture;

#[tokio::test]
async fn the_file_has_its_mode_and_goes_with_the_server() {
    let mut fixture = Fixture::start();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&fixture.socket), 0o660);
    assert_eq!(mode(fixture.socket.parent().unwrap()), 0o755);
    // A client that is connected and idle does not hold the server up.
    let idle = UnixStream::connect(&fixture.socket).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), fixture.stop()).await.unwrap();
    drop(idle);
    assert!(!fixture.socket.exists());
    let error = fixture.client.list(None).await.unwrap_err();
    assert!(matches!(&error, ClientError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("there is no socket"), "{error}");
}

#[tokio::test]
async fn a_file_that_another_put_there_stays() {
    let mut fixture = Fixture::start();
    fs::remove_file(&fixture.socket).unwrap();
    let other = UnixListener::bind(&fixture.socket).unwrap();
    fixture.stop().await;
    assert!(fixture.socket.exists());
    drop(other);
}

#[tokio::test]
async fn stale_live_and_foreign_paths() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lb-ctl.sock");
    drop(UnixListener::bind(&path).unwrap());
    let error = Client::new(&path).list(None).await.unwrap_err();
    assert!(error.to_string().contains("nobody listens"), "{error}");

    let taken = socket::bind(&path, None).unwrap();
    let live = socket::bind(&path, None).unwrap_err();
    assert!(matches!(live, SocketError::Live { .. }), "{live}");
    assert!(path.exists(), "the live daemon keeps its socket");
    drop(taken);
    assert!(!path.exists());

    fs::write(&path, "precious").unwrap();
    let foreign = socket::bind(&path, None).unwrap_err();
    assert!(matches!(foreign, SocketError::NotASocket { .. }), "{foreign}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");

    let long = directory.path().join("x".repeat(200));
    assert!(matches!(socket::bind(&long, None).unwrap_err(), SocketError::TooLong { .. }));
    let unknown = socket::bind(&directory.path().join("s"), Some("no-such-group")).unwrap_err();
    assert!(matches!(unknown, SocketError::NoGroup { .. }), "{unknown}");
    assert!(!directory.path().join("s").exists());
}
