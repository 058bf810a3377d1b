//! A datagram socket in systemd's place.

use std::os::unix::net::UnixDatagram;

use tempfile::TempDir;

use super::*;
use crate::admin::desk::{ConfigurationFacts, Link, Phase};
use crate::daemon::heartbeat::heartbeat;

/// What a supervisor hears.
struct Supervisor {
    socket: tokio::net::UnixDatagram,
    directory: TempDir,
}

impl Supervisor {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let socket = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { socket: tokio::net::UnixDatagram::from_std(socket).unwrap(), directory }
    }

    fn notifier(&self, watchdog_usec: Option<&str>) -> Notifier {
        Notifier::new(Some(self.directory.path().join("notify").as_os_str()), watchdog_usec)
    }

    async fn hears(&self) -> String {
        let mut buffer = vec![0; 4096];
        let length = self.socket.recv(&mut buffer).await.unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// Whether nothing has been sent.
    fn heard_nothing(&self) -> bool {
        self.socket.try_recv(&mut [0; 64]).is_err()
    }
}

fn status(phase: Phase) -> ServiceStatus {
    ServiceStatus {
        phase,
        worker: None,
        database: Link::Unknown,
        jira: Link::Unknown,
        client: None,
        instance: None,
        projects: Vec::new(),
        runs: Vec::new(),
        configuration: ConfigurationFacts {
            loaded_at: chrono::DateTime::UNIX_EPOCH,
            refused: None,
            may_lag: std::time::Duration::from_secs(3_600),
            may_go_unproven: None,
        },
    }
}

#[tokio::test]
async fn each_phase_of_life_is_told_in_systemds_words() {
    let supervisor = Supervisor::new();
    let notifier = supervisor.notifier(None);
    notifier.ready();
    assert_eq!(supervisor.hears().await, "READY=1\n");
    notifier.reloading();
    let said = supervisor.hears().await;
    let micros = said.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
    assert!(micros.trim_end().parse::<u64>().unwrap() > 0);
    notifier.stopping(Duration::from_secs(20));
    assert_eq!(supervisor.hears().await, "STOPPING=1\nEXTEND_TIMEOUT_USEC=50000000\n");
}

#[tokio::test]
async fn an_abstract_socket_is_reached_too() {
    use std::os::linux::net::SocketAddrExt as _;
    let name = format!("extractor-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    Notifier::new(Some(format!("@{name}").as_ref()), None).ready();
    let mut buffer = [0; 64];
    let length = socket.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"READY=1\n");
}

#[test]
fn without_systemd_nothing_is_said_and_nothing_breaks() {
    for notifier in [
        Notifier::new(None, Some("1000")),
        Notifier::new(Some("".as_ref()), None),
        Notifier::new(Some("/nonexistent/notify".as_ref()), Some("1000")),
    ] {
        notifier.ready();
        notifier.stopping(Duration::MAX);
        assert_eq!(notifier.watchdog(), None);
    }
}

#[tokio::test]
async fn the_status_line_is_told_when_it_changes() {
    let supervisor = Supervisor::new();
    let (sender, receiver) = watch::channel(status(Phase::Starting));
    let (_heart, pulse) = heartbeat();
    let stop = CancellationToken::new();
    let told = keep_informed(supervisor.notifier(None), receiver, pulse, stop.clone());
    let task = tokio::spawn(told);
    assert_eq!(supervisor.hears().await, "STATUS=Starting\n");
    sender.send_modify(|status| status.worker = None);
    sender.send_modify(|status| status.phase = Phase::Running);
    assert_eq!(supervisor.hears().await, "STATUS=Following 0 projects\n");
    stop.cancel();
    task.await.unwrap();
}

/// The watchdog's period is an hour of time that stands still but for these waits: only a loop that
/// answers is spoken for.
#[tokio::test(start_paused = true)]
async fn a_loop_is_spoken_for_only_while_it_makes_turns() {
    let supervisor = Supervisor::new();
    let notifier = supervisor.notifier(Some("3600000000"));
    assert_eq!(notifier.watchdog(), Some(Duration::from_secs(3600)));
    let (_sender, receiver) = watch::channel(status(Phase::Running));
    let (mut heart, pulse) = heartbeat();
    let stop = CancellationToken::new();
    let task = tokio::spawn(keep_informed(notifier, receiver, pulse, stop.clone()));
    // Told before the loop is asked.
    let mut lines = Vec::new();
    for _ in 0..3 {
        heart.asked().await;
        assert!(lines.is_empty() || supervisor.heard_nothing(), "spoken for before it answered");
        heart.beat();
        loop {
            let line = supervisor.hears().await;
            let alive = line == "WATCHDOG=1\n";
            lines.push(line);
            if alive {
                break;
            }
        }
    }
    // It hangs: many periods pass, and nothing is said for it.
    tokio::time::sleep(Duration::from_secs(36_000)).await;
    assert!(supervisor.heard_nothing());
    // It comes back.
    heart.asked().await;
    heart.beat();
    assert_eq!(supervisor.hears().await, "WATCHDOG=1\n");
    stop.cancel();
    task.await.unwrap();
}
