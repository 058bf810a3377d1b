//! The command line: what may be asked for, what is said, and how the program ends.
//! Each command is carried out in a file of its own; reading the line is `args`, what an error
//! means for the exit code is `failure`.

pub mod args;
mod backfill;
mod check;
mod console;
mod cursor;
mod demo;
mod dry_run;
pub mod exit;
mod failure;
mod failures;
mod healthcheck;
mod help;
mod help_files;
mod migrate;
mod probe;
mod progress;
mod reconcile;
mod run;
mod runs;
mod schema;
mod status;
mod summary;
mod sync;
mod table;
mod users;
mod words;
mod worker;

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

pub use args::{Command, Invocation, parse};
pub use exit::ExitCode;

use crate::admin::Tally;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{self, Inputs, Loaded};
use crate::daemon::run_log::RunLog;
use crate::shutdown::Shutdown;
use crate::store::Store;
use crate::telemetry::{self, LogLevel, LogStyle, RunLines, Telemetry};
use console::{Console, Outcome};
use failure::Failure;
use progress::Bars;

/// What every command is given.
#[derive(Debug)]
struct Context {
    /// What the configuration was read from, to be read again.
    inputs: Inputs,
    loaded: Loaded,
    console: Console,
    shutdown: Shutdown,
    log_level: LogLevel,
    /// The log lines of runs, for the one who stores them.
    run_lines: Mutex<Option<RunLines>>,
}

impl Context {
    /// The log lines of runs; none when somebody has taken them already.
    fn take_run_lines(&self) -> Option<RunLines> {
        self.run_lines.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Begins to keep the log lines of runs in this store.
    fn keep_run_log(&self, store: &Store) -> Option<RunLog> {
        let store = watch::Sender::new(Some(store.clone())).subscribe();
        let hurry = self.shutdown.token().clone();
        self.take_run_lines().map(|lines| RunLog::start(lines, store, Tally::default(), hurry))
    }
}

/// Carries out what was asked for, inside a tokio runtime, and says how it ended.
pub async fn run(invocation: Invocation) -> ExitCode {
    let console = Console::new(invocation.json, Bars::on_stderr());
    let outcome = match prepare(&invocation, &console) {
        Ok(context) => Box::pin(dispatch(invocation, &context)).await,
        Err(failure) => Err(failure),
    };
    console.conclude(outcome)
}

fn prepare(invocation: &Invocation, console: &Console) -> Result<Context, Failure> {
    // These want nothing of what is configured for real work.
    let inputs = match invocation.command {
        Command::Demo(_) | Command::HelpFiles(_) => Inputs::isolated(invocation.overrides.clone()),
        _ => Inputs::from_process(invocation.overrides.clone()),
    };
    let loaded = config::load(&inputs)?;
    let log = &loaded.config.log;
    let terminal = console.bars.are_shown();
    let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let style = LogStyle { format: log.format.on(terminal), colours };
    let telemetry = telemetry::init(style, &log.level, console.bars.clone(), || SystemClock.now())?;
    let shutdown =
        Shutdown::listen().map_err(|source| Failure::Io { doing: "listen for signals", source })?;
    let Telemetry { level, run_lines } = telemetry;
    Ok(Context {
        inputs,
        loaded,
        console: console.clone(),
        shutdown,
        log_level: level,
        run_lines: Mutex::new(Some(run_lines)),
    })
}

async fn dispatch(invocation: Invocation, context: &Context) -> Result<Outcome, Failure> {
    match &invocation.command {
        Command::Demo(_) | Command::Check(_) | Command::Healthcheck => {}
        _ => warn(&context.loaded),
    }
    match invocation.command {
        Command::Run => run::run(context).await,
        Command::Backfill(args) => backfill::run(args, context).await,
        Command::Sync(args) => sync::run(args, context).await,
        Command::Reconcile(args) => reconcile::run(args, context).await,
        Command::Check(args) => check::run(args, context).await,
        Command::Status => status::run(context).await,
        Command::Failures(args) => failures::run(args, context).await,
        Command::Probe(args) => probe::run(args, context).await,
        Command::Cursor(args) => cursor::run(args, context).await,
        Command::Users(args) => users::run(args, context).await,
        Command::Migrate => migrate::run(context).await,
        Command::Schema(args) => schema::run(args, context).await,
        Command::Worker(args) => worker::run(&args, context).await,
        Command::Demo(args) => demo::run(args, context).await,
        Command::Healthcheck => healthcheck::run(context).await,
        Command::HelpFiles(args) => help_files::run(&args, context),
    }
}

/// Says once what is allowed in the configuration but unwise.
fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!(advice = warning, "configuration is unwise");
    }
}

/// Whether a person reads standard output.
fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}
