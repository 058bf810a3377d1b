//! `extractor check`: looks at everything a run needs, one finding each, and changes nothing.

mod database;
mod finding;
mod instance;

use serde_json::json;

use super::Context;
use super::args::CheckArgs;
use super::console::Outcome;
use super::failure::Failure;
use crate::config::{Origin, Projects, Setting};
use finding::{Finding, Findings};

pub(super) async fn run(args: CheckArgs, context: &Context) -> Result<Outcome, Failure> {
    let projects = if args.projects.is_empty() {
        context.loaded.config.sync.projects.clone()
    } else {
        Projects::Only(args.projects)
    };
    let mut findings = Findings::of(&context.console);
    configuration(&mut findings, context);
    database::check(&mut findings, context).await;
    instance::check(&mut findings, &projects, context).await;
    if context.shutdown.token().is_cancelled() {
        return Err(crate::daemon::wiring::WiringError::Interrupted.into());
    }
    let code = findings.exit_code();
    let json = json!({
        "findings": findings.json(),
        "settings": context.loaded.settings.iter().map(json_of_setting).collect::<Vec<_>>(),
        "exit_code": code.code(),
    });
    Ok(Outcome { code, json })
}

/// Which file was read, what was set and where, and what is unwise.
fn configuration(findings: &mut Findings<'_>, context: &Context) {
    let loaded = &context.loaded;
    let read = match &loaded.file {
        Some(path) => format!("read from {}", path.display()),
        None => "no file: the defaults, the environment and the flags alone".to_owned(),
    };
    findings.add(Finding::ok("configuration", read));
    let set = loaded.settings.iter().filter(|setting| is_set(setting));
    set.for_each(|setting| context.console.say(&text_of_setting(setting)));
    for warning in &loaded.warnings {
        findings.add(Finding::warn("configuration", warning.clone(), None));
    }
}

fn is_set(setting: &Setting) -> bool {
    !matches!(setting.origin, Origin::Default | Origin::Profile(_))
}

fn text_of_setting(setting: &Setting) -> String {
    let value = setting.value.as_deref().unwrap_or("(not shown)");
    format!("        {} = {value}, from {}", setting.key, setting.origin)
}

fn json_of_setting(setting: &Setting) -> serde_json::Value {
    json!({
        "key": setting.key,
        "value": setting.value,
        "secret": setting.value.is_none(),
        "origin": setting.origin.to_string(),
    })
}
