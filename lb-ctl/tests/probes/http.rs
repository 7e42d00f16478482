//! Checks by HTTP of nginx.

use std::path::Path;
use std::process::Command;

use lb_ctl::config::check::{Body, Http, Probe, StatusRange};

use super::bed::{Bed, REAL4, REALS, at, passes, words};
use super::nginx::{HTTP, Nginx};

fn get(path: &str, status: &[(u16, u16)], body: Body) -> Probe {
    let status = status.iter().map(|&(first, last)| StatusRange { first, last }).collect();
    Probe::Http(Http { path: path.to_owned(), status, body, ..Http::default() })
}

fn regex(path: &str, text: &str) -> Probe {
    get(path, &[], Body::Regex(text.to_owned()))
}

/// What coreutils make of a file.
fn digest<const N: usize>(program: &str, file: &Path) -> [u8; N] {
    let output = Command::new(program).arg(file).output().unwrap().stdout;
    let hex = String::from_utf8(output).unwrap();
    std::array::from_fn(|place| u8::from_str_radix(&hex[place * 2..place * 2 + 2], 16).unwrap())
}

#[test]
fn the_status_decides() {
    let bed = Bed::new();
    let _nginx = Nginx::start(&bed);
    bed.run(async || {
        for real in REALS {
            passes(get("/page", &[], Body::Any), at(real, HTTP)).await;
        }
        let real = at(REAL4, HTTP);
        passes(get("/status/204", &[], Body::Any), real).await;
        passes(get("/status/503", &[(200, 200), (500, 599)], Body::Any), real).await;
        // Redirects are not followed.
        passes(get("/status/301", &[(301, 301)], Body::Any), real).await;
        for (path, expected, said) in [
            ("/status/503", vec![], "status 503, expected 200-299"),
            ("/status/503", vec![(200, 200)], "status 503, expected 200"),
            ("/status/301", vec![], "status 301, expected 200-299"),
            ("/nothing", vec![(200, 204), (301, 301)], "status 404, expected 200-204, 301"),
        ] {
            assert_eq!(words(get(path, &expected, Body::Any), real).await, said);
        }
    });
}

#[test]
fn the_body_is_what_it_should_be() {
    let bed = Bed::new();
    let nginx = Nginx::start(&bed);
    let sha256 = digest("sha256sum", &nginx.page());
    let md5 = digest("md5sum", &nginx.page());
    bed.run(async || {
        let real = at(REAL4, HTTP);
        passes(get("/page", &[], Body::Sha256(sha256)), real).await;
        passes(get("/page", &[], Body::Md5(md5)), real).await;
        passes(regex("/page", "^All is w.ll"), real).await;
        let said = words(get("/told", &[], Body::Sha256(sha256)), real).await;
        assert!(said.starts_with("body digest is ") && said.contains(", expected "), "{said}");
        let said = words(get("/page", &[], Body::Md5([0xab; 16])), real).await;
        assert!(said.ends_with(&format!(", expected {}", "ab".repeat(16))), "{said}");
        let said = words(regex("/page", "ill"), real).await;
        assert_eq!(said, "body (13 bytes) does not match ill");
    });
}

#[test]
fn a_long_body_is_read_only_where_it_matters_and_not_to_its_end() {
    let bed = Bed::new();
    let _nginx = Nginx::start(&bed);
    bed.run(async || {
        let real = at(REAL4, HTTP);
        passes(get("/large", &[], Body::Any), real).await;
        for body in [Body::Regex("x".to_owned()), Body::Sha256([0; 32]), Body::Md5([0; 16])] {
            let said = words(get("/large", &[], body), real).await;
            assert_eq!(said, "body is longer than 1048576 bytes");
        }
    });
}

#[test]
fn the_request_says_who_asks_and_whom() {
    let bed = Bed::new();
    let _nginx = Nginx::start(&bed);
    bed.run(async || {
        let real = at(REAL4, HTTP);
        passes(regex("/told", r"^GET 192\.0\.2\.10:8080 lb-ctl/[0-9.]+ close\n$"), real).await;
        let host = Some("www.example".to_owned());
        let body = Body::Regex("^GET www.example lb-ctl".to_owned());
        let http = Http { path: "/told?x=1".to_owned(), host, body, ..Http::default() };
        passes(Probe::Http(http), real).await;
    });
}

#[test]
fn a_check_may_come_from_an_address_and_go_to_another_port() {
    let bed = Bed::new();
    let _nginx = Nginx::start(&bed);
    bed.run(async || {
        let mut check = super::bed::check(get("/page", &[], Body::Any), super::bed::LONG);
        let target = lb_ctl::health::driver::Target { real: REAL4, mark: None };
        let refused = super::bed::prober(&check, 80).probe(&target).await;
        assert_eq!(refused.unwrap_err().to_string(), "connection refused");
        check.port = Some(HTTP);
        check.bind = Some("127.0.0.5".parse().unwrap());
        assert_eq!(super::bed::prober(&check, 80).probe(&target).await, Ok(()));
        check.bind = Some("198.51.100.1".parse().unwrap());
        let foreign = super::bed::prober(&check, 80).probe(&target).await.unwrap_err();
        assert_eq!(foreign.kind().name(), "system");
        assert!(foreign.to_string().contains("\"bind\""), "{foreign}");
    });
}
