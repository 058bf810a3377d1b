//! `extractor healthcheck`: asks the service on this machine whether it is alive. For containers,
//! whose images have no other program that could ask; not listed by `--help`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Context;
use super::console::Outcome;
use super::exit::ExitCode;
use super::failure::Failure;

/// How long the service may take to answer; its health needs nothing but itself.
const PATIENCE: Duration = Duration::from_secs(4);
/// The most that is read of the answer. Its first line decides.
const MOST: u64 = 1024;

pub(super) async fn run(context: &Context) -> Result<Outcome, Failure> {
    let Some(listen) = context.loaded.config.http.listen else {
        return Err(Failure::NoHttp);
    };
    let at = reachable(listen);
    let asked = tokio::time::timeout(PATIENCE, ask(at)).await;
    let answer = asked
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|source| Failure::Io { doing: "ask the service whether it is alive", source })?;
    let alive = is_good(&answer);
    context.console.say(answer.lines().next().unwrap_or("no answer"));
    let code = if alive { ExitCode::Done } else { ExitCode::Unavailable };
    Ok(Outcome { code, json: json!({"alive": alive, "exit_code": code.code()}) })
}

/// Where a service that listens on this address is reached from the same machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

async fn ask(at: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(at).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Whether an answer's first line says 200.
fn is_good(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200 ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_for_everybody_is_asked_over_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("127.0.0.1:9", "127.0.0.1:9"),
            ("192.0.2.7:80", "192.0.2.7:80"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), asked.parse().unwrap());
        }
    }

    #[test]
    fn only_a_two_hundred_is_good() {
        assert!(is_good("HTTP/1.1 200 OK\r\n"));
        assert!(!is_good("HTTP/1.1 503 Service Unavailable\r\n"));
        assert!(!is_good(""));
    }
}
