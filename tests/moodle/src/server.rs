//! HTTP on the loopback: `POST /webservice/rest/server.php`, on a thread of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use axum::extract::rejection::FormRejection;
use axum::extract::{ConnectInfo, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::calls::{Call, Outcome, Trouble};
use crate::form::Field;
use crate::functions;
use crate::line::{Lines, Scissors};
use crate::refusal::Answer;
use crate::setup::Setup;
use crate::state::State;

/// What is shared between the server and whoever plays the people.
pub(crate) type Site = Arc<Mutex<State>>;

type Fields = Vec<(String, String)>;

/// The site's state, whatever became of whoever held it before.
pub(crate) fn lock(site: &Site) -> MutexGuard<'_, State> {
    site.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    // Dropped first: this is what ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on a port that the system chooses, and serves a site under it.
    pub(crate) fn start(setup: Setup) -> (Self, Site) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = runtime.block_on(TcpListener::bind(loopback)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let site: Site = Arc::new(Mutex::new(State::new(setup, url)));
        let router = Router::new()
            .route("/webservice/rest/server.php", post(serve))
            .with_state(site.clone());
        let service = router.into_make_service_with_connect_info::<Scissors>();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("moodle".to_owned());
        let thread = thread.spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = axum::serve(Lines(listener), service).into_future() => {}
                    _ = stopped => {}
                }
            });
        });
        let server = Self {
            stop: Some(stop),
            thread: Some(thread.unwrap()),
        };
        (server, site)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    Shared(site): Shared<Site>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    // To PHP a body that is no form is an empty one.
    let form = form.map(|Form(form)| form).unwrap_or_default();
    let (trouble, answer) = receive(&mut lock(&site), form);
    match trouble {
        Some(Trouble::Unavailable) => {
            return (
                StatusCode::SERVICE_UNAVAILABLE,
                page("Site is in maintenance"),
            )
                .into_response();
        }
        Some(Trouble::Page) => return page("Error writing to database").into_response(),
        Some(Trouble::Closed | Trouble::Lost) => scissors.cut(),
        Some(Trouble::Slow(time)) => tokio::time::sleep(time).await,
        None => {}
    }
    // Whoever forgets the format gets XML.
    let Some(json) = answer else {
        return ([(header::CONTENT_TYPE, "application/xml")], XML).into_response();
    };
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, json.to_string()).into_response()
}

fn page(text: &str) -> impl IntoResponse + use<> {
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (
        html,
        format!("<!DOCTYPE html><html><body>{text}</body></html>"),
    )
}

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<RESPONSE></RESPONSE>\n";

/// One request: what trouble it meets, and the answer if that is to be JSON. It is null where the
/// function is not reached.
fn receive(state: &mut State, mut form: Fields) -> (Option<Trouble>, Option<Value>) {
    let mut take = |name: &str| {
        let place = form.iter().position(|(known, _)| known == name)?;
        Some(form.remove(place).1)
    };
    let token = take("wstoken").unwrap_or_default();
    let function = take("wsfunction").unwrap_or_default();
    let format = take("moodlewsrestformat");
    let trouble = state.troubles.pop_front();
    let (outcome, answer) = if trouble.is_some_and(|trouble| !trouble.lets_through()) {
        (Outcome::NotReached, Value::Null)
    } else {
        let answer = functions::call(state, &token, &function, &Field::read(&form));
        outcome(state, answer)
    };
    state.calls.push(Call {
        function,
        form,
        outcome,
    });
    (
        trouble,
        (format.as_deref() == Some("json")).then_some(answer),
    )
}

fn outcome(state: &State, answer: Answer) -> (Outcome, Value) {
    match answer {
        Ok(answer) => (Outcome::Done, answer),
        Err(refusal) => {
            let json = refusal.json(&state.setup);
            (Outcome::Refused(refusal.errorcode), json)
        }
    }
}
