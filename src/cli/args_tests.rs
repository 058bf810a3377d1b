//! What command lines mean, and what the refused ones say.

use clap::CommandFactory;
use secrecy::ExposeSecret;

use super::*;

fn parsed(line: &str) -> Invocation {
    parse_from(line.split_whitespace()).unwrap_or_else(|refusal| panic!("{line}: {refusal:?}"))
}

fn refused(line: &str) -> (String, u8) {
    let refusal = parse_from(line.split_whitespace()).unwrap_err();
    let Refusal::Clap(error) = &refusal;
    (error.to_string(), refusal.exit_code().code())
}

fn keys(names: &[&str]) -> Vec<ProjectKey> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[rstest::rstest]
#[case("extractor backfill PROJ OPS")]
#[case("extractor backfill PROJ,OPS")]
#[case("extractor --backfill PROJ,OPS")]
#[case("extractor --backfill PROJ --backfill OPS")]
#[case("extractor --backfill=PROJ,OPS --profile fast")]
#[case("extractor --config x.toml --backfill PROJ,OPS")]
fn both_forms_of_backfill_are_one(#[case] line: &str) {
    let Command::Backfill(args) = parsed(line).command else { panic!("{line}") };
    assert_eq!(args, BackfillArgs { projects: keys(&["PROJ", "OPS"]), dry_run: false });
}

#[rstest::rstest]
#[case("extractor backfill PROJ --dry-run")]
#[case("extractor --backfill PROJ --dry-run")]
#[case("extractor --dry-run --backfill PROJ")]
fn both_forms_can_be_dry(#[case] line: &str) {
    let Command::Backfill(args) = parsed(line).command else { panic!("{line}") };
    assert!(args.dry_run);
}

#[test]
fn sync_takes_no_project_or_some() {
    let Command::Sync(args) = parsed("extractor sync --once").command else { panic!() };
    assert!(args.projects.is_empty() && args.once && !args.dry_run);
    let Command::Sync(args) = parsed("extractor sync A,B C --dry-run").command else { panic!() };
    assert_eq!(args.projects, keys(&["A", "B", "C"]));
    assert!(args.dry_run);
}

#[rstest::rstest]
#[case("extractor")]
#[case("extractor run")]
#[case("extractor --config x.toml")]
fn without_a_command_it_is_the_service(#[case] line: &str) {
    assert!(matches!(parsed(line).command, Command::Run));
}

#[test]
fn the_other_commands_are_there() {
    assert!(matches!(parsed("extractor check").command, Command::Check(_)));
    assert!(matches!(parsed("extractor status --json").command, Command::Status));
    assert!(matches!(parsed("extractor migrate").command, Command::Migrate));
    let Command::Worker(worker) = parsed("extractor worker --drain").command else { panic!() };
    assert!(worker.drain);
    let Command::Cursor(cursor) = parsed("extractor cursor").command else { panic!() };
    assert_eq!(cursor.action, None);
    let Command::Cursor(cursor) = parsed("extractor cursor reset PROJ").command else { panic!() };
    let project = "PROJ".parse().unwrap();
    assert_eq!(cursor.action, Some(CursorAction::Reset { project }));
    let Command::Demo(demo) = parsed("extractor demo --payloads a b --keep").command else {
        panic!()
    };
    assert_eq!((demo.payloads.len(), demo.keep, demo.issues), (2, true, 2000));
}

#[rstest::rstest]
#[case("export")]
fn what_does_not_work_yet_is_not_offered(#[case] command: &str) {
    let (_, code) = refused(&format!("extractor {command}"));
    assert_eq!(code, 64);
    assert!(Cli::command().find_subcommand(command).is_none());
}

#[test]
fn a_reconcile_takes_projects_and_an_override() {
    let Command::Reconcile(args) = parsed("extractor reconcile").command else { panic!() };
    assert_eq!((args.projects.len(), args.dry_run, args.allow_mass_delete), (0, false, false));
    let line = "extractor reconcile PROJ,OPS --allow-mass-delete";
    let Command::Reconcile(args) = parsed(line).command else { panic!() };
    assert_eq!((args.projects.len(), args.allow_mass_delete), (2, true));
    let (_, code) = refused("extractor reconcile --dry-run --allow-mass-delete");
    assert_eq!(code, 64);
}

#[test]
fn flags_stand_on_either_side_of_the_command() {
    for line in [
        "extractor --json --no-migrate --database-url postgres://u:hunter2@h/d status",
        "extractor status --json --no-migrate --database-url postgres://u:hunter2@h/d",
    ] {
        let invocation = parsed(line);
        assert!(invocation.json);
        assert_eq!(invocation.overrides.auto_migrate, Some(false));
        let url = invocation.overrides.database_url.as_ref().unwrap();
        assert_eq!(url.expose_secret(), "postgres://u:hunter2@h/d");
        assert!(!format!("{invocation:?}").contains("hunter2"));
    }
}

#[test]
fn a_flag_that_is_absent_leaves_its_key_alone() {
    let overrides = parsed("extractor status").overrides;
    assert_eq!(overrides.auto_migrate, None);
    assert!(overrides.profile.is_none() && overrides.base_url.is_none());
}

#[rstest::rstest]
#[case("extractor bakfill PROJ", "backfill")]
#[case("extractor backfill", "PROJ")]
#[case("extractor backfill proj", "did you mean PROJ?")]
#[case("extractor --backfill proj", "did you mean PROJ?")]
#[case("extractor backfill A,9X", "upper-case letter")]
#[case("extractor --backfill A status", "cannot be combined")]
#[case("extractor --backfill A B", "unrecognized subcommand")]
#[case("extractor --backfill", "a value is required")]
#[case("extractor --dry-run status", "--backfill")]
#[case("extractor status --profile quick", "conservative")]
#[case("extractor demo --issues 0", "1..=1000000")]
#[case("extractor demo --payloads f --seed 3", "--seed")]
fn what_makes_no_sense_is_explained_and_exits_64(#[case] line: &str, #[case] said: &str) {
    let (text, code) = refused(line);
    assert!(text.contains(said), "{text}");
    assert_eq!(code, 64);
}

#[rstest::rstest]
#[case("extractor --help")]
#[case("extractor -h")]
#[case("extractor --version")]
#[case("extractor backfill --help")]
fn help_is_no_failure(#[case] line: &str) {
    assert_eq!(refused(line).1, 0);
}

#[test]
fn help_teaches() {
    let (text, _) = refused("extractor --help");
    for part in ["Examples:", "extractor demo", "EXTRACTOR_JIRA__BASE_URL", "Exit codes:"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    for code in ExitCode::ALL {
        assert!(text.contains(&format!("{:>2}  {}", code.code(), code.meaning())), "{text}");
    }
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let (text, _) = refused(&format!("extractor {name} --help"));
        assert!(
            text.contains("Examples:") && text.contains(&format!("extractor {name}")),
            "{text}"
        );
    }
}

#[test]
fn failures_are_listed_unless_something_else_is_asked() {
    let Command::Failures(args) = parsed("extractor failures").command else { panic!() };
    assert_eq!(args.action, None);
    let line = "extractor failures list --project OPS --category temporary --limit 7";
    let Command::Failures(args) = parsed(line).command else { panic!() };
    let expected = FailuresListArgs {
        project: Some("OPS".parse().unwrap()),
        category: Some(FailureCategory::Temporary),
        limit: 7,
    };
    assert_eq!(args.action, Some(FailuresAction::List(expected)));
    let Command::Failures(args) = parsed("extractor failures list").command else { panic!() };
    assert_eq!(args.action, Some(FailuresAction::List(FailuresListArgs::default())));
}

#[test]
fn a_retry_names_issues_a_project_or_nothing() {
    let line = "extractor failures retry A-1,A-2 B-3 --project A";
    let Command::Failures(args) = parsed(line).command else { panic!() };
    let Some(FailuresAction::Retry(args)) = args.action else { panic!() };
    let keys: Vec<String> = args.keys.iter().map(ToString::to_string).collect();
    assert_eq!(keys, ["A-1", "A-2", "B-3"]);
    assert_eq!(args.project, Some("A".parse().unwrap()));
    let (text, code) = refused("extractor failures retry proj-7");
    assert!(text.contains("did you mean PROJ-7?"), "{text}");
    assert_eq!(code, 64);
    assert!(refused("extractor failures list --category soon").0.contains("admin_required"));
    assert_eq!(refused("extractor failures list --limit 0").1, 64);
}
