//! The command line as types: commands, flags, and the flags that stand for configuration keys.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use secrecy::SecretString;

use super::exit::ExitCode;
use super::help;
use super::schema::SchemaArgs;
use crate::config::{Overrides, Profile};
use crate::model::{FailureCategory, IssueKey, ProjectKey};

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The flags that stand for configuration keys.
    pub overrides: Overrides,
    /// Whether results go to standard output as JSON.
    pub json: bool,
    /// The command.
    pub command: Command,
}

/// A command.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Keep every configured project in sync until told to stop (the default)
    #[command(long_about = help::RUN, after_long_help = help::RUN_EXAMPLES)]
    Run,
    /// Extract whole projects now, then exit
    #[command(long_about = help::BACKFILL, after_long_help = help::BACKFILL_EXAMPLES)]
    Backfill(BackfillArgs),
    /// Bring projects up to date once, then exit
    #[command(long_about = help::SYNC, after_long_help = help::SYNC_EXAMPLES)]
    Sync(SyncArgs),
    /// Prove what is stored: find what is gone, moved or missing, and certify the rest
    #[command(long_about = help::RECONCILE, after_long_help = help::RECONCILE_EXAMPLES)]
    Reconcile(ReconcileArgs),
    /// Check configuration, database and Jira without extracting
    #[command(long_about = help::CHECK, after_long_help = help::CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Show projects, cursors, lag, the queue, runs and failures
    #[command(long_about = help::STATUS, after_long_help = help::STATUS_EXAMPLES)]
    Status,
    /// Show the issues that could not be fetched whole, or try them again
    #[command(long_about = help::FAILURES, after_long_help = help::FAILURES_EXAMPLES)]
    Failures(FailuresArgs),
    /// Fetch one issue in every way, and show what each takes and brings
    #[command(long_about = help::PROBE, after_long_help = help::PROBE_EXAMPLES)]
    Probe(ProbeArgs),
    /// Show or reset how far completed runs have got
    #[command(long_about = help::CURSOR, after_long_help = help::CURSOR_EXAMPLES)]
    Cursor(CursorArgs),
    /// Find people in what is stored, or erase one of them
    #[command(long_about = help::USERS, after_long_help = help::USERS_EXAMPLES)]
    Users(UsersArgs),
    /// Apply the schema migrations, then exit
    #[command(long_about = help::MIGRATE, after_long_help = help::MIGRATE_EXAMPLES)]
    Migrate,
    /// Refresh the views for analysts, or describe the schema for dbt and people
    #[command(long_about = help::SCHEMA, after_long_help = help::SCHEMA_EXAMPLES)]
    Schema(SchemaArgs),
    /// Fetch what any run has queued
    #[command(long_about = help::WORKER, after_long_help = help::WORKER_EXAMPLES)]
    Worker(WorkerArgs),
    /// See it work with a simulated Jira and a private Postgres
    #[command(long_about = help::DEMO, after_long_help = help::DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// Ask the service on this machine whether it is alive, for a container's health check
    #[command(hide = true, long_about = help::HEALTHCHECK, after_long_help = help::HEALTHCHECK_EXAMPLES)]
    Healthcheck,
    /// Write manual pages and shell completions, for packagers
    #[command(hide = true, long_about = help::HELP_FILES, after_long_help = help::HELP_FILES_EXAMPLES)]
    HelpFiles(HelpFilesArgs),
}

/// `extractor backfill`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BackfillArgs {
    /// The projects' keys
    #[arg(value_name = "PROJ", required = true, value_delimiter = ',', value_parser = project_key)]
    pub projects: Vec<ProjectKey>,
    /// List and count, but fetch and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `extractor sync`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SyncArgs {
    /// The projects' keys [default: sync.projects of the configuration]
    #[arg(value_name = "PROJ", value_delimiter = ',', value_parser = project_key)]
    pub projects: Vec<ProjectKey>,
    /// One pass and then exit, which is what happens without it too: for scripts that want to say so
    #[arg(long)]
    pub once: bool,
    /// List and count, but fetch and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `extractor reconcile`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ReconcileArgs {
    /// The projects' keys [default: sync.projects of the configuration]
    #[arg(value_name = "PROJ", value_delimiter = ',', value_parser = project_key)]
    pub projects: Vec<ProjectKey>,
    /// List and count, but look up, fetch and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Mark as deleted however many are gone: when people have really deleted so many
    #[arg(long, conflicts_with = "dry_run")]
    pub allow_mass_delete: bool,
}

/// `extractor check`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CheckArgs {
    /// The projects' keys [default: sync.projects of the configuration]
    #[arg(value_name = "PROJ", value_delimiter = ',', value_parser = project_key)]
    pub projects: Vec<ProjectKey>,
}

/// `extractor failures`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct FailuresArgs {
    /// What to do; none is `list`.
    #[command(subcommand)]
    pub action: Option<FailuresAction>,
}

/// What `extractor failures` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum FailuresAction {
    /// Show them, the latest first (the default)
    List(FailuresListArgs),
    /// Try them again now, whenever their next try was to be
    Retry(FailuresRetryArgs),
}

/// How many failures are listed unless told otherwise.
const FAILURES_LISTED: u32 = 50;

/// `extractor failures list`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct FailuresListArgs {
    /// Of this project only
    #[arg(long, value_name = "PROJ", value_parser = project_key)]
    pub project: Option<ProjectKey>,
    /// Of this category only: user_fixable, temporary or admin_required
    #[arg(long, value_name = "NAME", value_parser = failure_category)]
    pub category: Option<FailureCategory>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = FAILURES_LISTED, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
}

impl Default for FailuresListArgs {
    fn default() -> Self {
        Self { project: None, category: None, limit: FAILURES_LISTED }
    }
}

/// `extractor failures retry`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct FailuresRetryArgs {
    /// The issues' keys, as `extractor failures` shows them [default: every failure]
    #[arg(value_name = "KEY", value_delimiter = ',', value_parser = issue_key)]
    pub keys: Vec<IssueKey>,
    /// Of this project only
    #[arg(long, value_name = "PROJ", value_parser = project_key)]
    pub project: Option<ProjectKey>,
}

/// `extractor cursor`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CursorArgs {
    /// What to do; none is `list`.
    #[command(subcommand)]
    pub action: Option<CursorAction>,
}

/// What `extractor cursor` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum CursorAction {
    /// Show every project's cursor (the default)
    List,
    /// Forget a project's cursor: its next sync lists it from the beginning
    Reset {
        /// The project's key
        #[arg(value_name = "PROJ", value_parser = project_key)]
        project: ProjectKey,
    },
}

/// `extractor users`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UsersArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: UsersAction,
}

/// What `extractor users` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum UsersAction {
    /// Show the people of whom an id, a name or the e-mail address holds a text
    Find(UsersFindArgs),
    /// Put a pseudonym in the place of one person, everywhere and for good
    Erase(UsersEraseArgs),
}

/// How many people are listed unless told otherwise.
const USERS_LISTED: u32 = 50;

/// `extractor users find`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UsersFindArgs {
    /// A part of an id, user name, display name or e-mail address, in any case
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = USERS_LISTED, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
}

/// `extractor users erase`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UsersEraseArgs {
    /// The id (jira.users.id), or an e-mail address or name that is one person's only
    #[arg(value_name = "ID|EMAIL|NAME")]
    pub who: String,
    /// Do it: it cannot be undone
    #[arg(long)]
    pub yes: bool,
    /// Count what would be rewritten, and write nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
}

/// `extractor probe`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ProbeArgs {
    /// The issue's key, or one that it had
    #[arg(value_name = "KEY", value_parser = issue_key)]
    pub key: IssueKey,
}

/// `extractor worker`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct WorkerArgs {
    /// Exit when the queue is empty
    #[arg(long)]
    pub drain: bool,
}

/// `extractor demo`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DemoArgs {
    /// How many issues to generate
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub issues: u32,
    /// What the generated project depends on: the same seed gives the same issues
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Serve these real issues (one JSON object a line) instead of generated ones
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["issues", "seed"])]
    pub payloads: Vec<PathBuf>,
    /// Leave the database's files in place at the end, and say where they are
    #[arg(long)]
    pub keep: bool,
    /// Where the private Postgres keeps its files, which then stay [default: a temporary directory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `extractor help-files`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct HelpFilesArgs {
    /// Where to; `man` and `completions` are made there
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

#[derive(Debug, Parser)]
#[command(
    name = "extractor",
    version,
    about = "Keeps a Postgres database equal to what Jira holds, and can prove it"
)]
#[command(long_about = help::PROGRAM, after_long_help = help::after_program())]
#[command(disable_help_subcommand = true)]
struct Cli {
    /// The same as the command `backfill`
    #[arg(long, value_name = "PROJ[,PROJ…]", value_delimiter = ',', value_parser = project_key)]
    backfill: Vec<ProjectKey>,
    /// With --backfill: list and count, but fetch and write nothing
    #[arg(long, requires = "backfill")]
    dry_run: bool,
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
struct GlobalArgs {
    /// The configuration file, in TOML, YAML or JSON, and no other
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How hard to work Jira: fast 20 requests/s, balanced 10, conservative 5 (profile)
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<Profile>,
    /// The address of Jira with its context path (jira.base_url)
    #[arg(long, global = true, value_name = "URL")]
    base_url: Option<String>,
    /// The short name of the Jira instance in the database (jira.site)
    #[arg(long, global = true, value_name = "NAME")]
    site: Option<String>,
    /// The database (database.url); other users of the machine can see a password given here
    #[arg(long, global = true, value_name = "URL", value_parser = secret)]
    database_url: Option<SecretString>,
    /// Where a private Postgres keeps its files (database.data_dir)
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// Fail if the database lacks migrations, instead of applying them (database.auto_migrate)
    #[arg(long, global = true)]
    no_migrate: bool,
    /// auto, pretty or json (log.format)
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
    /// error, warn, info, debug, trace, or filters (log.level)
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Print results as JSON on standard output
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
}

impl GlobalArgs {
    fn overrides(self) -> Overrides {
        Overrides {
            file: self.config,
            profile: self.profile,
            base_url: self.base_url,
            site: self.site,
            database_url: self.database_url,
            data_dir: self.data_dir,
            auto_migrate: self.no_migrate.then_some(false),
            log_format: self.log_format,
            log_level: self.log_level,
        }
    }
}

/// The command line as clap knows it.
pub(super) fn definition() -> clap::Command {
    Cli::command()
}

/// Reads the process's command line.
///
/// # Errors
/// How to end at once: [`ExitCode::Done`] after help or the version was printed,
/// [`ExitCode::Usage`] after a complaint was.
pub fn parse() -> Result<Invocation, ExitCode> {
    parse_from(std::env::args_os()).map_err(|refusal| refusal.report())
}

/// Reads a command line, program name first.
fn parse_from(
    line: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<Invocation, Refusal> {
    let cli = Cli::try_parse_from(line).map_err(Refusal::Clap)?;
    let usage = |kind, message| Refusal::Clap(Cli::command().error(kind, message));
    let command = match (cli.command, cli.backfill) {
        (None, projects) if projects.is_empty() => Command::Run,
        (None, projects) => Command::Backfill(BackfillArgs { projects, dry_run: cli.dry_run }),
        (Some(command), projects) if projects.is_empty() => command,
        (Some(_), _) => {
            let message = "--backfill is a command of its own and cannot be combined with another; \
                           projects are separated by commas";
            return Err(usage(ErrorKind::ArgumentConflict, message));
        }
    };
    Ok(Invocation { json: cli.global.json, overrides: cli.global.overrides(), command })
}

/// A command line that leads to no command: help, the version, or a complaint.
#[derive(Debug)]
enum Refusal {
    Clap(clap::Error),
}

impl Refusal {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Clap(error) if error.use_stderr() => ExitCode::Usage,
            Self::Clap(_) => ExitCode::Done,
        }
    }

    /// Prints it where it belongs. When even that fails, the exit code still tells.
    fn report(&self) -> ExitCode {
        let Self::Clap(error) = self;
        let _ = error.print();
        self.exit_code()
    }
}

/// A project's key; a lower-case one is refused with the spelling that was probably meant.
fn project_key(text: &str) -> Result<ProjectKey, String> {
    text.parse().map_err(|error: crate::model::InvalidId| {
        match text.to_uppercase().parse::<ProjectKey>() {
            Ok(key) => format!("project keys are written in upper case; did you mean {key}?"),
            Err(_) => error.to_string(),
        }
    })
}

/// An issue's key; a lower-case one is refused with the spelling that was probably meant.
fn issue_key(text: &str) -> Result<IssueKey, String> {
    text.parse().map_err(|error: crate::model::InvalidId| {
        match text.to_uppercase().parse::<IssueKey>() {
            Ok(key) => format!("issue keys are written in upper case; did you mean {key}?"),
            Err(_) => error.to_string(),
        }
    })
}

fn failure_category(text: &str) -> Result<FailureCategory, String> {
    text.parse().map_err(|_| "it is user_fixable, temporary or admin_required".to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "the signature that clap asks for")]
fn secret(text: &str) -> Result<SecretString, String> {
    Ok(SecretString::from(text))
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
