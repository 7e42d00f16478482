//! The other end of the socket, one typed method a request.

use std::io;
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

use super::wire;

pub mod lines;
mod paths;
mod requests;

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
