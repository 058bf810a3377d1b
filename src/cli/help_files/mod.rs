//! `extractor help-files DIR`: manual pages and shell completions, made from the definition of the
//! command line. For packagers, and so not listed by `--help`.

mod man;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use serde_json::json;

use super::Context;
use super::args::{self, HelpFilesArgs};
use super::console::Outcome;
use super::exit::ExitCode;
use super::failure::Failure;
use super::words::count;

const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

pub(super) fn run(args: &HelpFilesArgs, context: &Context) -> Result<Outcome, Failure> {
    let files = write(&args.dir)
        .map_err(|source| Failure::Io { doing: "write the manual and completions", source })?;
    context.console.say(&format!("{} written", count(files.len() as u64, "file")));
    Ok(Outcome { code: ExitCode::Done, json: json!({"files": files, "exit_code": 0}) })
}

/// Writes `man/*.1` and `completions/*` below `dir`, and answers with their names.
fn write(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let (pages, completions) = (dir.join("man"), dir.join("completions"));
    fs::create_dir_all(&pages)?;
    fs::create_dir_all(&completions)?;
    let mut files = Vec::new();
    let offered = offered(&args::definition());
    for (name, text) in man::pages(offered.clone())? {
        let path = pages.join(name);
        fs::write(&path, text)?;
        files.push(path);
    }
    for shell in SHELLS {
        let command = &mut offered.clone();
        files.push(clap_complete::generate_to(shell, command, "extractor", &completions)?);
    }
    Ok(files)
}

/// The definition without the commands that are hidden, which clap would complete too.
fn offered(whole: &Command) -> Command {
    let mut offered = Command::new("extractor")
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments().cloned())
        .subcommands(whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned())
        .disable_help_subcommand(true);
    if let (Some(about), Some(long)) = (whole.get_about(), whole.get_long_about()) {
        offered = offered.about(about.clone()).long_about(long.clone());
    }
    match whole.get_after_long_help() {
        Some(text) => offered.after_long_help(text.clone()),
        None => offered,
    }
}
