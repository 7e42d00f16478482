//! A question of the gRPC health checking protocol, over HTTP/2, with TLS or not.

use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::client::conn::http2;
use hyper::rt::Executor;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::deadline::Deadline;
use super::failure::Failure;
use super::probe::{ProberError, host_of};
use super::socket::Dial;
use super::tls::TlsClient;
use super::words::Words;
use crate::config::check::Grpc;

/// An answer is not longer, in bytes: it is one number.
const LONGEST_ANSWER: usize = 4096;
/// A header section is not longer, in bytes.
const LONGEST_HEAD: u32 = 16 * 1024;

/// A question, prepared.
pub(super) struct GrpcProbe {
    service: String,
    origin: Uri,
    tls: Option<TlsClient>,
}

impl GrpcProbe {
    /// Prepared once for all probes.
    ///
    /// # Errors
    /// What of the check cannot be used.
    pub(super) fn new(grpc: &Grpc, vip: IpAddr, port: u16) -> Result<Self, ProberError> {
        let tls = grpc.tls.as_ref().map(|tls| TlsClient::new(tls, None, vip, &["h2"]));
        let (scheme, usual) = if tls.is_some() { ("https", 443) } else { ("http", 80) };
        let name = grpc.tls.as_ref().and_then(|tls| tls.sni.clone());
        let host = name.unwrap_or_else(|| host_of(vip, port, usual));
        let origin = format!("{scheme}://{host}");
        let origin = origin.parse().map_err(|_| ProberError::Host { host })?;
        Ok(Self { service: grpc.service.clone(), origin, tls: tls.transpose()? })
    }

    pub(super) async fn probe(&self, dial: &Dial, deadline: &Deadline) -> Result<(), Failure> {
        let stream = deadline.connect(dial).await?;
        match &self.tls {
            None => self.exchange(stream, deadline).await,
            Some(tls) => self.exchange(tls.wrap(stream, deadline).await?, deadline).await,
        }
    }

    async fn exchange<S>(&self, stream: S, deadline: &Deadline) -> Result<(), Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let tasks = Tasks::default();
        let _end = End(&tasks);
        let connection = http2::Builder::new(tasks.clone())
            .max_header_list_size(LONGEST_HEAD)
            .handshake(TokioIo::new(stream));
        let connection = deadline.within("HTTP/2 handshake", connection).await?;
        let (sender, connection) =
            connection.map_err(|error| Failure::of_protocol("HTTP/2", &error))?;
        // Its errors are told to who waits for the answer.
        tasks.execute(async { drop(connection.await) });
        let sender = tower::service_fn(move |request: Request<Body>| {
            let mut sender = sender.clone();
            async move { sender.send_request(request).await }
        });
        let mut client = HealthClient::with_origin(sender, self.origin.clone())
            .max_decoding_message_size(LONGEST_ANSWER);
        let question = HealthCheckRequest { service: self.service.clone() };
        let answer = deadline.within("answer", client.check(question)).await?;
        let answer = answer.map_err(|status| self.refusal(&status))?;
        self.judge(answer.into_inner().status())
    }

    fn judge(&self, got: ServingStatus) -> Result<(), Failure> {
        if got == ServingStatus::Serving {
            return Ok(());
        }
        let (got, whose) = (got.as_str_name(), self.whose());
        Err(Failure::Status(Words::new(format_args!("{whose} is {got}, expected SERVING"))))
    }

    /// What it means that there is no answer of the protocol.
    fn refusal(&self, status: &Status) -> Failure {
        if let Some(error) = std::error::Error::source(status) {
            return Failure::of_protocol("gRPC", error);
        }
        let whose = self.whose();
        Failure::Status(Words::new(match status.code() {
            // How the protocol says so.
            Code::NotFound => format!("the server knows no health of {whose} (NOT_FOUND)"),
            Code::Unimplemented => {
                "the server does not have grpc.health.v1.Health (UNIMPLEMENTED)".to_owned()
            }
            code => format!("gRPC status {code:?}: {}", status.message()),
        }))
    }

    fn whose(&self) -> String {
        match self.service.as_str() {
            "" => "the server".to_owned(),
            service => format!("service {service}"),
        }
    }
}

/// Runs what hyper wants to run beside a request.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<AbortHandle>>>);

impl<F> Executor<F> for Tasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.lock().push(tokio::spawn(future).abort_handle());
    }
}

impl Tasks {
    /// A panic elsewhere leaves nothing half done here.
    fn lock(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a request, and of all that runs beside it. The tasks themselves hold the list, so it
/// would not end with its last owner.
struct End<'a>(&'a Tasks);

impl Drop for End<'_> {
    fn drop(&mut self) {
        for task in self.0.lock().drain(..) {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check::Tls;

    const VIP: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    fn probe(service: &str, tls: Option<Tls>) -> GrpcProbe {
        let grpc = Grpc { service: service.to_owned(), tls };
        GrpcProbe::new(&grpc, VIP, 50051).unwrap()
    }

    #[test]
    fn the_origin_is_the_name_or_the_vip() {
        assert_eq!(probe("", None).origin, "http://[::1]:50051/");
        let tls = |sni: Option<&str>| Some(Tls { sni: sni.map(str::to_owned), ..Tls::default() });
        assert_eq!(probe("", tls(None)).origin, "https://[::1]:50051/");
        assert_eq!(probe("", tls(Some("a.example"))).origin, "https://a.example/");
    }

    #[test]
    fn states_and_statuses_are_words() {
        let words = probe("", None).judge(ServingStatus::NotServing).unwrap_err().to_string();
        assert_eq!(words, "the server is NOT_SERVING, expected SERVING");
        let words = |status| probe("a.B", None).refusal(&status).to_string();
        assert!(words(Status::not_found("x")).contains("no health of service a.B"));
        assert!(words(Status::unimplemented("x")).contains("grpc.health.v1.Health"));
        assert_eq!(words(Status::internal("b\x07")), "gRPC status Internal: b?");
    }

    #[tokio::test]
    async fn what_runs_beside_a_request_ends_with_it() {
        let tasks = Tasks::default();
        let held = Arc::downgrade(&tasks.0);
        let end = End(&tasks);
        let owner = tasks.clone();
        tasks.execute(async move {
            let _owner = owner;
            std::future::pending::<()>().await;
        });
        drop(end);
        drop(tasks);
        while held.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
