//! Checks by SMTP of aiosmtpd, and of servers from before EHLO.

use std::net::SocketAddr;
use std::time::Duration;

use lb_ctl::config::check::{Probe, Smtp};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::bed::{Bed, REAL4, REALS, at, late, passes, words};

fn greeting() -> Probe {
    Probe::Smtp(Smtp { helo: Some("lb.example".to_owned()) })
}

#[test]
fn a_mail_server_greets() {
    let bed = Bed::new();
    let servers = REALS.map(|real| {
        let mut command = bed.namespace.command("aiosmtpd");
        command.args(["--nosetuid", "--class", "aiosmtpd.handlers.Sink", "--listen"]);
        bed.serve(command.arg(format!("{real}:25")), &[at(real, 25)])
    });
    bed.run(async || {
        for real in REALS {
            passes(greeting(), at(real, 25)).await;
            passes(Probe::Smtp(Smtp::default()), at(real, 25)).await;
        }
    });
    drop(servers);
}

/// A server that greets with `greeting` and answers each command as `answers` says; the commands.
async fn server(
    greeting: &'static str,
    answers: impl Fn(&str) -> &'static str + Send + 'static,
) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind(at(REAL4, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.write_all(greeting.as_bytes()).await.unwrap();
        let mut line = String::new();
        while matches!(stream.read_line(&mut line).await, Ok(1..)) {
            let command = line.trim_end().to_owned();
            line.clear();
            let answer = answers(&command);
            let _ = tell.send(command);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, told)
}

#[test]
fn the_dialogue_ends_politely() {
    let bed = Bed::new();
    bed.run(async || {
        let answers = |command: &str| match command {
            "QUIT" => "221 bye\r\n",
            _ => "250-mail.example\r\n250-SIZE 1000\r\n250 HELP\r\n",
        };
        let (address, mut told) = server("220-mail\r\n220 ready\r\n", answers).await;
        passes(greeting(), address).await;
        for expected in ["EHLO lb.example", "QUIT"] {
            assert_eq!(told.recv().await.unwrap(), expected);
        }
        assert_eq!(told.recv().await, None);
    });
}

#[test]
fn a_server_that_does_not_know_ehlo_is_asked_by_helo() {
    let bed = Bed::new();
    bed.run(async || {
        let answers = |command: &str| match &command[..4] {
            "EHLO" => "502 unknown command\r\n",
            _ => "250 hello\r\n",
        };
        let (address, mut told) = server("220 old\r\n", answers).await;
        passes(greeting(), address).await;
        for expected in ["EHLO lb.example", "HELO lb.example", "QUIT"] {
            assert_eq!(told.recv().await.unwrap(), expected);
        }
    });
}

#[test]
fn a_reply_is_awaited_no_longer_for_its_many_lines() {
    let bed = Bed::new();
    bed.run(async || {
        let listener = TcpListener::bind(at(REAL4, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            // The probe's end is the end of this.
            while stream.write_all(b"220-and\r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert_eq!(late(greeting(), address).await, "no greeting within 300 ms");
    });
}

#[test]
fn a_server_that_refuses_is_quoted() {
    let bed = Bed::new();
    bed.run(async || {
        let (address, _) = server("554 no \x1b[31mservice\r\n", |_| "").await;
        assert_eq!(words(greeting(), address).await, "greeting is 554 no ?[31mservice");
        let (address, _) = server("220 ready\r\n", |_| "421 too busy\r\n").await;
        assert_eq!(words(greeting(), address).await, "answer to EHLO is 421 too busy");
        let (address, _) = server("220 ready\r\n", |_| "550 go away\r\n").await;
        assert_eq!(words(greeting(), address).await, "answer to HELO is 550 go away");
    });
}
