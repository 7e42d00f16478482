//! Checks by HTTPS of nginx: what is verified, and what is not.

use std::path::PathBuf;

use lb_ctl::config::check::{Body, Http, Probe, Tls};

use super::bed::{Bed, REAL4, REALS, at, passes, words};
use super::certificates::Authority;
use super::nginx::{EXPIRED, HTTP, HTTPS, NAME, Nginx};

fn verified(ca: PathBuf, sni: Option<&str>) -> Tls {
    Tls { sni: sni.map(str::to_owned), verify: true, ca: Some(ca) }
}

fn get(tls: Tls, host: Option<&str>, body: &str) -> Probe {
    let host = host.map(str::to_owned);
    let body = Body::Regex(body.to_owned());
    Probe::Http(Http { host, body, tls: Some(tls), ..Http::default() })
}

#[test]
fn a_certificate_that_holds_passes() {
    let bed = Bed::new();
    let nginx = Nginx::start(&bed);
    bed.run(async || {
        let ca = || nginx.authority.file();
        for real in REALS {
            let real = at(real, HTTPS);
            let said = r"^TLSv1\.[23] www\.example\.\n$";
            passes(get(verified(ca(), Some(NAME)), None, said), real).await;
            passes(get(verified(ca(), None), Some(NAME), said), real).await;
            passes(get(verified(ca(), None), Some("www.example:8443"), said), real).await;
            // The VIP is verified, and no name is sent.
            passes(get(verified(ca(), None), None, r"^TLSv1\.[23] \.\n$"), real).await;
        }
    });
}

#[test]
fn one_that_does_not_fails_in_words() {
    let bed = Bed::new();
    let nginx = Nginx::start(&bed);
    bed.run(async || {
        let (good, expired) = (at(REAL4, HTTPS), at(REAL4, EXPIRED));
        let ca = || nginx.authority.file();
        let said = words(get(verified(ca(), Some("else.example")), None, ""), good).await;
        assert!(said.starts_with("certificate: not for else.example, but for "), "{said}");
        let said = words(get(verified(ca(), Some("expired.example")), None, ""), expired).await;
        assert_eq!(said, "certificate: expired");
        let stranger = Authority::new();
        let said = words(get(verified(stranger.file(), Some(NAME)), None, ""), good).await;
        assert!(said.starts_with("certificate: "), "{said}");
        // Once more: no session is resumed without its certificate.
        passes(get(verified(ca(), Some(NAME)), None, ""), good).await;
        let said = words(get(verified(ca(), Some("else.example")), None, ""), good).await;
        assert!(said.starts_with("certificate: "), "{said}");
    });
}

#[test]
fn without_verification_any_certificate_passes_but_not_none() {
    let bed = Bed::new();
    let _nginx = Nginx::start(&bed);
    bed.run(async || {
        passes(get(Tls::default(), Some("else.example"), ""), at(REAL4, HTTPS)).await;
        passes(get(Tls::default(), None, "late"), at(REAL4, EXPIRED)).await;
        let said = words(get(Tls::default(), None, ""), at(REAL4, HTTP)).await;
        assert_eq!(said, "TLS: what it answers is no TLS");
    });
}

#[test]
fn the_systems_authorities_do_not_know_ours() {
    let bed = Bed::new();
    let _nginx = Nginx::start(&bed);
    bed.run(async || {
        let system = Tls { sni: Some(NAME.to_owned()), verify: true, ca: None };
        let said = words(get(system, None, ""), at(REAL4, HTTPS)).await;
        assert_eq!(said, "certificate: signed by an unknown authority");
    });
}
