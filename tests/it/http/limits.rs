//! The server on a real socket: what is too much or too slow is cut off, and the end is orderly.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use extractor::admin::serve;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::stage::Stage;

struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
    _stage: Stage,
}

impl Server {
    async fn start() -> Self {
        let stage = Stage::of(&["PROJ"]).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(listener, Arc::clone(&stage.office), stop.clone()));
        Self { address, stop, task, _stage: stage }
    }

    /// A connection on which this was sent.
    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// Everything that is answered until the connection closes.
    async fn exchange(&self, text: &str) -> String {
        read(self.send(text).await).await
    }
}

async fn read(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let reading = stream.read_to_end(&mut bytes);
    // A connection that is reset has said what it had to say.
    let _ = tokio::time::timeout(Duration::from_secs(30), reading).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

const HOST: &str = "Host: localhost\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_refused() {
    let server = Server::start().await;
    let head = format!("GET /healthz HTTP/1.1\r\n{HOST}Connection: close\r\n");
    let well = server.exchange(&format!("{head}\r\n")).await;
    assert!(well.starts_with("HTTP/1.1 200 OK"), "{well}");
    let long = format!("{head}X-Long: {}\r\n\r\n", "x".repeat(20_000));
    assert!(server.exchange(&long).await.starts_with("HTTP/1.1 431"));
    let many = format!("{head}{}\r\n", "X-One: 1\r\n".repeat(100));
    assert!(server.exchange(&many).await.starts_with("HTTP/1.1 431"));
    let body = format!(
        "POST /api/v1/runs HTTP/1.1\r\n{HOST}Connection: close\r\nContent-Type: application/json\r\n\
         Content-Length: 70000\r\n\r\n"
    );
    let large = server.exchange(&body).await;
    assert!(large.starts_with("HTTP/1.1 413") && large.contains("too-large"), "{large}");
    let odd = server.exchange("NONSENSE\r\n\r\n").await;
    assert!(odd.starts_with("HTTP/1.1 400"), "{odd}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_send_slowly_are_cut_off_and_hold_up_nobody() {
    let server = Server::start().await;
    let began = Instant::now();
    let mut slow = Vec::new();
    for _ in 0..50 {
        slow.push(server.send("GET /healthz HTTP/1.1\r\nHost: local").await);
    }
    let body = format!(
        "POST /api/v1/runs HTTP/1.1\r\n{HOST}Content-Type: application/json\r\n\
         Content-Length: 40\r\n\r\n{{"
    );
    let dripping = server.send(&body).await;
    let head = format!("GET /healthz HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n");
    assert!(server.exchange(&head).await.starts_with("HTTP/1.1 200"));
    assert!(began.elapsed() < Duration::from_secs(5), "others had to wait");
    for stream in slow {
        read(stream).await;
    }
    let refused = read(dripping).await;
    assert!(refused.starts_with("HTTP/1.1 408"), "{refused}");
    assert!(refused.contains("request-timeout"));
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_waits_for_nobody_for_long() {
    let server = Server::start().await;
    let idle = server.send("").await;
    let half = server.send("GET /healthz HTTP/1.1\r\nHost: local").await;
    let stream = format!("GET /events HTTP/1.1\r\n{HOST}\r\n");
    let mut listening = server.send(&stream).await;
    let mut first = [0; 12];
    listening.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let began = Instant::now();
    server.stop.cancel();
    server.task.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    for stream in [idle, half, listening] {
        read(stream).await;
    }
    assert!(TcpStream::connect(server.address).await.is_err());
}
