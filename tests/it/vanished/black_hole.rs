//! A way to Postgres that can vanish: nothing is refused, nothing is closed, and nothing arrives, as
//! when a host loses its power or a firewall begins to drop.

use std::io;

use extractor::store::{Settings, Store};
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Path {
    /// Whether what is sent arrives at the database.
    there: bool,
    /// Whether its answers arrive.
    back: bool,
    /// Connections of an earlier life stay dead.
    life: u32,
}

/// A direction of it.
#[derive(Debug, Clone, Copy)]
enum Way {
    There,
    Back,
}

/// The way to one database.
pub(crate) struct BlackHole {
    path: watch::Sender<Path>,
    url: String,
    accepting: JoinHandle<()>,
}

impl BlackHole {
    /// A way to the database at `url`, open at first.
    pub(crate) async fn before(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target: PgConnectOptions = url.parse().unwrap();
        let through = format!(
            "postgres://{}@{address}/{}?sslmode=disable",
            target.get_username(),
            target.get_database().unwrap()
        );
        let path = watch::Sender::new(Path { there: true, back: true, life: 0 });
        let accepting = tokio::spawn(accept(listener, target, path.clone()));
        Self { path, url: through, accepting }
    }

    /// The address of the database by this way.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Nothing arrives any more.
    pub(crate) fn vanish(&self) {
        self.path.send_modify(|path| *path = Path { there: false, back: false, ..*path });
    }

    /// What is sent arrives and is done, and nobody hears of it: the worst moment to vanish.
    pub(crate) fn lose_answers(&self) {
        self.path.send_modify(|path| path.back = false);
    }

    /// What was on its way arrives, as after a cable was plugged in again.
    pub(crate) fn come_back(&self) {
        self.path.send_modify(|path| *path = Path { there: true, back: true, ..*path });
    }

    /// New connections arrive; those of before never do, as when another host has taken over.
    pub(crate) fn come_back_as_another(&self) {
        self.path.send_modify(|path| *path = Path { there: true, back: true, life: path.life + 1 });
    }

    /// A store that goes this way, and allows a statement so long.
    pub(crate) async fn store(&self, statement_timeout: std::time::Duration) -> Store {
        let settings = Settings {
            url: self.url.clone().into(),
            max_connections: 4,
            statement_timeout,
            application_name: "extractor-test".to_owned(),
        };
        Store::connect(&settings).await.unwrap()
    }
}

impl Drop for BlackHole {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: PgConnectOptions, path: watch::Sender<Path>) {
    loop {
        let (near, _) = listener.accept().await.unwrap();
        let (target, path) = (target.clone(), path.subscribe());
        tokio::spawn(async move {
            // Either end that closes, closes both.
            let _ = serve(near, &target, path).await;
        });
    }
}

async fn serve(
    near: TcpStream,
    target: &PgConnectOptions,
    path: watch::Receiver<Path>,
) -> io::Result<()> {
    let life = path.borrow().life;
    arrive(&mut path.clone(), Way::There, life).await;
    let (near_in, near_out) = near.into_split();
    let port = target.get_port();
    match target.get_socket() {
        Some(dir) => {
            let far = UnixStream::connect(dir.join(format!(".s.PGSQL.{port}"))).await?;
            let (far_in, far_out) = far.into_split();
            both((near_in, near_out), (far_in, far_out), path, life).await
        }
        None => {
            let far = TcpStream::connect((target.get_host(), port)).await?;
            let (far_in, far_out) = far.into_split();
            both((near_in, near_out), (far_in, far_out), path, life).await
        }
    }
}

async fn both(
    near: (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    far: (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    path: watch::Receiver<Path>,
    life: u32,
) -> io::Result<()> {
    tokio::select! {
        there = pass(near.0, far.1, (path.clone(), Way::There), life) => there,
        back = pass(far.0, near.1, (path, Way::Back), life) => back,
    }
}

/// Passes on what comes; an end is something that comes, too.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    (mut path, way): (watch::Receiver<Path>, Way),
    life: u32,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1_024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return end(&mut path, way, life).await;
        }
        arrive(&mut path, way, life).await;
        to.write_all(&buffer[..length]).await?;
    }
}

/// That the client has closed arrives at the host that it was connected to, as soon as anything does.
async fn end(path: &mut watch::Receiver<Path>, way: Way, life: u32) -> io::Result<()> {
    match way {
        Way::There => drop(path.wait_for(|path| path.there).await),
        Way::Back => arrive(path, way, life).await,
    }
    Ok(())
}

/// Waits until what was sent in this life arrives; for ever when that is over.
async fn arrive(path: &mut watch::Receiver<Path>, way: Way, life: u32) {
    let arrives = |path: &Path| {
        let open = match way {
            Way::There => path.there,
            Way::Back => path.back,
        };
        open && path.life == life
    };
    if path.wait_for(arrives).await.is_err() {
        std::future::pending::<()>().await;
    }
}
