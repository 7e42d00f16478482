//! TLS of probes: names, authorities and certificates.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, InvalidMessage, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::deadline::Deadline;
use super::failure::Failure;
use super::words::Words;
use crate::authorities::{self, AuthoritiesError};
use crate::config::check::Tls;

/// Why there can be no TLS with a real.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum TlsError {
    /// No authorities.
    #[error("{0}: see \"ca\" of the check, or set \"verify\" to false")]
    Authorities(#[from] AuthoritiesError),
    /// Not a name that a certificate can have.
    #[error("{name:?} is not a host name: see \"sni\" of the check")]
    Name { name: String },
    /// The library refuses.
    #[error("cannot prepare TLS: {0}")]
    Library(#[from] rustls::Error),
}

/// The client's side of TLS with the reals of one check.
pub(super) struct TlsClient {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl TlsClient {
    /// Prepared once for all probes. Where the check has no name, `host` is it, where that is one,
    /// and otherwise the VIP, which is verified but not sent (RFC 6066, section 3).
    ///
    /// # Errors
    /// [`TlsError`].
    pub(super) fn new(
        tls: &Tls,
        host: Option<&str>,
        vip: IpAddr,
        protocols: &[&str],
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = if tls.verify {
            let roots = authorities::roots(tls.ca.as_deref())?;
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
                .build()
                .map_err(|error| rustls::Error::General(error.to_string()))?
        } else {
            Arc::new(AnyCertificate(Arc::clone(&provider)))
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        // A resumed session shows no certificate: one that has expired meanwhile would go unseen.
        config.resumption = rustls::client::Resumption::disabled();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = server_name(tls.sni.as_deref(), host, vip)?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Shakes hands over a connection.
    ///
    /// # Errors
    /// The time is over, or TLS or the certificate does not hold.
    pub(super) async fn wrap(
        &self,
        stream: TcpStream,
        deadline: &Deadline,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let handshake = self.connector.connect(self.name.clone(), stream);
        let shaken = deadline.within("TLS handshake", handshake).await?;
        shaken.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Failure::Tls(Words::new("connection closed during the handshake"))
            }
            _ => Failure::of_io(&error),
        })
    }
}

/// What TLS says, in words.
pub(super) fn failure(error: &rustls::Error) -> Failure {
    match error {
        rustls::Error::InvalidCertificate(error) => Failure::Certificate(certificate(error)),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            Failure::Tls(Words::new("what it answers is no TLS"))
        }
        error => Failure::Tls(Words::new(error)),
    }
}

fn certificate(error: &CertificateError) -> Words {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Words::new("expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Words::new("not valid yet")
        }
        CertificateError::UnknownIssuer => Words::new("signed by an unknown authority"),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let (expected, presented) = (expected.to_str(), presented.join(", "));
            Words::new(format_args!("not for {expected}, but for {presented}"))
        }
        error => Words::new(error),
    }
}

fn server_name(
    sni: Option<&str>,
    host: Option<&str>,
    vip: IpAddr,
) -> Result<ServerName<'static>, TlsError> {
    if let Some(name) = sni {
        let no_name = |_| TlsError::Name { name: name.to_owned() };
        return ServerName::try_from(name.to_owned()).map_err(no_name);
    }
    let name = host.and_then(|host| {
        // A `Host` header may have a port.
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        ServerName::try_from(name.to_owned()).ok()
    });
    Ok(match name {
        Some(name @ ServerName::DnsName(_)) => name,
        _ => ServerName::IpAddress(vip.into()),
    })
}

/// Takes any certificate, for checks that are not to verify it.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const VIP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 10));

    #[test]
    fn the_name_is_the_sni_or_the_host_or_the_vip() {
        let name = |sni, host| server_name(sni, host, VIP).unwrap().to_str().into_owned();
        assert_eq!(name(Some("a.example"), Some("b.example")), "a.example");
        assert_eq!(name(None, Some("b.example")), "b.example");
        assert_eq!(name(None, Some("b.example:8443")), "b.example");
        assert_eq!(name(None, Some("192.0.2.99")), "192.0.2.10");
        assert_eq!(name(None, Some("[2001:db8::1]:443")), "192.0.2.10");
        assert_eq!(name(None, None), "192.0.2.10");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let tls = |sni: Option<&str>, ca: Option<&str>| {
            let ca = ca.map(PathBuf::from);
            let tls = Tls { sni: sni.map(str::to_owned), verify: true, ca };
            TlsClient::new(&tls, None, VIP, &[]).err().unwrap().to_string()
        };
        assert!(tls(None, Some("/nowhere.pem")).contains("/nowhere.pem"));
        assert!(tls(None, Some("/dev/null")).contains("no certificate"));
        let broken = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            .unwrap();
        let path = broken.path().to_str().unwrap();
        assert!(tls(None, Some(path)).contains("cannot be an authority"));
        let unverified = Tls { sni: Some("no name".to_owned()), verify: false, ca: None };
        let error = TlsClient::new(&unverified, None, VIP, &[]).err().unwrap();
        assert!(error.to_string().contains("\"no name\""), "{error}");
    }
}
