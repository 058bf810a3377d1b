//! The real program with a socket where systemd's would be.

use jira_sim::{Action, Endpoint, When};
use tokio::net::UnixDatagram;

use super::{hang_up, world};
use crate::app::App;
use crate::binary::{Home, Program};

/// What systemd hears.
struct Supervisor {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Supervisor {
    fn at(home: &Home) -> (Self, String) {
        let path = home.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        (Self { socket, heard: Vec::new() }, path.display().to_string())
    }

    /// Waits for a message that contains this.
    async fn hears(&mut self, text: &str) -> String {
        loop {
            let mut buffer = vec![0; 4096];
            let length = self.socket.recv(&mut buffer).await.unwrap();
            let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
            self.heard.push(message.clone());
            if message.contains(text) {
                return message;
            }
        }
    }
}

fn service(app: &App, home: &Home, socket: &str) -> Program {
    home.extractor_at(app, "run")
        .set("sync.projects", "PROJ")
        .set("http.listen", "127.0.0.1:0")
        .env("NOTIFY_SOCKET", socket)
}

#[tokio::test]
async fn an_outage_at_the_start_is_told_and_is_no_reason_to_be_killed() {
    let (app, home) = (App::new(world()).await, Home::new());
    let outage = app.sim.faults().on(Endpoint::Any, When::Always, Action::Fail(503));
    let (mut supervisor, socket) = Supervisor::at(&home);
    let program = service(&app, &home, &socket).env("WATCHDOG_USEC", "2000000");
    let service = program.start();
    supervisor.hears("READY=1\n").await;
    supervisor.hears("Jira down since").await;
    // It waits, and lives.
    for _ in 0..3 {
        supervisor.hears("WATCHDOG=1\n").await;
    }
    app.sim.faults().remove(outage);
    supervisor.hears("STATUS=Following 1 project").await;
    supervisor.hears("WATCHDOG=1\n").await;
    service.terminate();
    let stopping = supervisor.hears("STOPPING=1\n").await;
    assert!(stopping.contains("EXTEND_TIMEOUT_USEC="), "{stopping}");
    service.ended().await.with(0);
}

#[tokio::test]
async fn a_reload_begins_and_ends_in_systemds_words() {
    let (app, home) = (App::new(world()).await, Home::new());
    let (mut supervisor, socket) = Supervisor::at(&home);
    let service = service(&app, &home, &socket).start();
    supervisor.hears("READY=1\n").await;
    hang_up(&service);
    let reloading = supervisor.hears("RELOADING=1\n").await;
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    supervisor.hears("READY=1\n").await;
    service.terminate();
    supervisor.hears("STOPPING=1\n").await;
    service.ended().await.with(0);
    assert!(supervisor.heard.iter().all(|said| !said.contains("WATCHDOG")), "nobody asked for it");
}
