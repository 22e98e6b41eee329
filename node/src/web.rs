//! The pages that a node serves on its site's own network, by two doors. The officers' shows how the node stands,
//! the learners whose records it reads, and a receipt of a learner's last move to print; on it an officer gives
//! somebody another password. The learners' has the page on which they change their own, and nothing else.
//!
//! There is no sign-in yet: whoever reaches an address may do what is behind it. So nothing is served unless
//! the configuration names an address, and the officers' should be this machine's own or one that
//! only their machines reach. Because of it no page shows anything of the restricted
//! stream, and at a prison none shows a learner whose stay there is not open.
//!
//! The pages need no script and load nothing but the stylesheet of the node itself, and the browser
//! is told to allow no more.

mod account;
mod frame;
mod guard;
mod guesses;
mod home;
mod learner;
mod moves;
mod password;
mod receipt;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRef, Path, Query, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Form, Router};
use spean_protocol::id::LearnerId;
use tokio::net::TcpListener;

use self::account::Token;
use self::frame::{Asked, Failure, Frame};
use self::guard::Machine;
use self::guesses::Guesses;
use crate::node::Node;
use crate::service::Service;

/// How long one connection may last: a page takes milliseconds.
const CONNECTION: Duration = Duration::from_secs(30);

/// Bytes of a form: three passwords of 72 bytes, each written as three, and some.
const FORM_BYTES_MAX: usize = 4_096;

const STYLE: &str = include_str!("../templates/style.css");

/// What every answer tells the browser.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    // With none at all a browser would not say either where a form of ours comes from.
    (header::REFERRER_POLICY, "same-origin"),
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

/// What the pages of a node share, whichever door they are behind.
#[derive(Clone)]
pub struct Pages {
    node: Node,
    door: Door,
    guesses: Arc<Guesses>,
    token: Arc<Token>,
}

/// Who comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Officers: everything.
    Officers,
    /// Learners: their own password, and nothing else.
    Learners,
}

impl Door {
    /// The first page behind it.
    const fn home(self) -> &'static str {
        match self {
            Self::Officers => "/",
            Self::Learners => "/password",
        }
    }
}

impl FromRef<Pages> for Service {
    fn from_ref(pages: &Pages) -> Self {
        pages.node.service.clone()
    }
}

impl Pages {
    /// The pages of a node, behind the officers' door.
    #[must_use]
    pub fn new(node: Node) -> Self {
        Self {
            node,
            door: Door::Officers,
            guesses: Arc::new(Guesses::new()),
            token: Arc::new(Token::new()),
        }
    }

    fn frame(&self, query: Questions, path: String) -> Frame {
        Frame::new(&asked(query), path).with_home(self.door.home())
    }

    /// A failure on an address that is no page of its own: its language links lead to the first page.
    fn failed(&self, query: Questions, failure: Failure) -> Response {
        let frame = self.frame(query, self.door.home().to_owned());
        answer(&frame, Err(failure))
    }

    /// Serves the pages behind a door until `stop` is done and what was being answered has been.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn serve(
        &self,
        door: Door,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let pages = Self {
            door,
            ..self.clone()
        };
        let limit = DefaultBodyLimit::max(FORM_BYTES_MAX);
        let mut router = Router::new()
            .route("/password", get(password_page).post(change_password))
            .route(
                "/style.css",
                get(async || ([(header::CONTENT_TYPE, "text/css")], STYLE)),
            );
        if door == Door::Officers {
            router = router
                .route("/", get(home_page))
                .route("/find", get(find_page))
                .route("/moves", get(moves_page))
                .route("/learner/{id}", get(learner_page))
                .route("/receipt/{id}", get(receipt_page))
                .route("/account/{id}", get(account_page).post(give_password));
        }
        let router = router
            .fallback(async |State(pages): State<Self>, query: Questions| {
                pages.failed(query, Failure::NoPage)
            })
            .method_not_allowed_fallback(async |State(pages): State<Self>, query: Questions| {
                pages.failed(query, Failure::OnlyGet)
            })
            .layer(limit)
            .layer(map_response(with_headers))
            .with_state(pages);
        let service = router.into_make_service_with_connect_info::<Machine>();
        axum::serve(guard::Guarded::new(listener, CONNECTION), service)
            .with_graceful_shutdown(stop)
            .await
    }
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
        return no_learner(query);
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
        return no_learner(query);
    };
    let frame = Frame::new(&asked(query), format!("/receipt/{id}"));
    answer(&frame, receipt::page(&service, &frame, id).await)
}

async fn account_page(
    State(pages): State<Pages>,
    path: Result<Path<String>, PathRejection>,
    query: Questions,
) -> Response {
    let Some(id) = learner_id(path) else {
        return no_learner(query);
    };
    let frame = Frame::new(&asked(query), format!("/account/{id}"));
    answer(&frame, account::page(&pages, &frame, id).await)
}

async fn give_password(
    State(pages): State<Pages>,
    path: Result<Path<String>, PathRejection>,
    query: Questions,
    headers: HeaderMap,
    form: Result<Form<account::Form>, FormRejection>,
) -> Response {
    let Some(id) = learner_id(path) else {
        return no_learner(query);
    };
    let frame = Frame::new(&asked(query), format!("/account/{id}"));
    let form = form.ok().map(|Form(form)| form);
    answer(
        &frame,
        account::give(&pages, &frame, id, (&headers, form)).await,
    )
}

async fn password_page(State(pages): State<Pages>, query: Questions) -> Response {
    let frame = pages.frame(query, "/password".to_owned());
    answer(&frame, password::page(&frame))
}

async fn change_password(
    State(pages): State<Pages>,
    ConnectInfo(Machine(machine)): ConnectInfo<Machine>,
    query: Questions,
    form: Result<Form<password::Form>, FormRejection>,
) -> Response {
    let frame = pages.frame(query, "/password".to_owned());
    let form = form.ok().map(|Form(form)| form);
    match password::change(&pages, &frame, machine, form).await {
        Ok((status, body)) => html(status, body),
        Err(failure) => answer(&frame, Err(failure)),
    }
}

/// A question that cannot be read is no question: the page is shown as if there were none.
fn asked(query: Questions) -> Asked {
    query.map(|Query(asked)| asked).unwrap_or_default()
}

fn learner_id(path: Result<Path<String>, PathRejection>) -> Option<LearnerId> {
    path.ok()?.0.parse().ok()
}

fn no_learner(query: Questions) -> Response {
    let frame = Frame::new(&asked(query), "/".to_owned());
    answer(&frame, Err(Failure::NoLearner))
}

fn answer(frame: &Frame, page: Result<String, Failure>) -> Response {
    match page {
        Ok(body) => html(StatusCode::OK, body),
        Err(failure) => html(failure.status(), failure.page(frame)),
    }
}

fn html(status: StatusCode, body: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, kind, body).into_response()
}

#[cfg(test)]
mod tests;
