//! `extractor users`: finding people in what is stored, and erasing one of them.

use serde_json::{Value, json};

use super::args::{UsersAction, UsersArgs, UsersEraseArgs, UsersFindArgs};
use super::console::Outcome;
use super::exit::ExitCode;
use super::failure::Failure;
use super::table::Table;
use super::{Context, status, stdout_is_terminal};
use crate::model::User;
use crate::store::{FoundUser, RewrittenRows, Store, UserLookup};
use crate::sync::{ErasedPerson, Erasing};

pub(super) async fn run(args: UsersArgs, context: &Context) -> Result<Outcome, Failure> {
    let Some(database) = status::open(context).await? else {
        return match args.action {
            UsersAction::Find(_) => Ok(found(&[], context)),
            UsersAction::Erase(args) => Err(Failure::NoPerson { who: args.who }),
        };
    };
    let outcome = match args.action {
        UsersAction::Find(args) => find(&args, database.store(), context).await,
        UsersAction::Erase(args) => erase(&args, database.store(), context).await,
    };
    database.close().await;
    outcome
}

async fn find(args: &UsersFindArgs, store: &Store, context: &Context) -> Result<Outcome, Failure> {
    let site = context.loaded.config.jira.site.as_ref();
    let users = store.find_users(site, &UserLookup::Part(&args.text), args.limit).await?;
    Ok(found(&users, context))
}

fn found(users: &[FoundUser], context: &Context) -> Outcome {
    let headings = ["SITE", "ID", "USER NAME", "DISPLAY NAME", "E-MAIL", "ACTIVE"];
    let mut table = Table::new(stdout_is_terminal(), &headings);
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    for FoundUser { site, user } in users {
        table.row(vec![
            site.to_string(),
            user.id.clone(),
            or_dash(&user.name),
            or_dash(&user.display_name),
            or_dash(&user.email),
            user.active.map_or("-", |active| if active { "yes" } else { "no" }).to_owned(),
        ]);
    }
    context.console.say(&match table.is_empty() {
        true => "nobody is stored whom that could be".to_owned(),
        false => table.render(),
    });
    let users: Vec<Value> = users.iter().map(json_of).collect();
    Outcome { code: ExitCode::Done, json: json!({"users": users, "exit_code": 0}) }
}

fn json_of(found: &FoundUser) -> Value {
    let User { id, name, display_name, email, active, time_zone } = &found.user;
    json!({
        "site": found.site, "id": id, "name": name, "display_name": display_name, "email": email,
        "active": active, "time_zone": time_zone,
    })
}

async fn erase(
    args: &UsersEraseArgs,
    store: &Store,
    context: &Context,
) -> Result<Outcome, Failure> {
    let config = &context.loaded.config;
    let site = config.jira.site.as_ref();
    let candidates = Erasing::candidates(store, site, &args.who, &config.privacy).await?;
    let erasing = Erasing::new(store.clone(), only(candidates, &args.who)?, &args.who);
    if erasing.is_done() {
        context.console.say("erased already: this is a pseudonym");
        return Ok(Outcome { code: ExitCode::Done, json: json!({"exit_code": 0}) });
    }
    if args.dry_run {
        return Ok(told(&erasing.count().await?, false, context));
    }
    if !args.yes {
        return Err(Failure::Unconfirmed);
    }
    Ok(told(&erasing.erase().await?, true, context))
}

/// The one person who is meant.
fn only(candidates: Vec<FoundUser>, who: &str) -> Result<FoundUser, Failure> {
    let ids: Vec<String> =
        candidates.iter().map(|found| format!("{} ({})", found.user.id, found.site)).collect();
    let mut candidates = candidates.into_iter();
    match (candidates.next(), ids.len()) {
        (None, _) => Err(Failure::NoPerson { who: who.to_owned() }),
        (Some(found), 1) => Ok(found),
        (Some(_), _) => Err(Failure::AmbiguousPerson { who: who.to_owned(), ids: ids.join(", ") }),
    }
}

fn told(erased: &ErasedPerson, done: bool, context: &Context) -> Outcome {
    let mut table = Table::new(stdout_is_terminal(), &["TABLE", "ROWS"]);
    for (name, rows) in erased.rows.by_table() {
        table.row(vec![name.to_owned(), table.number(rows)]);
    }
    let pseudonym = &erased.pseudonym;
    context.console.say(&match done {
        true => format!("erased: {pseudonym} stands in the person's place"),
        false => format!("would be erased: {pseudonym} would stand in the person's place"),
    });
    context.console.say(&table.render());
    context.console.say(LEFT);
    if erased.has_namesake {
        context.console.say(NAMESAKE);
    }
    let code = ExitCode::Done;
    let json = json!({
        "pseudonym": pseudonym,
        "erased": done,
        "rows": json_of_rows(&erased.rows),
        "has_namesake": erased.has_namesake,
        "exit_code": code.code(),
    });
    Outcome { code, json }
}

fn json_of_rows(rows: &RewrittenRows) -> Value {
    rows.by_table().into_iter().map(|(name, rows)| (name.to_owned(), Value::from(rows))).collect()
}

/// What an erasure does not do.
const LEFT: &str = "\
Text that people typed (summaries, descriptions, comments) is not searched for names: only mentions in \
it are replaced. Jira still has the person. Backups and copies of the database are not touched.";

const NAMESAKE: &str = "\
Somebody else has the same display name: where it stands in the history without an id, it was kept.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Site;

    fn user(id: &str) -> FoundUser {
        let user = User {
            id: id.to_owned(),
            name: None,
            display_name: None,
            email: None,
            active: None,
            time_zone: None,
        };
        FoundUser { site: Site::new("s"), user }
    }

    #[test]
    fn who_is_meant_must_be_one_person() {
        assert_eq!(only(vec![user("a")], "Ann").unwrap().user.id, "a");
        let nobody = only(Vec::new(), "Ann").unwrap_err();
        assert_eq!(nobody.exit_code(), ExitCode::Usage);
        assert!(nobody.sentence().contains("Ann"), "{nobody}");
        let several = only(vec![user("a"), user("b")], "Ann").unwrap_err();
        assert_eq!(several.exit_code(), ExitCode::Usage);
        assert!(several.sentence().contains("a (s), b (s)"), "{several}");
    }
}
