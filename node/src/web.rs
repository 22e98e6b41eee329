//! The pages that a node serves on its site's own network: how the node stands, the learners whose
//! records it reads, and a receipt of a learner's last move to print. They only show; nothing here
//! changes anything, and only GET is answered.
//!
//! There is no sign-in yet: whoever reaches the address sees the pages. So nothing is served unless
//! the configuration names an address, and that address should be this machine's own or one that
//! only the officers' machines reach. Because of it no page shows anything of the restricted
//! stream, and at a prison none shows a learner whose stay there is not open.
//!
//! The pages need no script and load nothing but the stylesheet of the node itself, and the browser
//! is told to allow no more.

mod frame;
mod guard;
mod home;
mod learner;
mod moves;
mod receipt;

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use spean_protocol::id::LearnerId;
use tokio::net::TcpListener;

use self::frame::{Asked, Failure, Frame};
use crate::service::Service;

/// How long one connection may last: a page takes milliseconds.
const CONNECTION: Duration = Duration::from_secs(30);

const STYLE: &str = include_str!("../templates/style.css");

/// What every answer tells the browser.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    // One request a connection: an idle browser takes no place from another.
    (header::CONNECTION, "close"),
];

/// Serves the pages until `stop` is done and what was being answered has been.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    service: Service,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let pages = Router::new()
        .route("/", get(home_page))
        .route("/find", get(find_page))
        .route("/moves", get(moves_page))
        .route("/learner/{id}", get(learner_page))
        .route("/receipt/{id}", get(receipt_page))
        .route(
            "/style.css",
            get(async || ([(header::CONTENT_TYPE, "text/css")], STYLE)),
        )
        .fallback(async |query: Questions| failed(query, Failure::NoPage))
        .method_not_allowed_fallback(async |query: Questions| failed(query, Failure::OnlyGet))
        .layer(map_response(with_headers))
        .with_state(service);
    axum::serve(guard::Guarded::new(listener, CONNECTION), pages)
        .with_graceful_shutdown(stop)
        .await
}

type Questions = Result<Query<Asked>, QueryRejection>;

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn home_page(State(service): State<Service>, query: Questions) -> Response {
    let frame = Frame::new(&asked(query), "/".to_owned());
    answer(&frame, home::page(&service, &frame).await)
}

async fn find_page(State(service): State<Service>, query: Questions) -> Response {
    let frame = Frame::new(&asked(query), "/find".to_owned());
    answer(&frame, learner::list(&service, &frame).await)
}

async fn moves_page(State(service): State<Service>, query: Questions) -> Response {
    let frame = Frame::new(&asked(query), "/moves".to_owned());
    answer(&frame, moves::page(&service, &frame).await)
}

async fn learner_page(
    State(service): State<Service>,
    path: Result<Path<String>, PathRejection>,
    query: Questions,
) -> Response {
    let Some(id) = learner_id(path) else {
        return failed(query, Failure::NoLearner);
    };
    let frame = Frame::new(&asked(query), format!("/learner/{id}"));
    answer(&frame, learner::page(&service, &frame, id).await)
}

async fn receipt_page(
    State(service): State<Service>,
    path: Result<Path<String>, PathRejection>,
    query: Questions,
) -> Response {
    let Some(id) = learner_id(path) else {
        return failed(query, Failure::NoLearner);
    };
    let frame = Frame::new(&asked(query), format!("/receipt/{id}"));
    answer(&frame, receipt::page(&service, &frame, id).await)
}

/// A question that cannot be read is no question: the page is shown as if there were none.
fn asked(query: Questions) -> Asked {
    query.map(|Query(asked)| asked).unwrap_or_default()
}

fn learner_id(path: Result<Path<String>, PathRejection>) -> Option<LearnerId> {
    path.ok()?.0.parse().ok()
}

/// A failure on an address that is no page of its own: its language links lead home.
fn failed(query: Questions, failure: Failure) -> Response {
    answer(&Frame::new(&asked(query), "/".to_owned()), Err(failure))
}

fn answer(frame: &Frame, page: Result<String, Failure>) -> Response {
    let (status, body) = match page {
        Ok(body) => (StatusCode::OK, body),
        Err(failure) => (failure.status(), failure.page(frame)),
    };
    (
        status,
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        body,
    )
        .into_response()
}

#[cfg(test)]
mod tests;
