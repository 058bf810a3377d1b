//! The longer texts of `--help`: what each command is for, with examples to copy.

use super::exit::ExitCode;

pub(super) const PROGRAM: &str = "\
Keeps a Postgres database equal to what Jira holds, for every project it is told to follow, and can \
prove it.

Each run lists what changed, fetches only that, and closes with a certificate: what Jira counts \
against what is stored. Runs resume where they were stopped.";

/// What follows the options in the program's own `--help`.
pub(super) fn after_program() -> String {
    let codes: Vec<String> = ExitCode::ALL
        .into_iter()
        .map(|code| format!("  {:>2}  {}", code.code(), code.meaning()))
        .collect();
    format!("{PROGRAM_EXAMPLES}\n\nExit codes:\n{}", codes.join("\n"))
}

const PROGRAM_EXAMPLES: &str = "\
Examples:
  See it work, with nothing configured:
      extractor demo

  Extract a project into a Postgres of your own:
      export EXTRACTOR_JIRA__BASE_URL=https://jira.example.com
      export EXTRACTOR_JIRA__TOKEN_FILE=/run/secrets/jira_token
      export DATABASE_URL=postgres://extractor@db.example.com/warehouse
      extractor check PROJ
      extractor --backfill PROJ

  Then keep it up to date: as a service, or from cron:
      EXTRACTOR_SYNC__PROJECTS=PROJ extractor run
      */5 * * * *  extractor sync PROJ

Configuration, from lowest to highest:
  the built-in defaults, the profile, one file (--config, else ./extractor.toml, else
  /etc/extractor/extractor.toml), the environment (and .env), the flags.
  jira.base_url in the file is EXTRACTOR_JIRA__BASE_URL in the environment, and so on for each key.
  Without database.url a private Postgres is started and stopped by extractor itself.";

pub(super) const RUN: &str = "\
Keeps every project of sync.projects in sync, by sync.schedule, until it is told to stop; this is what \
`extractor` does without a command. With sync.projects = \"*\" projects that become visible are \
followed as well.

Up to sync.max_runs projects are worked on at once, and never one by two processes: any number of \
processes may share a database. A project that fails is left alone for a while, which grows; the others \
go on. A run that was cut short goes on where it stood. A database or a Jira that goes away is waited \
for.

SIGTERM and SIGINT end it: no batch is begun any more, those in flight are finished or put down within \
shutdown.grace, and the exit code is 0. A second signal ends it at once.";

pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  extractor                              as configured
  extractor run --config /etc/extractor/extractor.toml
  EXTRACTOR_SYNC__SCHEDULE='*/15 * * * *' EXTRACTOR_SYNC__PROJECTS='*' extractor";

pub(super) const BACKFILL: &str = "\
Extracts whole projects now, then exits. What is stored already and has not changed is not fetched \
again, so a backfill that was interrupted goes on where it stopped when it is started again.";

pub(super) const BACKFILL_EXAMPLES: &str = "\
Examples:
  extractor backfill PROJ OPS
  extractor --backfill PROJ,OPS          the same
  extractor backfill PROJ --dry-run      lists and counts; fetches and writes nothing
  extractor backfill PROJ --json         counters and certificate as JSON on standard output";

pub(super) const SYNC: &str = "\
Brings each project up to date once, then exits: made for cron. It lists what was updated since the \
last completed run began, less the overlap (sync.overlap), and fetches what differs. A project that was \
never extracted is backfilled. Without a project, those of sync.projects.";

pub(super) const SYNC_EXAMPLES: &str = "\
Examples:
  extractor sync                         the projects of the configuration
  extractor sync PROJ --dry-run          how much would be listed
  */5 * * * *  extractor sync            from cron; exit code 75 means that the last one still runs";

pub(super) const RECONCILE: &str = "\
Proves what is stored of each project, and prints a certificate that can be handed on. It lists the whole \
project, fetches what is missing or stale, and looks up by its id whatever is stored and was not listed: \
moved issues follow, and those that are deleted, hidden, archived or moved to a project that is not \
followed are marked (jira.issues.deleted_reason). Without a project, those of sync.projects.

Absence is not taken for deletion until it is proven. Where more is gone than people usually delete (ten \
issues, or a tenth of the project), nothing is marked and the exit code is 1: a permission may be lost, or \
the search index broken. --allow-mass-delete marks all of it, when it is known to be right.";

pub(super) const RECONCILE_EXAMPLES: &str = "\
Examples:
  extractor reconcile                    the projects of the configuration
  extractor reconcile PROJ --json        the certificate for a script; exit code 1 when it fails
  extractor reconcile PROJ --dry-run     how much would be listed
  extractor reconcile PROJ --allow-mass-delete";

pub(super) const CHECK: &str = "\
Checks everything a run needs, without extracting or changing anything: what is configured and where, \
the database and its schema, whether Jira can be reached, who we are there, the account's time zone, \
what this instance supports, and how many issues each project has for this account. Ends with the exit \
code of the worst finding.";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  extractor check                        the projects of the configuration
  extractor check PROJ --json            for a script";

pub(super) const STATUS: &str = "\
Shows what the database holds, without asking Jira: projects, cursors, how far behind they are, \
counts, how many issues are not whole, the queue, the last runs and the failures.";

pub(super) const STATUS_EXAMPLES: &str = "\
Examples:
  extractor status
  extractor status --json";

pub(super) const FAILURES: &str = "\
Shows the issues that could not be fetched or stored whole: what went wrong, who can do something about \
it (user_fixable, temporary, admin_required), what to do, how often it was tried, and when it is tried \
next. Every run tries again those whose time has come, and what is stored whole is forgotten here. \
Listing asks nothing of Jira.

`retry` makes failures due now and runs one sync of each of their projects, with its certificate. It \
tells which are healed and which remain, and ends with exit code 1 if any remain.";

pub(super) const FAILURES_EXAMPLES: &str = "\
Examples:
  extractor failures                     lists them, the latest first
  extractor failures list --project PROJ --category user_fixable --json
  extractor failures retry PROJ-17 PROJ-23
  extractor failures retry --project PROJ";

pub(super) const CURSOR: &str = "\
Shows or resets how far completed runs have got. After a reset the next sync of the project lists it \
from the beginning; what has not changed is not fetched again. While another process extracts the \
project, a reset is refused.";

pub(super) const CURSOR_EXAMPLES: &str = "\
Examples:
  extractor cursor                       lists them
  extractor cursor reset PROJ";

pub(super) const USERS: &str = "\
Finds people in what is stored, and erases one of them, as the GDPR asks for (Article 17).

An erasure puts a pseudonym in the place of the person's ids, names and e-mail address: in jira.users, \
in every field of every issue, in the history, comments, worklogs, attachments, watchers, voters, remote \
links, properties and catalogues, and in mentions ([~name], @name). Everything else stays, so the same \
pseudonym is the author of all they wrote. Text that people typed is not searched for names.

It is for good. Only keyed hashes of the ids are kept, by which the person is known when Jira mentions \
them again; from the moment when the erasure has begun no process stores them any more. Nothing is \
fetched again for it. Cut short, the same command goes on where it stopped.";

pub(super) const USERS_EXAMPLES: &str = "\
Examples:
  extractor users find ames                     who is it?
  extractor users erase ann --dry-run           what would be rewritten?
  extractor users erase ann@example.com --yes   for good";

pub(super) const MIGRATE: &str = "\
Applies the schema migrations that the database lacks, then exits. Other commands, but for \
`check` and dry runs, do it themselves unless told not to (--no-migrate, or database.auto_migrate = \
false).";

pub(super) const MIGRATE_EXAMPLES: &str = "\
Examples:
  DATABASE_URL=postgres://owner@db.example.com/warehouse extractor migrate";

pub(super) const SCHEMA: &str = "\
What analysts work with. `refresh` brings the views in jira_views in line with Jira's fields now; every \
run does so for its project when it begins. Columns keep their names, types and places whatever becomes \
of their fields, so what is built on the views goes on working. It also lets the role extractor_reader \
read what has come since the last migration.

`dbt` writes a sources.yml, `docs` a Markdown document, both in the words of the database's own comments. \
Nothing is asked of Jira.";

pub(super) const SCHEMA_EXAMPLES: &str = "\
Examples:
  extractor schema refresh
  extractor schema dbt --out models/staging/jira_sources.yml
  extractor schema docs --out schema.md";

pub(super) const HEALTHCHECK: &str = "\
Asks the service on this machine, at http.listen, whether it is alive: GET /healthz. For a container's \
health check where no other program can ask. Ends with 0 if it is, and with 69 if it is not.";

pub(super) const HEALTHCHECK_EXAMPLES: &str = "\
Examples:
  extractor healthcheck
  EXTRACTOR_HTTP__LISTEN=0.0.0.0:8080 extractor healthcheck";

pub(super) const HELP_FILES: &str = "\
Writes a manual page for each command, and completions for bash, zsh and fish.";

pub(super) const HELP_FILES_EXAMPLES: &str = "\
Examples:
  extractor help-files /usr/local/share/extractor
  extractor help-files DIR; man -l DIR/man/extractor.1";

pub(super) const PROBE: &str = "\
Fetches one issue on every rung of the ladder: full (everything, within jira.timeout), hub (everything \
but the links, within jira.hub_timeout), links (the links alone) and minimal (a few fields). Shows what \
each took and brought, while it runs, and on which rung an extraction would store the issue. It writes \
nothing and needs no database. Exit code 1 means that the issue would not be stored whole.";

pub(super) const PROBE_EXAMPLES: &str = "\
Examples:
  extractor probe PROJ-17
  extractor probe PROJ-17 --json         durations in milliseconds, sizes in bytes";

pub(super) const WORKER: &str = "\
Fetches what any run has queued, from this process too, until told to stop. Start it on other \
machines with the same database to share the work of a large backfill.";

pub(super) const WORKER_EXAMPLES: &str = "\
Examples:
  extractor worker                       until it is told to stop
  extractor worker --drain               until the queue is empty";

pub(super) const DEMO: &str = "\
Starts a simulated Jira and a private Postgres, backfills a generated project, and shows what was \
stored: the certificate, counts, and a few rows. On a terminal it then says how to connect with psql, \
and waits for Ctrl-C. Nothing needs to be configured: configuration files, the environment and the \
flags about Jira and the database count for nothing here.";

pub(super) const DEMO_EXAMPLES: &str = "\
Examples:
  extractor demo
  extractor demo --issues 20000 --seed 7
  extractor demo --payloads issues.ndjson --dir ./demo";
