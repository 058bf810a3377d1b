//! `extractor schema`: the views for analysts, and what the database says of itself, for dbt and for
//! people.

mod dbt;
mod docs;
mod refresh;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Context;
use super::console::Outcome;
use super::exit::ExitCode;
use super::failure::Failure;
use crate::daemon::wiring::{Database, Schema};
use crate::store::SchemaFacts;

/// `extractor schema`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SchemaArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: SchemaAction,
}

/// What `extractor schema` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum SchemaAction {
    /// Bring the views in jira_views in line with the field catalogue now
    Refresh,
    /// Write a sources.yml for dbt: the schemas jira and jira_views
    Dbt(OutArgs),
    /// Write what the tables, views and functions are, as Markdown
    Docs(OutArgs),
}

/// Where a text goes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct OutArgs {
    /// Into this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

pub(super) async fn run(args: SchemaArgs, context: &Context) -> Result<Outcome, Failure> {
    let (config, stop) = (&context.loaded.config.database, context.shutdown.token());
    let database = Database::open(config, Schema::AsConfigured, stop).await?;
    let outcome = match args.action {
        SchemaAction::Refresh => refresh::run(database.store(), context).await,
        SchemaAction::Dbt(out) => write(&database, dbt::sources, &out, context).await,
        SchemaAction::Docs(out) => write(&database, docs::markdown, &out, context).await,
    };
    database.close().await;
    outcome
}

/// Writes a text made of what the database says of itself.
async fn write(
    database: &Database,
    render: fn(&SchemaFacts) -> String,
    args: &OutArgs,
    context: &Context,
) -> Result<Outcome, Failure> {
    let text = render(&database.store().load_schema_facts().await?);
    let json = match &args.out {
        None => {
            context.console.say(text.trim_end());
            json!({"text": text, "exit_code": 0})
        }
        Some(path) => {
            std::fs::write(path, text)
                .map_err(|source| Failure::Io { doing: "write the file of --out", source })?;
            context.console.say(&format!("written to {}", path.display()));
            json!({"out": path, "exit_code": 0})
        }
    };
    Ok(Outcome { code: ExitCode::Done, json })
}
