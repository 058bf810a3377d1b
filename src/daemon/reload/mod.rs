//! Reading the configuration again while the service runs: which keys changed, how far that reaches,
//! and which of them cannot change. What is done about it is `attend`'s.

mod attend;

use super::advice;
use super::service::Reach;
use crate::config::{self, Inputs, Loaded};

pub use attend::Attendant;

/// What reading the configuration again came to.
#[derive(Debug)]
pub enum Reread {
    /// It says what it said before.
    Unchanged,
    /// It can be applied.
    Changed(Box<Changed>),
    /// It cannot; the old one stays in force.
    Refused {
        /// Why, in one sentence without secrets.
        reason: String,
        /// What to do about it.
        remedy: &'static str,
    },
}

/// Another configuration that can be applied.
#[derive(Debug)]
pub struct Changed {
    /// The configuration.
    pub loaded: Loaded,
    /// The keys whose values are others now, in their order.
    pub keys: Vec<&'static str>,
    /// How far they reach.
    pub reach: Reach,
}

/// Reads the configuration again from the same inputs, and compares it with the one in force. The
/// environment is that of the process's start; files are read anew.
pub fn reread(inputs: &Inputs, current: &Loaded) -> Reread {
    match config::load(inputs) {
        Ok(loaded) => compare(current, loaded),
        Err(error) => Reread::Refused {
            reason: advice::sentence(&error),
            remedy: "mend the configuration, then reload again",
        },
    }
}

/// Says what `loaded` changes of `current`.
pub fn compare(current: &Loaded, loaded: Loaded) -> Reread {
    let keys = current.differs_in(&loaded);
    let site_moved = loaded.config.jira.site != current.config.jira.site;
    let mut fixed: Vec<&str> = keys.iter().copied().filter(|key| effect(key).is_none()).collect();
    if site_moved && !fixed.contains(&"jira.site") {
        fixed.push("jira.site");
    }
    if !fixed.is_empty() {
        let verb = if fixed.len() == 1 { "takes" } else { "take" };
        let reason = format!("{} {verb} effect at a start only", fixed.join(", "));
        return Reread::Refused { reason, remedy: "restart the service, or undo the change" };
    }
    match keys.iter().filter_map(|key| effect(key)).max() {
        Some(reach) => Reread::Changed(Box::new(Changed { loaded, keys, reach })),
        None => Reread::Unchanged,
    }
}

/// How far a key reaches; `None` for one that takes effect at a start only. A new site would be
/// another instance, with other projects and other rows.
fn effect(key: &str) -> Option<Reach> {
    match key {
        "jira.site" | "http.listen" | "http.token" | "log.format" => None,
        // A profile says nothing but what it sets, and those keys speak for themselves.
        "profile" | "log.level" | "shutdown.grace" => Some(Reach::Schedule),
        "sync.projects"
        | "sync.schedule"
        | "sync.reconcile_schedule"
        | "sync.max_runs"
        | "sync.stalled_after" => Some(Reach::Schedule),
        _ if ["jira.", "sync.", "privacy."].iter().any(|section| key.starts_with(section)) => {
            Some(Reach::Jira)
        }
        _ if key.starts_with("database.") => Some(Reach::Database),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::config::Overrides;

    /// A machine whose configuration file can be written again.
    struct Machine {
        directory: TempDir,
        inputs: Inputs,
    }

    const BEFORE: &str = "[jira]\nbase_url = 'https://jira.example.com'\ntoken = 'hunter2'\n";

    impl Machine {
        fn new() -> Self {
            let directory = TempDir::new().unwrap();
            let inputs = Inputs {
                environment: BTreeMap::new(),
                dot_env: directory.path().join(".env"),
                search: vec![directory.path().join("extractor.toml")],
                overrides: Overrides::default(),
            };
            let machine = Self { directory, inputs };
            machine.write(BEFORE);
            machine
        }

        fn write(&self, text: &str) {
            fs::write(self.directory.path().join("extractor.toml"), text).unwrap();
        }

        /// What comes of writing `after` into the file while the first text is in force.
        fn reread(&self, after: &str) -> Reread {
            self.write(BEFORE);
            let current = config::load(&self.inputs).unwrap();
            self.write(after);
            reread(&self.inputs, &current)
        }
    }

    #[rstest::rstest]
    #[case("[sync]\nschedule = '10m'", &["sync.schedule"], Reach::Schedule)]
    #[case("[sync]\nprojects = ['OPS']\nmax_runs = 4", &["sync.projects", "sync.max_runs"], Reach::Schedule)]
    #[case("[log]\nlevel = 'debug'", &["log.level"], Reach::Schedule)]
    #[case("[shutdown]\ngrace = '5s'", &["shutdown.grace"], Reach::Schedule)]
    #[case("[sync]\nfilter = 'labels = x'\nmax_runs = 4", &["sync.filter", "sync.max_runs"], Reach::Jira)]
    #[case("[database]\nmax_connections = 20", &["database.max_connections"], Reach::Database)]
    fn a_change_says_how_far_it_reaches(
        #[case] more: &str,
        #[case] keys: &[&str],
        #[case] reach: Reach,
    ) {
        match Machine::new().reread(&format!("{BEFORE}{more}")) {
            Reread::Changed(changed) => {
                assert_eq!((changed.keys.as_slice(), changed.reach), (keys, reach));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn another_token_and_another_profile_reach_jira() {
        let machine = Machine::new();
        let Reread::Changed(changed) = machine.reread(&BEFORE.replace("hunter2", "hunter3")) else {
            panic!("a token was changed");
        };
        assert_eq!((changed.keys.as_slice(), changed.reach), (&["jira.token"][..], Reach::Jira));
        let Reread::Changed(changed) = machine.reread(&format!("profile = 'fast'\n{BEFORE}"))
        else {
            panic!("a profile was changed");
        };
        assert_eq!(changed.keys.first(), Some(&"profile"));
        assert_eq!((changed.keys.len(), changed.reach), (6, Reach::Jira));
    }

    #[test]
    fn the_same_in_other_words_changes_nothing() {
        let after = format!("# A comment.\n{BEFORE}[sync]\nmax_runs = 2\nschedule = '5m'\n");
        let reread = Machine::new().reread(&after);
        assert!(matches!(reread, Reread::Unchanged), "{reread:?}");
    }

    #[rstest::rstest]
    #[case("[http]\nlisten = '127.0.0.1:9'", "http.listen takes effect at a start only")]
    #[case(
        "[log]\nformat = 'json'\n[sync]\nmax_runs = 9",
        "log.format takes effect at a start only"
    )]
    #[case(
        "[log]\nformat = 'json'\n[http]\ntoken = '0123456789abcdef'",
        "http.token, log.format take effect at a start only"
    )]
    fn what_cannot_change_is_refused_by_name(#[case] more: &str, #[case] said: &str) {
        match Machine::new().reread(&format!("{BEFORE}{more}")) {
            Reread::Refused { reason, remedy } => {
                assert_eq!(reason, said);
                assert!(remedy.starts_with("restart"));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn another_site_is_refused_however_it_came_about() {
        let machine = Machine::new();
        let other = BEFORE.replace("jira.example.com", "issues.example.com");
        let Reread::Refused { reason, .. } = machine.reread(&other) else { panic!("{other}") };
        assert_eq!(reason, "jira.site takes effect at a start only");
        let Reread::Refused { reason, .. } = machine.reread(&format!("{BEFORE}site = 'x'")) else {
            panic!("a site was named");
        };
        assert_eq!(reason, "jira.site takes effect at a start only");
    }

    #[test]
    fn a_mistake_keeps_the_old_configuration_and_is_named() {
        let machine = Machine::new();
        for (after, said) in [
            ("[sync]\nshedule = '5m'", "unknown key \"sync.shedule\""),
            ("[sync]\nschedule = 'hunter2 is not one'", "bad value for sync.schedule"),
            ("[http]\nlisten = '0.0.0.0:80'", "without http.token"),
            ("token = hunter2", "is not valid TOML"),
        ] {
            let Reread::Refused { reason, .. } = machine.reread(after) else { panic!("{after}") };
            assert!(reason.contains(said), "{reason}");
        }
    }

    /// A key that nobody has thought of is not applied by halves.
    #[test]
    fn every_key_has_an_effect_or_is_named_as_fixed() {
        let loaded = config::load(&Inputs::isolated(Overrides::default())).unwrap();
        let fixed: Vec<&str> = loaded
            .settings
            .iter()
            .map(|setting| setting.key)
            .filter(|key| !key.ends_with("_file") && effect(key).is_none())
            .collect();
        assert_eq!(fixed, ["jira.site", "http.listen", "http.token", "log.format"]);
    }
}
