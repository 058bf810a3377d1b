//! The site and the caller: `_edge/tenant_info`, `serverInfo`, `myself`, permissions.

use super::access::must_log_in;
use super::document::account_id;
use super::{Answer, Context, api, bad_request, view};
use crate::api::params::param;
use crate::json::quote;
use crate::time::jira_text;
use crate::world::User;

/// `GET /_edge/tenant_info`: for everybody.
pub(super) fn tenant_info(ctx: &Context<'_>) -> Answer {
    Answer::ok(format!(r#"{{"cloudId":{}}}"#, quote(ctx.config.cloud_id())))
}

/// `GET serverInfo`: for everybody. The zone is the site's, not the caller's.
pub(super) fn server_info(ctx: &Context<'_>) -> Answer {
    let site = quote(ctx.site_url);
    Answer::ok(format!(
        r#"{{"baseUrl":{site},"displayUrl":{site},"displayUrlServicedeskHelpCenter":{site},"displayUrlConfluence":{site},"version":"1001.0.0-SNAPSHOT","versionNumbers":[1001,0,0],"deploymentType":"Cloud","buildNumber":100287,"buildDate":"2025-06-02T07:25:15.000+0000","serverTime":{},"scmInfo":"simulated","serverTitle":"Jira","defaultLocale":{{"locale":"en_US"}},"serverTimeZone":{}}}"#,
        quote(&jira_text(ctx.world.now(), ctx.config.user_zone)),
        quote(ctx.world.zone().name()),
    ))
}

/// `GET myself`: not for anonymous callers.
pub(super) fn myself(ctx: &Context<'_>) -> Answer {
    if !ctx.logged_in {
        return must_log_in();
    }
    let account = account_id(&ctx.config.user);
    let zone = match ctx.config.cloud.hides_time_zone {
        true => String::new(),
        false => format!(r#""timeZone":{},"#, quote(ctx.config.user_zone.name())),
    };
    let link: String = url::form_urlencoded::byte_serialize(account.as_bytes()).collect();
    Answer::ok(format!(
        r#"{{"self":{},"accountId":{},"accountType":"atlassian","emailAddress":{},"avatarUrls":{{}},"displayName":"Simulated Caller","active":true,{zone}"locale":"en_US","groups":{{"size":1,"items":[]}},"applicationRoles":{{"size":1,"items":[]}},"expand":"groups,applicationRoles"}}"#,
        quote(&format!("{}{}user?accountId={link}", ctx.base_url, api(ctx))),
        quote(&account),
        quote(&format!("{}@example.invalid", ctx.config.user)),
    ))
}

/// `GET user?accountId=`.
pub(super) fn user(ctx: &Context<'_>) -> Answer {
    let Some(account) = param(ctx.params, "accountId") else {
        return bad_request("The accountId query parameter needs to be provided.");
    };
    if !ctx.logged_in {
        return must_log_in();
    }
    let mut users = ctx.world.catalogue.users.iter();
    let found = users.find(|user| {
        let key = user.member("key").or_else(|| user.member("name"));
        user.member("accountId").or_else(|| Some(account_id(&key?))).as_deref() == Some(account)
    });
    match found {
        Some(user) => Answer::ok(view(ctx).translated_text(user.as_str())),
        None if account == account_id(&ctx.config.user) => {
            let caller = User::new(&ctx.config.user, "Simulated Caller");
            Answer::ok(view(ctx).translated_text(caller.json(ctx.base_url).as_str()))
        }
        None => Answer::not_found(
            "Specified user does not exist or you do not have required permissions",
        ),
    }
}

/// `GET mypermissions`: those that `permissions` names, which it must, of the site or a project.
pub(super) fn permissions(ctx: &Context<'_>) -> Answer {
    const KNOWN: [(&str, u32, &str, &str); 3] = [
        ("BROWSE_PROJECTS", 10, "PROJECT", "Browse Projects"),
        ("CREATE_ISSUES", 11, "PROJECT", "Create Issues"),
        ("ADMINISTER", 0, "GLOBAL", "Administer Jira"),
    ];
    let Some(asked) = param(ctx.params, "permissions") else {
        return bad_request("The 'permissions' query parameter is required.");
    };
    let visible = |key: &str| {
        ctx.world.project(key).is_some_and(|project| ctx.logged_in && !project.forbidden)
    };
    if let Some(key) = param(ctx.params, "projectKey")
        && !visible(key)
    {
        return Answer::not_found(&format!("No project could be found with key '{key}'."));
    }
    let mut answers = Vec::new();
    for asked in asked.split(',').map(str::trim) {
        let Some((key, id, kind, name)) = KNOWN.iter().find(|(key, ..)| *key == asked) else {
            return bad_request(&format!("Unrecognized permission: {asked}"));
        };
        let have = ctx.logged_in && *key == "BROWSE_PROJECTS";
        answers.push(format!(
            r#""{key}":{{"id":"{id}","key":"{key}","name":"{name}","type":"{kind}","description":"","havePermission":{have}}}"#
        ));
    }
    Answer::ok(format!(r#"{{"permissions":{{{}}}}}"#, answers.join(",")))
}
