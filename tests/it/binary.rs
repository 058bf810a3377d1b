//! The real program as a process of its own, away from everybody's configuration: an environment
//! with nothing in it, and a home that is also its working directory. What it should do is not here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use jira_sim::SimServer;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::{App, SITE};

/// A process that takes longer is taken for one that hangs.
const LIMIT: Duration = Duration::from_secs(240);

/// A directory of a test's own, which the account of a private Postgres can pass through.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let passable = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        std::fs::set_permissions(dir.path(), passable).unwrap();
        Self(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.into_os_string().into_string().unwrap()
    }

    /// What lies in it.
    pub(crate) fn entries(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.path()).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// The program with arguments separated by spaces, and nothing configured.
    pub(crate) fn extractor(&self, arguments: &str) -> Program {
        Program {
            home: self.path().to_path_buf(),
            arguments: arguments.split_whitespace().map(str::to_owned).collect(),
            environment: BTreeMap::new(),
        }
    }

    /// The same, with the test's Jira and database, asked without a limit.
    pub(crate) fn extractor_at(&self, app: &App, arguments: &str) -> Program {
        self.extractor(arguments).jira(&app.sim).set("database.url", &app.database_url)
    }

    /// Processes whose command line names something in here.
    pub(crate) fn processes(&self) -> Vec<String> {
        let here = self.path().to_str().unwrap();
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        all.filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok())
            .filter(|line| line.contains(here))
            .map(|line| line.replace('\0', " "))
            .collect()
    }
}

/// A command line and its environment, to be started as often as one likes.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    home: PathBuf,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
}

impl Program {
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets a configuration key in the environment.
    pub(crate) fn set(self, key: &str, value: &str) -> Self {
        let name = format!("EXTRACTOR_{}", key.replace('.', "__").to_uppercase());
        self.env(&name, value)
    }

    pub(crate) fn jira(self, sim: &SimServer) -> Self {
        self.set("jira.base_url", sim.base_url())
            .set("jira.site", SITE)
            .set("jira.requests_per_second", "0")
    }

    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    pub(crate) fn start(&self) -> Running {
        let mut child = Command::new(env!("CARGO_BIN_EXE_extractor"))
            .args(&self.arguments)
            .current_dir(&self.home)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.home)
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = Output::of(child.stdout.take().unwrap());
        let stderr = Output::of(child.stderr.take().unwrap());
        Running { child, stdout, stderr }
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self) -> Ended {
        self.start().ended().await
    }
}

/// A process under way. Dropping it kills it.
pub(crate) struct Running {
    child: Child,
    stdout: Output,
    stderr: Output,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Asks it to end, as systemd does.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.pid()).unwrap()), signal).unwrap();
    }

    /// Waits until its standard error contains a text.
    pub(crate) async fn says(&mut self, text: &str) {
        let text = text.to_owned();
        let said = self.stderr.so_far.wait_for(|so_far| so_far.contains(&text)).await;
        assert!(said.is_ok(), "it ended without {text:?}");
    }

    /// Waits until its standard error contains a text, and says what comes after it.
    pub(crate) async fn told_after(&mut self, text: &str) -> String {
        self.says(text).await;
        let so_far = self.stderr.so_far.borrow();
        so_far.split_once(text).map(|(_, after)| after.to_owned()).unwrap_or_default()
    }

    /// Waits until its standard output contains a text.
    pub(crate) async fn shows(&mut self, text: &str) {
        let text = text.to_owned();
        let shown = self.stdout.so_far.wait_for(|so_far| so_far.contains(&text)).await;
        assert!(shown.is_ok(), "it ended without {text:?}");
    }

    pub(crate) async fn ended(mut self) -> Ended {
        let status = tokio::time::timeout(LIMIT, self.child.wait()).await;
        let status = status.expect("it hangs").unwrap();
        let (stdout, stderr) = (self.stdout.all().await, self.stderr.all().await);
        Ended { code: status.code(), stdout, stderr }
    }
}

/// One of the streams that a process writes to.
struct Output {
    so_far: watch::Receiver<String>,
    reader: JoinHandle<()>,
}

impl Output {
    fn of(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let (sender, so_far) = watch::channel(String::new());
        let reader = tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).await.unwrap_or(0) > 0 {
                sender.send_modify(|text| text.push_str(&String::from_utf8_lossy(&line)));
                line.clear();
            }
        });
        Self { so_far, reader }
    }

    async fn all(self) -> String {
        self.reader.await.unwrap();
        self.so_far.borrow().clone()
    }
}

/// How a process ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Panics unless it ended with this code.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Panics unless its complaint contains this.
    #[track_caller]
    pub(crate) fn complaining(self, sentence: &str) -> Self {
        let complaint = self.complaint();
        assert!(complaint.contains(sentence), "no {sentence:?} in {complaint:?}");
        self
    }

    /// What it said for people to read on standard error, without the log.
    pub(crate) fn complaint(&self) -> String {
        let lines = self.stderr.lines().filter(|line| !line.starts_with('{'));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Its standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

/// Panics unless an object has exactly these keys.
#[track_caller]
pub(crate) fn assert_keys(object: &Value, keys: &[&str]) {
    let found: Vec<&str> =
        object.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    assert_eq!(found, keys);
}
