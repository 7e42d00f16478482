//! The client's side of TLS, for those who are told by HTTPS.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::authorities;

/// A client's side of TLS that trusts the authorities of a PEM file, or those of the system.
///
/// # Errors
/// There are none, or they cannot be read.
pub(super) fn client(ca: Option<&Path>) -> Result<ClientConfig, String> {
    let roots = authorities::roots(ca).map_err(|error| error.to_string())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("cannot set TLS up: {error}"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
