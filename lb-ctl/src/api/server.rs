//! HTTP on the Unix socket: every request becomes a command and goes through the [`Door`].

use std::future::Future;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, RawPathParamsRejection};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Query, RawPathParams, Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Json, Router};
use tokio::sync::oneshot;

use super::door::Door;
use super::openapi;
use super::peer::{Access, MaybePeer};
use super::request::{self, Parts, Refusal};
use super::routes::{Method, ROUTES, Route};
use super::socket::BoundSocket;
use super::wire;
use crate::command::{CommandError, Reply};
use crate::metrics;

/// How long requests that are being answered may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Answers requests until `shutdown` is done, then lets those under way finish, for two seconds
/// at most. The socket's file is gone afterwards.
pub async fn serve(
    socket: BoundSocket,
    door: Door,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let BoundSocket { listener, file, access } = socket;
    let app = router(door, access).into_make_service_with_connect_info::<MaybePeer>();
    let (told, stopping) = oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        shutdown.await;
        // Nobody listens any more where the server has ended already.
        let _ = told.send(());
    });
    let overtime = async {
        // An error means that the server has ended without being told.
        let _ = stopping.await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        // axum's own accept loop retries and never returns an error.
        _ = server => {}
        () = overtime => {}
    }
    drop(file);
}

fn router(door: Door, access: Access) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        router = router.route(route.path, method_router(route));
    }
    router
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn(log_requests))
        .layer(from_fn_with_state(access, only_allowed_peers))
        .with_state(door)
}

fn method_router(route: &'static Route) -> MethodRouter<Door> {
    let filter = match route.method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    };
    let handler = move |State(door): State<Door>, path, uri: Uri, body| async move {
        answer(route, &door, path, &uri, body).await.unwrap_or_else(IntoResponse::into_response)
    };
    on(filter, handler).layer(DefaultBodyLimit::max(route.body_limit()))
}

async fn answer(
    route: &Route,
    door: &Door,
    path: Result<RawPathParams, RawPathParamsRejection>,
    uri: &Uri,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let unreadable = |message| Failure::new(StatusCode::BAD_REQUEST, message);
    let path = path.map_err(|rejection| unreadable(rejection.body_text()))?;
    let path: Vec<_> = path.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let Query(query) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|rejection| unreadable(rejection.body_text()))?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is longer than {} bytes", route.body_limit()),
        ),
        _ => unreadable(rejection.body_text()),
    })?;
    let parts = Parts { path: &path, query: &query, body: &body };
    match request::command(route, parts)? {
        Some(command) => Ok(success(door.ask(command).await?)),
        None => Ok(Json(openapi::document()).into_response()),
    }
}

fn success(reply: Reply) -> Response {
    match reply {
        Reply::Changed(changes) => Json(changes).into_response(),
        Reply::List(list) => Json(list).into_response(),
        Reply::Connections(connections) => Json(connections).into_response(),
        Reply::Status(status) => Json(status).into_response(),
        Reply::Checked(checked) => Json(checked).into_response(),
        Reply::Vrrp(vrrp) => Json(vrrp).into_response(),
        Reply::Metrics(sample) => {
            ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], sample.text()).into_response()
        }
        Reply::Events(events) => Json(events).into_response(),
        Reply::Trace(feed) => lines(Body::from_stream(feed.into_lines())),
        Reply::Follow(follow) => lines(Body::from_stream(follow.into_lines())),
        Reply::Done => Json(wire::Changes::default()).into_response(),
        Reply::Definition(text) => {
            ([(header::CONTENT_TYPE, "application/json")], text).into_response()
        }
    }
}

fn lines(body: Body) -> Response {
    ([(header::CONTENT_TYPE, openapi::LINES)], body).into_response()
}

/// An answer that is not a success.
struct Failure {
    status: StatusCode,
    error: wire::Error,
}

impl Failure {
    fn new(status: StatusCode, message: String) -> Self {
        Self { status, error: wire::Error { kind: wire::ErrorKind::Refused, message } }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unreadable(message) => Self::new(StatusCode::BAD_REQUEST, message),
            Refusal::Invalid(message) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, message),
        }
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        let (status, kind) = match error {
            CommandError::Refused(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, wire::ErrorKind::Refused)
            }
            CommandError::NotFound(_) => (StatusCode::NOT_FOUND, wire::ErrorKind::NotFound),
            CommandError::Exists(_) => (StatusCode::CONFLICT, wire::ErrorKind::Exists),
            CommandError::Failed(_) => (StatusCode::INTERNAL_SERVER_ERROR, wire::ErrorKind::Failed),
        };
        Self { status, error: wire::Error { kind, message: error.to_string() } }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(self.error)).into_response()
    }
}

async fn no_such_route(uri: Uri) -> Failure {
    let message = format!("there is no {}: GET /v1/openapi.json lists what there is", uri.path());
    let error = wire::Error { kind: wire::ErrorKind::NotFound, message };
    Failure { status: StatusCode::NOT_FOUND, error }
}

async fn no_such_method(method: axum::http::Method, uri: Uri) -> Failure {
    let message =
        format!("{method} is not possible on {}: GET /v1/openapi.json lists what is", uri.path());
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, message)
}

async fn only_allowed_peers(
    State(access): State<Access>,
    ConnectInfo(MaybePeer(peer)): ConnectInfo<MaybePeer>,
    request: Request,
    next: Next,
) -> Response {
    let allowed = match peer {
        // The look-up of a user's groups may ask the network.
        Some(peer) => tokio::task::spawn_blocking(move || access.allows(peer)).await,
        None => Ok(false),
    };
    if allowed.unwrap_or(false) {
        return next.run(request).await;
    }
    tracing::warn!(?peer, "refused a peer that is neither root nor in the socket's group");
    let message = "this user may not speak to the daemon: be root, or join the socket's group";
    Failure::new(StatusCode::FORBIDDEN, message.to_owned()).into_response()
}

async fn log_requests(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    tracing::debug!(%method, path, status, "request answered");
    response
}
