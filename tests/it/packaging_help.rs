//! The manual pages and shell completions that `extractor help-files` writes: read as their readers
//! read them, by `man` (or mandoc) and by a real bash.

use std::path::Path;
use std::process::Command;

use extractor::cli::ExitCode;
use extractor::config::{DEFAULTS, variable};

use crate::binary::Home;

/// The names in the list of commands of `-h`.
async fn commands(home: &Home) -> Vec<String> {
    let help = home.extractor("-h").run().await.with(0).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    listed
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}

async fn written() -> Home {
    let home = Home::new();
    home.extractor("help-files .").run().await.with(0);
    home
}

/// A page as a person reads it, with what the program that rendered it complained about.
fn rendered(page: &Path) -> Option<(String, String)> {
    for (program, arguments) in [("mandoc", vec!["-Tutf8"]), ("man", vec!["--warnings", "-l"])] {
        let output = Command::new(program)
            .args(arguments)
            .arg(page)
            .env("MANWIDTH", "400")
            .env("LC_ALL", "C.UTF-8")
            .output();
        let Ok(output) = output else { continue };
        assert!(output.status.success(), "{program}: {output:?}");
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        return Some((without_emphasis(&String::from_utf8_lossy(&output.stdout)), complaints));
    }
    eprintln!("skipped: neither mandoc nor man is here; the pages are checked as they are written");
    None
}

/// Without the letters printed over each other for bold and underlined.
fn without_emphasis(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        if c == '\u{8}' {
            plain.pop();
        } else {
            plain.push(c);
        }
    }
    plain
}

/// Text that may be broken into lines and hyphenated anywhere, as one line.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("\\-", "-")
}

#[tokio::test]
async fn the_manual_names_every_command_exit_code_and_key() {
    let home = written().await;
    let page = home.path().join("man/extractor.1");
    let (text, complaints) =
        rendered(&page).unwrap_or_else(|| (std::fs::read_to_string(&page).unwrap(), String::new()));
    assert!(!complaints.contains("ERROR"), "{complaints}");
    let text = in_one_line(&text);
    let commands = commands(&home).await;
    assert!(commands.len() >= 10, "{commands:?}");
    for command in &commands {
        assert!(text.contains(&format!("extractor-{command}(1)")), "no {command}");
    }
    for code in ExitCode::ALL {
        let line = format!("{} {}", code.code(), code.meaning());
        assert!(text.contains(&line), "no {line:?}");
    }
    let mut section = String::new();
    let mut keys = 0;
    for line in DEFAULTS.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
        } else if let Some((key, _)) = line.split_once(" = ") {
            let key = format!("{section}{key}");
            assert!(text.contains(&format!("{key}, {}", variable(&key))), "no {key}");
            keys += 1;
        }
    }
    assert!(keys > 30, "only {keys} keys");
    assert!(text.contains("a short fuse costs little"), "no comments of default.toml");
}

#[tokio::test]
async fn every_command_that_is_offered_has_a_page_that_renders() {
    let home = written().await;
    for command in commands(&home).await {
        let page = home.path().join(format!("man/extractor-{command}.1"));
        assert!(page.exists(), "no {}", page.display());
        if let Some((text, complaints)) = rendered(&page) {
            assert!(!complaints.contains("ERROR"), "{command}: {complaints}");
            for heading in ["NAME", "SYNOPSIS", "EXAMPLES"] {
                assert!(text.contains(heading), "{command} without {heading}");
            }
        }
    }
    for hidden in ["healthcheck", "help-files"] {
        assert!(!home.path().join(format!("man/extractor-{hidden}.1")).exists());
    }
}

/// What bash offers after these words, the last of which is being typed.
fn completed(home: &Home, words: &[&str]) -> Vec<String> {
    let script = r#"
        source "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _extractor "$1" "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let output = Command::new("bash")
        .args(["--norc", "-c", script, "bash", "completions/extractor.bash"])
        .args(words)
        .current_dir(home.path())
        .output()
        .expect("bash is here: the scripts need it too");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn bash_completes_commands_and_their_arguments() {
    let home = written().await;
    assert_eq!(completed(&home, &["extractor", "back"]), ["backfill"]);
    let all = completed(&home, &["extractor", ""]);
    for command in commands(&home).await {
        assert!(all.contains(&command), "no {command} in {all:?}");
    }
    assert!(!all.iter().any(|word| word == "healthcheck" || word == "help-files"), "{all:?}");
    assert_eq!(completed(&home, &["extractor", "failures", "re"]), ["retry"]);
    assert_eq!(completed(&home, &["extractor", "backfill", "--dry"]), ["--dry-run"]);
    assert_eq!(completed(&home, &["extractor", "--profile", "cons"]), ["conservative"]);
    for file in ["_extractor", "extractor.fish"] {
        let text = std::fs::read_to_string(home.path().join("completions").join(file)).unwrap();
        assert!(text.contains("backfill"), "{file}");
    }
}
