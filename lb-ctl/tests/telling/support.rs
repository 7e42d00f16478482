//! Events to tell of, and certificates.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use lb_common::key::Protocol;
use lb_ctl::config::model::Endpoint;
use lb_ctl::event::{Event, EventKind, Happening, ServiceName};
use rcgen::{CertificateParams, IsCa, Issuer, KeyPair};

/// A real that went down.
pub(crate) fn down(seq: u64, last: u8) -> Arc<Event> {
    let address = [192, 0, 2, 10].into();
    let endpoint = Endpoint { protocol: Protocol::Tcp, address, port: 80.into() };
    let what = Happening {
        service: Some(ServiceName { endpoint, name: None }),
        real: Some(IpAddr::from([192, 0, 2, last])),
        ..Happening::new(EventKind::RealDown, "connect timed out after 3 s")
    };
    Arc::new(Event { seq, at: UNIX_EPOCH, what })
}

/// Files of an authority's certificate, and of a certificate of its for `localhost` and its key.
pub(crate) struct Papers {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Papers {
    pub(crate) fn make(folder: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            path
        };
        Self {
            authority: write("authority.pem", authority.pem()),
            certificate: write("certificate.pem", certificate.pem()),
            key: write("key.pem", key.serialize_pem()),
        }
    }
}
