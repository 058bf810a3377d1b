//! The private Postgres as its users see it, with a real server. Needs server programs installed.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;

/// The bound of every wait in this file; nothing comes near it unless it is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A temporary directory that the server's account can pass.
fn passable_dir() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), Permissions::from_mode(0o711)).unwrap();
    dir
}

fn settings(dir: &Path) -> PrivatePostgresSettings {
    PrivatePostgresSettings { durable: false, ..PrivatePostgresSettings::new(dir.join("pg")) }
}

async fn start(dir: &Path) -> PrivatePostgres {
    PrivatePostgres::start(settings(dir)).await.unwrap()
}

async fn ask(postgres: &PrivatePostgres, sql: &'static str) -> String {
    let mut connection = PgConnection::connect(postgres.url()).await.unwrap();
    let answer = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    answer
}

async fn write_row(postgres: &PrivatePostgres) {
    let mut connection = PgConnection::connect(postgres.url()).await.unwrap();
    sqlx::query("CREATE TABLE kept AS SELECT 'kept' AS word")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

const READ_ROW: &str = "SELECT word FROM kept";

fn is_alive(pid: i32) -> bool {
    pid_file::is_alive(pid)
}

/// Ends this user as `kill -9` would: locks released, nobody told, the server left alone.
async fn die(mut postgres: PrivatePostgres) {
    let supervisor = postgres.supervisor.take().unwrap();
    supervisor.abort();
    drop(supervisor.await);
    drop(postgres.presence.take());
}

#[tokio::test]
async fn a_new_database_is_durable_checked_and_reached_by_socket_only() {
    let dir = passable_dir();
    let durable = PrivatePostgresSettings::new(dir.path().join("pg"));
    let postgres = PrivatePostgres::start(durable).await.unwrap();
    for (sql, answer) in [
        ("SHOW fsync", "on"),
        ("SHOW full_page_writes", "on"),
        ("SHOW synchronous_commit", "on"),
        ("SHOW data_checksums", "on"),
        ("SHOW server_encoding", "UTF8"),
        ("SHOW listen_addresses", ""),
        ("SHOW max_connections", "50"),
        ("SELECT datcollate::text FROM pg_database WHERE datname = 'extractor'", "C"),
        ("SELECT current_database()::text || '/' || current_user::text", "extractor/extractor"),
    ] {
        assert_eq!(ask(&postgres, sql).await, answer, "{sql}");
    }
    let run_dir = postgres.launch.layout.run_dir.clone();
    assert_eq!(run_dir.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let pid = postgres.pid();
    postgres.stop().await.unwrap();
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn the_server_is_outside_our_process_group_and_knows_no_secrets() {
    let dir = passable_dir();
    let postgres = start(dir.path()).await;
    let pid = postgres.pid();
    assert_eq!(nix::unistd::getpgid(Some(Pid::from_raw(pid))).unwrap().as_raw(), pid);
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    assert!(environment.contains("LC_ALL=C"));
    assert!(!environment.contains("CARGO"), "{environment}");
    if geteuid().is_root() {
        let owner = std::fs::metadata(format!("/proc/{pid}")).unwrap().uid();
        assert_ne!(owner, 0);
    }
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_stopped_database_comes_back_with_its_data() {
    let dir = passable_dir();
    let first = start(dir.path()).await;
    write_row(&first).await;
    first.stop().await.unwrap();
    let second = start(dir.path()).await;
    assert_eq!(ask(&second, READ_ROW).await, "kept");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn psql_gets_in_with_the_command_and_with_the_url() {
    let dir = passable_dir();
    let postgres = start(dir.path()).await;
    let command = postgres.psql_command();
    let by_url = format!("psql '{}'", postgres.url());
    for command in [command, by_url] {
        let output = Command::new("sh")
            .args(["-c", &format!("{command} -Atc 'SELECT current_database()'")])
            .output()
            .await
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "extractor", "{command}");
    }
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_server_is_restarted_and_keeps_its_data() {
    let dir = passable_dir();
    let postgres = start(dir.path()).await;
    write_row(&postgres).await;
    let mut state = postgres.subscribe();
    let killed = postgres.pid();
    kill(Pid::from_raw(killed), Signal::SIGKILL).unwrap();
    let again = |state: &ServerState| matches!(state, ServerState::Up { pid } if *pid != killed);
    timeout(PATIENCE, state.wait_for(again)).await.unwrap().unwrap();
    assert_ne!(postgres.pid(), killed);
    assert_eq!(ask(&postgres, READ_ROW).await, "kept");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_whose_program_was_killed_is_adopted_watched_and_stopped() {
    let dir = passable_dir();
    let first = start(dir.path()).await;
    write_row(&first).await;
    let orphan = first.pid();
    die(first).await;
    assert!(is_alive(orphan));

    let second = start(dir.path()).await;
    assert_eq!(second.pid(), orphan);
    assert_eq!(ask(&second, READ_ROW).await, "kept");

    let mut state = second.subscribe();
    kill(Pid::from_raw(orphan), Signal::SIGKILL).unwrap();
    let again = |state: &ServerState| matches!(state, ServerState::Up { pid } if *pid != orphan);
    timeout(PATIENCE, state.wait_for(again)).await.unwrap().unwrap();
    assert_eq!(ask(&second, READ_ROW).await, "kept");

    let last = second.pid();
    second.stop().await.unwrap();
    assert!(!is_alive(last));
}

#[tokio::test]
async fn a_server_that_died_with_its_program_is_started_again() {
    let dir = passable_dir();
    let first = start(dir.path()).await;
    write_row(&first).await;
    let pid = first.pid();
    die(first).await;
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    let second = start(dir.path()).await;
    assert_ne!(second.pid(), pid);
    assert_eq!(ask(&second, READ_ROW).await, "kept");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn two_users_share_a_server_and_the_last_one_out_stops_it() {
    let dir = passable_dir();
    let first = start(dir.path()).await;
    let second = start(dir.path()).await;
    let pid = first.pid();
    assert_eq!(second.pid(), pid);
    assert_eq!(second.url(), first.url());
    first.stop().await.unwrap();
    assert_eq!(ask(&second, "SELECT 'still up'").await, "still up");
    assert_eq!(second.pid(), pid);
    second.stop().await.unwrap();
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn users_that_start_at_once_make_one_cluster_and_one_server() {
    let dir = passable_dir();
    let starts = (0..4).map(|_| PrivatePostgres::start(settings(dir.path())));
    let users: Vec<_> = futures::future::try_join_all(starts).await.unwrap();
    let pid = users[0].pid();
    assert!(users.iter().all(|user| user.pid() == pid));
    for user in users {
        assert!(is_alive(pid));
        user.stop().await.unwrap();
    }
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_dropped_last_user_lets_the_server_stop_and_the_next_one_waits_for_it() {
    let dir = passable_dir();
    let first = start(dir.path()).await;
    write_row(&first).await;
    let pid = first.pid();
    drop(first);
    let second = start(dir.path()).await;
    assert_ne!(second.pid(), pid);
    assert_eq!(ask(&second, READ_ROW).await, "kept");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_killed_initdb_left_is_removed() {
    let dir = passable_dir();
    let staging = dir.path().join("pg/data.init");
    std::fs::create_dir_all(staging.join("base")).unwrap();
    std::fs::set_permissions(dir.path().join("pg"), Permissions::from_mode(0o711)).unwrap();
    std::fs::write(staging.join("PG_VERSION"), "9\n").unwrap();
    let postgres = start(dir.path()).await;
    assert!(!staging.exists());
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_pid_file_that_names_another_program_does_not_stop_a_start() {
    let dir = passable_dir();
    let first = start(dir.path()).await;
    let pid_file = first.launch.layout.cluster.join("postmaster.pid");
    let text = std::fs::read_to_string(&pid_file).unwrap();
    let pid = first.pid().to_string();
    first.stop().await.unwrap();
    let ours = std::process::id().to_string();
    std::fs::write(&pid_file, text.replacen(&pid, &ours, 1)).unwrap();
    let second = start(dir.path()).await;
    assert_ne!(second.pid().to_string(), ours);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_data_directory_too_deep_for_a_socket_works() {
    let dir = passable_dir();
    let deep = dir.path().join("x".repeat(60)).join("y z".repeat(20));
    let postgres = start(&deep).await;
    let run_dir = postgres.launch.layout.run_dir.clone();
    assert!(run_dir.starts_with("/tmp"), "{}", run_dir.display());
    assert_eq!(ask(&postgres, "SELECT 'reached'").await, "reached");
    postgres.stop().await.unwrap();
    std::fs::remove_dir_all(run_dir).unwrap();
}

#[tokio::test]
async fn without_programs_the_error_says_what_to_do() {
    let (dir, empty) = (passable_dir(), passable_dir());
    let mut settings = settings(dir.path());
    settings.bin_dir = Some(empty.path().to_path_buf());
    let error = PrivatePostgres::start(settings).await.unwrap_err();
    assert!(matches!(error, PrivatePostgresError::NotInstalled { .. }), "{error:?}");
    let text = error.to_string();
    for hint in ["apt-get install", "DATABASE_URL", &*empty.path().to_string_lossy()] {
        assert!(text.contains(hint), "{text}");
    }
}

#[tokio::test]
async fn a_cluster_of_a_version_that_is_not_installed_is_refused_untouched() {
    let dir = passable_dir();
    start(dir.path()).await.stop().await.unwrap();
    let version = dir.path().join("pg/data/PG_VERSION");
    std::fs::write(&version, "13\n").unwrap();
    let error = PrivatePostgres::start(settings(dir.path())).await.unwrap_err();
    let mismatch = matches!(error, PrivatePostgresError::VersionMismatch { cluster: 13, .. });
    assert!(mismatch, "{error:?}");
    assert_eq!(std::fs::read_to_string(version).unwrap(), "13\n");
}

#[tokio::test]
async fn a_directory_that_is_no_cluster_is_refused_untouched() {
    let dir = passable_dir();
    let stranger = dir.path().join("pg/data/letters.txt");
    std::fs::create_dir_all(stranger.parent().unwrap()).unwrap();
    std::fs::write(&stranger, "dear").unwrap();
    let error = PrivatePostgres::start(settings(dir.path())).await.unwrap_err();
    assert!(matches!(error, PrivatePostgresError::NotAllowed { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(stranger).unwrap(), "dear");
}

#[tokio::test]
async fn a_server_that_was_started_by_hand_is_refused_and_left_alone() {
    let dir = passable_dir();
    let first = start(dir.path()).await;
    let (launch, pid) = (first.launch.clone(), first.pid());
    let pid_file = launch.layout.cluster.join("postmaster.pid");
    let text = std::fs::read_to_string(&pid_file).unwrap();
    let run_dir = launch.layout.run_dir.display().to_string();
    std::fs::write(&pid_file, text.replace(&run_dir, "/tmp/elsewhere")).unwrap();

    let error = PrivatePostgres::start(settings(dir.path())).await.unwrap_err();
    assert!(matches!(error, PrivatePostgresError::HeldByOther { .. }), "{error:?}");
    let message = error.to_string();
    for part in [pid.to_string().as_str(), "/tmp/elsewhere"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(is_alive(pid));

    std::fs::write(&pid_file, text).unwrap();
    first.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_start_shows_the_end_of_its_log() {
    let dir = passable_dir();
    start(dir.path()).await.stop().await.unwrap();
    let config = dir.path().join("pg/data/postgresql.conf");
    std::fs::write(config, "no_such_setting = 1\n").unwrap();
    let error = PrivatePostgres::start(settings(dir.path())).await.unwrap_err();
    assert!(matches!(error, PrivatePostgresError::StartFailed { .. }), "{error:?}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn a_directory_that_the_servers_account_cannot_enter_is_named() {
    if !geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
    let error = PrivatePostgres::start(settings(dir.path())).await.unwrap_err();
    let PrivatePostgresError::NotAllowed { path, reason, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(path, dir.path());
    assert!(reason.contains("may not enter"), "{reason}");
}

#[tokio::test]
async fn a_directory_of_another_user_is_refused_untouched() {
    if !geteuid().is_root() {
        return;
    }
    let dir = passable_dir();
    let theirs = dir.path().join("pg");
    std::fs::create_dir(&theirs).unwrap();
    std::os::unix::fs::chown(&theirs, Some(54321), None).unwrap();
    let error = PrivatePostgres::start(settings(dir.path())).await.unwrap_err();
    assert!(matches!(error, PrivatePostgresError::NotAllowed { .. }), "{error:?}");
    assert!(error.to_string().contains("54321"), "{error}");
    assert_eq!(theirs.read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn a_strange_directory_for_the_socket_is_refused() {
    let dir = passable_dir();
    let run_dir = dir.path().join("pg/run");
    std::fs::create_dir_all(&run_dir).unwrap();
    std::fs::set_permissions(&run_dir, Permissions::from_mode(0o777)).unwrap();
    let error = PrivatePostgres::start(settings(dir.path())).await.unwrap_err();
    let PrivatePostgresError::NotAllowed { path, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(path, run_dir.canonicalize().unwrap());
}
