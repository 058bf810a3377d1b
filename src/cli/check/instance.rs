//! Jira: whether it answers, who we are there, what it can do, and what it shows of each project.

use super::finding::{Finding, Findings};
use crate::cli::Context;
use crate::cli::failure::Failure;
use crate::cli::runs::meant;
use crate::cli::words::{count, number};
use crate::config::Projects;
use crate::daemon::wiring::{self, Peer};
use crate::jira::{Flavor, Instance};
use crate::jql::{Query, UserFilter};
use crate::model::ProjectKey;
use crate::sync::SyncError;

const ABOUT: &str = "jira";

pub(super) async fn check(findings: &mut Findings<'_>, projects: &Projects, context: &Context) {
    let checked = async {
        let filter = wiring::user_filter(&context.loaded.config)?;
        let named = match projects {
            Projects::All => &[][..],
            Projects::Only(keys) => keys,
        };
        let (config, stop) = (&context.loaded.config, context.shutdown.token());
        let peer = Peer::meet(config, named, stop).await?;
        capabilities(&peer).into_iter().for_each(|finding| findings.add(finding));
        all_projects(findings, projects, &peer, filter.as_ref()).await
    };
    let checked = tokio::select! {
        checked = checked => checked,
        () = context.shutdown.token().cancelled() => return,
    };
    if let Err(failure) = checked {
        findings.add(Finding::fail(ABOUT, &failure));
    }
}

fn capabilities(peer: &Peer) -> Vec<Finding> {
    let Instance { page_cap, .. } = &peer.instance;
    let page = format!("a listing page has up to {} rows", number(u64::from(*page_cap)));
    vec![
        kind(peer),
        user(&peer.instance),
        times(&peer.instance),
        Finding::ok("page", page),
        Finding::ok("changelog", changelog(&peer.instance)),
    ]
}

fn kind(peer: &Peer) -> Finding {
    let Instance { version, deployment, flavor, .. } = &peer.instance;
    let host = peer.client.host();
    let answers = format!("Jira {version} ({deployment}) at {host} answers, site {}", peer.site);
    match peer.instance.contradiction() {
        None => Finding::ok(ABOUT, answers),
        Some(says) => Finding::warn(
            ABOUT,
            format!("{answers}; it is asked as {flavor}, but says that it is {says}"),
            Some("set jira.flavor to auto, unless you know better"),
        ),
    }
}

fn user(instance: &Instance) -> Finding {
    match &instance.user {
        Some(user) => {
            Finding::ok("account", format!("logged in as {} ({})", user.display_name, user.name))
        }
        None => Finding::warn(
            "account",
            "asking as an anonymous visitor: only what everybody may see is extracted",
            Some("set jira.token"),
        ),
    }
}

fn times(instance: &Instance) -> Finding {
    let zone = match instance.time_zone {
        Some(zone) => format!("the account's time zone is {zone}"),
        None => "the account's time zone is not known".to_owned(),
    };
    let grid = if instance.epoch_millis() {
        "JQL honours epoch milliseconds, so listings go on from the very second"
    } else {
        "JQL does not honour epoch milliseconds, so listings go on from the minute, in that zone"
    };
    Finding::ok("time", format!("{zone}; {grid}"))
}

fn changelog(instance: &Instance) -> &'static str {
    match instance.changelog_endpoint {
        Some(true) if instance.flavor == Flavor::Cloud => {
            "the site delivers the changelogs of many issues at once"
        }
        Some(true) => "the instance pages long changelogs",
        Some(false) => "the instance does not page changelogs; they come whole with the issues",
        None => "there was no issue to find out with whether the instance pages changelogs",
    }
}

async fn all_projects(
    findings: &mut Findings<'_>,
    projects: &Projects,
    peer: &Peer,
    filter: Option<&UserFilter>,
) -> Result<(), Failure> {
    if *projects == Projects::Only(Vec::new()) {
        findings.add(Finding::warn(
            "projects",
            "none is named, and sync.projects is empty",
            Some("name the projects that are to be checked, or set sync.projects"),
        ));
        return Ok(());
    }
    for project in meant(projects, peer).await? {
        let finding = one_project(&project, peer, filter).await;
        findings.add(finding);
    }
    Ok(())
}

async fn one_project(project: &ProjectKey, peer: &Peer, filter: Option<&UserFilter>) -> Finding {
    let about = project.as_str();
    let looked = async {
        let Some(info) = peer.client.project(project).await? else {
            return Err(Failure::Sync(SyncError::ProjectNotVisible { project: project.clone() }));
        };
        let query = Query::project(project.clone(), filter.cloned()).to_string();
        let issues = match peer.instance.flavor {
            Flavor::Server => peer.client.count(&query).await?,
            Flavor::Cloud => peer.client.approximate_count(&query).await?,
        };
        Ok((info, issues))
    };
    // Cloud estimates, and its estimate may lag behind.
    let about_so_many = |issues| match peer.instance.flavor {
        Flavor::Server => count(issues, "issue"),
        Flavor::Cloud => format!("about {}", count(issues, "issue")),
    };
    match looked.await {
        Err(failure) => Finding::fail(about, &failure),
        Ok((info, issues)) if info.archived => Finding::warn(
            about,
            format!("{:?} is archived; Jira's search shows {}", info.name, about_so_many(issues)),
            Some("restore the project in Jira if it is to be extracted"),
        ),
        Ok((info, 0)) => Finding::warn(
            about,
            format!("{:?} is visible, but shows no issue to this account", info.name),
            Some("check the account's permissions, if the project should have some"),
        ),
        Ok((info, issues)) => {
            Finding::ok(about, format!("{:?} has {}", info.name, about_so_many(issues)))
        }
    }
}
