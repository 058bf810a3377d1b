//! Manual pages: one for the program, one for each command. What they say is what `--help` says, and
//! on the program's page every configuration key with the comment of `config/default.toml`.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::config::{self, DEFAULTS};

/// The pages of a command and those below it, by file name.
///
/// # Errors
/// Never in practice: the pages are written into memory.
pub(super) fn pages(mut program: Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    program.build();
    let mut pages = vec![page(&program, Some(keys()))?];
    let mut above: Vec<&Command> = program.get_subcommands().collect();
    while let Some(command) = above.pop() {
        pages.push(page(command, None)?);
        above.extend(command.get_subcommands());
    }
    Ok(pages)
}

fn page(command: &Command, more: Option<Roff>) -> io::Result<(String, Vec<u8>)> {
    let source = format!("extractor {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(source).manual("extractor");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if let Some(after) = command.get_after_long_help() {
        sections(&after.to_string()).to_writer(&mut text)?;
    }
    if let Some(more) = more {
        more.to_writer(&mut text)?;
    }
    Ok((man.get_filename(), text))
}

/// What follows the options in `--help`: a line at the margin that ends with a colon is a heading,
/// the lines after it are kept as they are.
fn sections(after: &str) -> Roff {
    let mut roff = Roff::new();
    let mut open = false;
    for line in after.lines() {
        let heading = line.strip_suffix(':').filter(|line| !line.starts_with(' '));
        if let Some(heading) = heading {
            if open {
                roff.control("fi", []);
            }
            let title = heading.split(',').next().unwrap_or(heading).to_uppercase();
            roff.control("SH", [title.as_str()]).control("nf", []);
            open = true;
        } else {
            roff.text([roman(line)]);
        }
    }
    if open {
        roff.control("fi", []);
    }
    roff
}

/// Every key with its variable, its default and what `config/default.toml` says about it. Keys that
/// share a comment there share one here.
fn keys() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["CONFIGURATION KEYS AND ENVIRONMENT"]);
    let (mut section, mut comment, mut named) = (String::new(), Vec::new(), 0);
    for line in DEFAULTS.lines().chain([""]) {
        if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            let key = format!("{section}{key}");
            let default =
                if value == "\"\"" { String::new() } else { format!(" (default {value})") };
            roff.control(if named == 0 { "TP" } else { "TQ" }, []);
            roff.text([bold(&key), roman(", "), bold(config::variable(&key)), roman(default)]);
            named += 1;
            continue;
        }
        if named > 0 {
            roff.text([roman(comment.join(" "))]);
            comment.clear();
            named = 0;
        }
        match (line.strip_prefix('#'), line.strip_prefix('[')) {
            (Some(text), _) => comment.push(text.trim()),
            (None, Some(name)) => section = format!("{}.", name.trim_end_matches(']')),
            (None, None) => comment.clear(),
        }
    }
    roff
}
