//! A server that gives scripted answers, one a request, the last one for ever; and remembers
//! what it was asked and when.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio::task::JoinHandle;
use url::Url;

/// One scripted answer.
#[derive(Clone)]
pub(super) enum Reply {
    /// A status, headers and a body.
    Of(u16, Vec<(&'static str, String)>, String),
    /// The headers of a success, half of its body, then the connection breaks.
    Truncated,
    /// The connection breaks before an answer.
    Reset,
    /// No answer ever.
    Silence,
    /// As the inner reply, once so many requests are waiting.
    Together(Arc<Barrier>, Box<Reply>),
}

impl Reply {
    pub(super) fn json(body: impl ToString) -> Self {
        Self::of(200, &[("content-type", "application/json;charset=UTF-8")], &body.to_string())
    }

    pub(super) fn of(status: u16, headers: &[(&'static str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        Self::Of(status, headers, body.to_owned())
    }

    pub(super) fn status(status: u16) -> Self {
        Self::of(status, &[], "")
    }
}

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) authorization: Option<String>,
    pub(super) body: Bytes,
    pub(super) at: Instant,
}

type Answer = dyn Fn(&Asked) -> Reply + Send + Sync;

struct Script {
    replies: Mutex<VecDeque<Reply>>,
    answer: Option<Box<Answer>>,
    asked: Mutex<Vec<Asked>>,
}

pub(super) struct FakeJira {
    url: Url,
    script: Arc<Script>,
    task: JoinHandle<()>,
}

impl FakeJira {
    /// Gives `replies` one after another, the last one for ever.
    pub(super) async fn scripted(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start(replies.into_iter().collect(), None).await
    }

    /// Asks `answer` for each reply.
    pub(super) async fn answering(
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(VecDeque::new(), Some(Box::new(answer))).await
    }

    async fn start(replies: VecDeque<Reply>, answer: Option<Box<Answer>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jira", listener.local_addr().unwrap()).parse().unwrap();
        let script =
            Arc::new(Script { replies: Mutex::new(replies), answer, asked: Mutex::default() });
        let app = Router::new().fallback(handle).with_state(script.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, script, task }
    }

    pub(super) fn url(&self) -> Url {
        self.url.clone()
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap().clone()
    }
}

impl Drop for FakeJira {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn handle(State(script): State<Arc<Script>>, request: Request<Body>) -> Response {
    let at = Instant::now();
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let authorization =
        head.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let asked = Asked { method: head.method, uri: head.uri, authorization, body, at };
    let reply = match &script.answer {
        Some(answer) => answer(&asked),
        None => next(&script.replies),
    };
    script.asked.lock().unwrap().push(asked);
    respond(reply).await
}

fn next(replies: &Mutex<VecDeque<Reply>>) -> Reply {
    let mut replies = replies.lock().unwrap();
    if replies.len() > 1 { replies.pop_front().unwrap() } else { replies[0].clone() }
}

async fn respond(reply: Reply) -> Response {
    match reply {
        Reply::Of(status, headers, body) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            response.headers_mut().remove("content-type");
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Reply::Truncated => {
            let chunks = [Ok(Bytes::from("{\"total\":1,\"issues\":[")), Err("broken")];
            // Between the two the server gets to send what it has.
            let chunks = stream::iter(chunks).then(async |chunk| {
                tokio::task::yield_now().await;
                chunk
            });
            let mut response = Body::from_stream(chunks).into_response();
            response.headers_mut().insert("content-type", "application/json".parse().unwrap());
            response
        }
        // The connection's task ends with the panic, and the connection with it.
        Reply::Reset => panic!("scripted reset"),
        Reply::Silence => std::future::pending().await,
        Reply::Together(barrier, reply) => {
            barrier.wait().await;
            Box::pin(respond(*reply)).await
        }
    }
}
