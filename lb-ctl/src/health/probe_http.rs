//! A GET by HTTP/1.1 (RFC 9112), over TLS or not.

use std::convert::Infallible;
use std::future::pending;
use std::net::IpAddr;

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::deadline::Deadline;
use super::failure::Failure;
use super::probe::{ProberError, host_of};
use super::probe_http_body::Judge;
use super::socket::Dial;
use super::tls::TlsClient;
use super::words::Words;
use crate::config::check::{Http, StatusRange};

/// What stands in logs of the reals.
const AGENT: &str = concat!("lb-ctl/", env!("CARGO_PKG_VERSION"));
/// Status line and header section are not longer, in bytes.
const LONGEST_HEAD: usize = 32 * 1024;
/// What is good where the check does not say (RFC 9110, section 15.3).
const SUCCESSFUL: StatusRange = StatusRange { first: 200, last: 299 };

/// A GET, prepared.
pub(super) struct HttpProbe {
    path: Uri,
    host: HeaderValue,
    status: Vec<StatusRange>,
    judge: Judge,
    tls: Option<TlsClient>,
}

impl HttpProbe {
    /// Prepared once for all probes.
    ///
    /// # Errors
    /// What of the check cannot be used.
    pub(super) fn new(http: &Http, vip: IpAddr, port: u16) -> Result<Self, ProberError> {
        let no_path = || ProberError::Path { path: http.path.clone() };
        let path: Uri = http.path.parse().map_err(|_| no_path())?;
        if path.scheme().is_some() || !http.path.starts_with('/') {
            return Err(no_path());
        }
        let usual = if http.tls.is_some() { 443 } else { 80 };
        let host = http.host.clone().unwrap_or_else(|| host_of(vip, port, usual));
        let tls = http.tls.as_ref();
        let tls = tls.map(|tls| TlsClient::new(tls, http.host.as_deref(), vip, &["http/1.1"]));
        Ok(Self {
            path,
            host: HeaderValue::from_str(&host).map_err(|_| ProberError::Host { host })?,
            status: if http.status.is_empty() { vec![SUCCESSFUL] } else { http.status.clone() },
            judge: Judge::new(&http.body)?,
            tls: tls.transpose()?,
        })
    }

    pub(super) async fn probe(&self, dial: &Dial, deadline: &Deadline) -> Result<(), Failure> {
        let stream = deadline.connect(dial).await?;
        match &self.tls {
            None => self.exchange(stream, deadline).await,
            Some(tls) => self.exchange(tls.wrap(stream, deadline).await?, deadline).await,
        }
    }

    /// The connection is driven here, not by a task, so nothing is left when this is dropped.
    async fn exchange<S>(&self, stream: S, deadline: &Deadline) -> Result<(), Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let (mut sender, connection) = http1::Builder::new()
            .max_header_size(LONGEST_HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failure(&error))?;
        let ask = async {
            let answer = sender.send_request(self.request());
            let answer = deadline.within("response head", answer).await?;
            self.judge(answer.map_err(|error| failure(&error))?, deadline).await
        };
        tokio::select! {
            result = ask => result,
            never = drive(connection) => match never {},
        }
    }

    fn request(&self) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.path.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        request
    }

    async fn judge(
        &self,
        response: Response<Incoming>,
        deadline: &Deadline,
    ) -> Result<(), Failure> {
        let got = response.status().as_u16();
        if !self.status.iter().any(|range| (range.first..=range.last).contains(&got)) {
            let expected = ranges(&self.status);
            return Err(Failure::Status(Words::new(format_args!(
                "status {got}, expected {expected}"
            ))));
        }
        self.judge.read(response.into_body(), deadline).await
    }
}

/// Drives a connection. Its errors are told to who waits for the answer, so it never ends.
async fn drive<F>(connection: F) -> Infallible
where
    F: Future<Output = hyper::Result<()>>,
{
    let _ = connection.await;
    pending().await
}

/// What hyper says, in words.
pub(super) fn failure(error: &hyper::Error) -> Failure {
    if error.is_parse_too_large() {
        return Failure::Protocol(Words::new("HTTP: the response head is too large"));
    }
    Failure::of_protocol("HTTP", error)
}

fn ranges(ranges: &[StatusRange]) -> String {
    let one = |range: &StatusRange| match range {
        StatusRange { first, last } if first == last => first.to_string(),
        StatusRange { first, last } => format!("{first}-{last}"),
    };
    ranges.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check::{Body, Tls};

    const VIP: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    #[test]
    fn the_host_is_the_vip_unless_it_is_said() {
        let tls = Some(Tls::default());
        for (host, tls, port, expected) in [
            (None, None, 80, "[::1]"),
            (None, None, 443, "[::1]:443"),
            (None, tls.clone(), 443, "[::1]"),
            (None, tls.clone(), 80, "[::1]:80"),
            (Some("www.example"), tls, 8443, "www.example"),
        ] {
            let http = Http { host: host.map(str::to_owned), tls, ..Http::default() };
            let probe = HttpProbe::new(&http, VIP, port).unwrap();
            assert_eq!(probe.request().headers()[HOST], expected);
        }
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused() {
        let refused = |http: Http| HttpProbe::new(&http, VIP, 80).err().unwrap().to_string();
        for path in ["", "health", "http://else.example/", "/a b", "*"] {
            let message = refused(Http { path: path.to_owned(), ..Http::default() });
            assert!(message.contains("\"path\""), "{message}");
        }
        let message = refused(Http { host: Some("a\r\nb".to_owned()), ..Http::default() });
        assert!(message.contains("\"host\""), "{message}");
        let message = refused(Http { body: Body::Regex("(".to_owned()), ..Http::default() });
        assert!(message.contains("regular expression"), "{message}");
    }

    #[test]
    fn statuses_are_listed() {
        let list = [SUCCESSFUL, StatusRange { first: 301, last: 301 }];
        assert_eq!(ranges(&list), "200-299, 301");
    }
}
