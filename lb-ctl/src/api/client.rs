//! The other end of the socket, one typed method a request.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::net::UnixStream;

use self::packets::Packets;
use super::wire;
use crate::command::{OnHandEdit, Wanted};
use crate::config::model::Endpoint;

pub mod packets;

/// How long a daemon may take to answer; a definition of ten thousand services takes seconds.
const PATIENCE: Duration = Duration::from_mins(2);

/// Why there is no good answer.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ClientError {
    /// No daemon can be spoken to.
    #[error("the daemon is not reachable: {reason}; {remedy}")]
    Unreachable {
        /// What stands in the way, naming the socket.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The daemon answered that it did not do it.
    #[error("{}", .0.message)]
    Answered(wire::Error),
    /// The daemon did not answer in time, or not in words that can be understood.
    #[error("{0}")]
    NoAnswer(String),
}

/// Speaks to the daemon behind one socket, with a new connection for each request.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
    patience: Duration,
}

type Answer<T> = Result<T, ClientError>;

impl Client {
    /// A client of the daemon that listens on `socket`.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), patience: PATIENCE }
    }

    /// The same, waiting at most `patience` for an answer.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The state of the daemon.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; so for every method.
    pub async fn status(&self) -> Answer<wire::Status> {
        self.get("/v1/status".to_owned()).await
    }

    /// Services and reals.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service.
    pub async fn list(&self, only: Option<Endpoint>) -> Answer<wire::List> {
        self.get(format!("/v1/services{}", filter(only))).await
    }

    /// The tracked connections.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service.
    pub async fn connections(&self, only: Option<Endpoint>) -> Answer<wire::Connections> {
        self.get(format!("/v1/connections{}", filter(only))).await
    }

    /// The definitions as they run: the text of a definition file.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn definition(&self) -> Answer<String> {
        let body = self.call(Method::GET, "/v1/definition".to_owned(), Bytes::new()).await?;
        String::from_utf8(body.into()).map_err(|_| self.strange("text that is not UTF-8"))
    }

    /// Adds a service without reals.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::Exists`] if it is there already.
    pub async fn add_service(
        &self,
        service: &wire::NewService,
        on_hand_edit: OnHandEdit,
    ) -> Answer<wire::Changes> {
        self.send(Method::POST, forced("/v1/services", on_hand_edit), service).await
    }

    /// Changes a service.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service.
    pub async fn edit_service(
        &self,
        endpoint: Endpoint,
        edit: &wire::ServiceEdit,
        on_hand_edit: OnHandEdit,
    ) -> Answer<wire::Changes> {
        self.send(Method::PATCH, forced(&service_path(endpoint), on_hand_edit), edit).await
    }

    /// Deletes a service and its reals.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service.
    pub async fn delete_service(
        &self,
        endpoint: Endpoint,
        on_hand_edit: OnHandEdit,
    ) -> Answer<wire::Changes> {
        self.act(Method::DELETE, forced(&service_path(endpoint), on_hand_edit)).await
    }

    /// Adds a real to a service.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service, [`wire::ErrorKind::Exists`] if
    /// the real is there already.
    pub async fn add_real(
        &self,
        endpoint: Endpoint,
        real: &wire::NewReal,
        on_hand_edit: OnHandEdit,
    ) -> Answer<wire::Changes> {
        let path = format!("{}/reals", service_path(endpoint));
        self.send(Method::POST, forced(&path, on_hand_edit), real).await
    }

    /// Changes a real's weight, or drains it, or puts it back.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service or real.
    pub async fn edit_real(
        &self,
        endpoint: Endpoint,
        address: IpAddr,
        edit: &wire::RealEdit,
        on_hand_edit: OnHandEdit,
    ) -> Answer<wire::Changes> {
        let path = real_path(endpoint, address);
        self.send(Method::PATCH, forced(&path, on_hand_edit), edit).await
    }

    /// Deletes a real from a service.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service or real.
    pub async fn delete_real(
        &self,
        endpoint: Endpoint,
        address: IpAddr,
        on_hand_edit: OnHandEdit,
    ) -> Answer<wire::Changes> {
        self.act(Method::DELETE, forced(&real_path(endpoint, address), on_hand_edit)).await
    }

    /// Replaces all definitions by those of a definition file's text.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::Refused`] with line, column and path.
    pub async fn apply(&self, text: String, on_hand_edit: OnHandEdit) -> Answer<wire::Changes> {
        self.document(Method::PUT, forced("/v1/definition", on_hand_edit), text).await
    }

    /// What [`Client::apply`] would change.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn diff(&self, text: String) -> Answer<wire::Changes> {
        self.document(Method::POST, "/v1/definition/diff".to_owned(), text).await
    }

    /// Lets the daemon read its definition file again.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::Refused`] with line, column and path.
    pub async fn reload(&self) -> Answer<wire::Changes> {
        self.act(Method::POST, "/v1/reload".to_owned()).await
    }

    /// Deletes every service.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn clear(&self, on_hand_edit: OnHandEdit) -> Answer<wire::Changes> {
        self.act(Method::POST, forced("/v1/clear", on_hand_edit)).await
    }

    /// Sets all counters to zero.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn zero(&self) -> Answer<wire::Changes> {
        self.act(Method::POST, "/v1/zero".to_owned()).await
    }

    /// Traces packets, for as long as the answer is kept.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service, [`wire::ErrorKind::Failed`] while
    /// another trace runs.
    pub async fn trace(&self, wanted: &Wanted) -> Answer<Packets> {
        let response = self.begin(Method::GET, trace_path(wanted), Bytes::new()).await?;
        Ok(Packets::new(self.clone(), response))
    }

    async fn get<T: DeserializeOwned>(&self, path: String) -> Answer<T> {
        self.act(Method::GET, path).await
    }

    async fn act<T: DeserializeOwned>(&self, method: Method, path: String) -> Answer<T> {
        self.decode(&self.call(method, path, Bytes::new()).await?)
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: String,
        body: &(impl Serialize + Sync),
    ) -> Answer<T> {
        let body = serde_json::to_vec(body).expect("wire types are plain data");
        self.decode(&self.call(method, path, body.into()).await?)
    }

    async fn document(&self, method: Method, path: String, text: String) -> Answer<wire::Changes> {
        self.decode(&self.call(method, path, text.into()).await?)
    }

    fn decode<T: DeserializeOwned>(&self, body: &[u8]) -> Answer<T> {
        serde_json::from_slice(body).map_err(|error| self.strange(&error.to_string()))
    }

    fn strange(&self, what: &str) -> ClientError {
        let socket = self.socket.display();
        ClientError::NoAnswer(format!(
            "what listens on {socket} does not answer as an lb-ctl daemon of this version does: \
             {what}"
        ))
    }

    fn lost(&self, how: &str) -> ClientError {
        ClientError::NoAnswer(format!(
            "the daemon on {} {how}; whether it did what was asked is not known: see lb-ctl list",
            self.socket.display(),
        ))
    }

    async fn call(&self, method: Method, path: String, body: Bytes) -> Answer<Bytes> {
        let answer = async {
            let response = self.begin(method, path, body).await?;
            self.rest(response).await
        };
        let answer = tokio::time::timeout(self.patience, answer);
        answer.await.unwrap_or_else(|_| Err(self.late()))
    }

    /// Asks, and waits for an answer's head that says that it is done.
    async fn begin(&self, method: Method, path: String, body: Bytes) -> Answer<Response<Incoming>> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|error| unreachable(&self.socket, &error))?;
        let answer = tokio::time::timeout(self.patience, ask(stream, method, path, body));
        let response = match answer.await {
            Ok(answer) => answer.map_err(|error| self.broken(&error))?,
            Err(_) => return Err(self.late()),
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let error: wire::Error = serde_json::from_slice(&self.rest(response).await?)
            .map_err(|_| self.strange(&format!("HTTP status {status}")))?;
        Err(match status {
            StatusCode::FORBIDDEN => forbidden(&self.socket),
            _ => ClientError::Answered(error),
        })
    }

    async fn rest(&self, response: Response<Incoming>) -> Answer<Bytes> {
        let body = response.into_body().collect().await;
        Ok(body.map_err(|error| self.broken(&error))?.to_bytes())
    }

    fn broken(&self, error: &hyper::Error) -> ClientError {
        if error.is_parse() {
            return self.strange(&error.to_string());
        }
        self.lost(&format!("broke off before it answered ({error})"))
    }

    fn broke_off(&self, error: &hyper::Error) -> ClientError {
        let socket = self.socket.display();
        ClientError::NoAnswer(format!("the daemon on {socket} broke off ({error}); is it running?"))
    }

    fn late(&self) -> ClientError {
        let limit = self.patience.as_secs_f32();
        self.lost(&format!("did not answer within {limit} s"))
    }
}

async fn ask(
    stream: UnixStream,
    method: Method,
    path: String,
    body: Bytes,
) -> Result<Response<Incoming>, hyper::Error> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .expect("paths are made of literals, addresses and numbers");
    // The connection does the work, and ends with the sender and the answer's body; its own error
    // is what the answer fails with.
    tokio::spawn(connection);
    sender.send_request(request).await
}

fn unreachable(socket: &Path, error: &io::Error) -> ClientError {
    let socket_name = socket.display();
    let reason = match error.kind() {
        io::ErrorKind::NotFound => format!("there is no socket {socket_name}"),
        io::ErrorKind::ConnectionRefused => format!("nobody listens on {socket_name}"),
        io::ErrorKind::PermissionDenied => return forbidden(socket),
        _ => format!("cannot connect to {socket_name}: {error}"),
    };
    let remedy = "is it running? systemctl start lb-ctl, or: lb-ctl daemon --interface eth0 (or give its \
         --socket)";
    ClientError::Unreachable { reason, remedy }
}

fn forbidden(socket: &Path) -> ClientError {
    ClientError::Unreachable {
        reason: format!("no permission on {}", socket.display()),
        remedy: "be root, or join the socket's group",
    }
}

fn forced(path: &str, on_hand_edit: OnHandEdit) -> String {
    match on_hand_edit {
        OnHandEdit::Refuse => path.to_owned(),
        OnHandEdit::Overwrite => format!("{path}?force=true"),
    }
}

fn service_name(endpoint: Endpoint) -> String {
    let Endpoint { protocol, address, port } = endpoint;
    match address {
        IpAddr::V4(address) => format!("{}/{address}:{port}", protocol.name()),
        // Brackets have no place in a path (RFC 3986, section 3.3).
        IpAddr::V6(address) => format!("{}/%5B{address}%5D:{port}", protocol.name()),
    }
}

fn filter(only: Option<Endpoint>) -> String {
    only.map_or_else(String::new, |endpoint| format!("?service={}", service_name(endpoint)))
}

fn trace_path(wanted: &Wanted) -> String {
    let Wanted { only, source, count, every } = wanted;
    let mut path = format!("/v1/trace?every={every}");
    let service = only.map(|endpoint| format!("&service={}", service_name(endpoint)));
    path.extend(service);
    path.extend(source.map(|network| format!("&source={network}")));
    path.extend(count.map(|count| format!("&count={count}")));
    path
}

fn service_path(endpoint: Endpoint) -> String {
    format!("/v1/services/{}", service_name(endpoint))
}

fn real_path(endpoint: Endpoint, address: IpAddr) -> String {
    format!("{}/reals/{address}", service_path(endpoint))
}
