//! The instance and the caller: `myself`, `serverInfo`, permissions.

use axum::http::StatusCode;

use super::{Answer, Context};
use crate::api::params::param;
use crate::json::quote;
use crate::time::jira_text;
use crate::world::User;

/// `GET myself`: not for anonymous callers.
pub(super) fn myself(ctx: &Context<'_>) -> Answer {
    if !ctx.logged_in {
        return Answer::unauthorized();
    }
    let user = User {
        time_zone: ctx.config.user_zone.name().to_owned(),
        ..User::new(&ctx.config.user, "Simulated Caller")
    };
    let json = user.json(ctx.base_url);
    let open = json.as_str().strip_suffix('}').unwrap_or_default();
    Answer::ok(format!(
        r#"{open},"locale":"en_US","groups":{{"size":1,"items":[]}},"applicationRoles":{{"size":1,"items":[]}},"expand":"groups,applicationRoles"}}"#
    ))
}

/// `GET serverInfo`: for everybody, but anonymous callers are not told the time.
pub(super) fn server_info(ctx: &Context<'_>) -> Answer {
    let [major, minor, patch] = ctx.config.version;
    let time = match ctx.logged_in {
        true => quote(&jira_text(ctx.world.now(), ctx.world.zone())),
        false => "null".to_owned(),
    };
    Answer::ok(format!(
        r#"{{"baseUrl":{},"version":"{major}.{minor}.{patch}","versionNumbers":[{major},{minor},{patch}],"deploymentType":"Server","buildNumber":912007,"buildDate":"2024-03-20T00:00:00.000+0000","databaseBuildNumber":912007,"serverTime":{time},"scmInfo":"simulated","serverTitle":"Simulated Jira"}}"#,
        quote(ctx.base_url)
    ))
}

/// `GET mypermissions`, of the whole instance or of `projectKey`.
pub(super) fn permissions(ctx: &Context<'_>) -> Answer {
    if let Some(key) = param(ctx.params, "projectKey")
        && !ctx.world.project(key).is_some_and(|project| ctx.logged_in && !project.forbidden)
    {
        return Answer::not_found(&format!("No project could be found with key '{key}'."));
    }
    let one = |id: u32, key: &str, name: &str, have: bool| {
        format!(
            r#""{key}":{{"id":"{id}","key":"{key}","name":"{name}","type":"PROJECT","description":"","havePermission":{have}}}"#
        )
    };
    Answer::ok(format!(
        r#"{{"permissions":{{{},{},{}}}}}"#,
        one(10, "BROWSE_PROJECTS", "Browse Projects", ctx.logged_in),
        one(11, "CREATE_ISSUES", "Create Issues", false),
        one(0, "ADMINISTER", "Jira Administrators", false),
    ))
}

/// `GET configuration`.
pub(super) fn configuration() -> Answer {
    Answer::ok(
        r#"{"votingEnabled":true,"watchingEnabled":true,"unassignedIssuesAllowed":true,"subTasksEnabled":true,"issueLinkingEnabled":true,"timeTrackingEnabled":true,"attachmentsEnabled":true,"timeTrackingConfiguration":{"workingHoursPerDay":8.0,"workingDaysPerWeek":5.0,"timeFormat":"pretty","defaultUnit":"minute"}}"#,
    )
}

/// `GET user?username=` or `?key=`.
pub(super) fn user(ctx: &Context<'_>) -> Answer {
    let name = param(ctx.params, "username").or_else(|| param(ctx.params, "key"));
    let Some(name) = name else {
        let text = "Either the 'username' or the 'key' query parameters need to be provided";
        return Answer::errors(StatusCode::BAD_REQUEST, &[text.to_owned()]);
    };
    match ctx.world.user(name) {
        Some(user) => Answer::ok(user.as_str()),
        None if name == ctx.config.user => myself(ctx),
        None => Answer::not_found(&format!("The user named '{name}' does not exist")),
    }
}
