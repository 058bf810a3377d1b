//! The configuration as a user meets it: layers, messages, and the files that are shipped.

mod layering;
mod messages;
mod privacy;
mod secrets;
mod service;
mod shipped;

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

/// A machine with an environment and files, all of them the test's own.
struct Machine {
    directory: TempDir,
    inputs: Inputs,
}

impl Machine {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let inputs = Inputs {
            environment: BTreeMap::new(),
            dot_env: directory.path().join(".env"),
            search: vec![
                directory.path().join("extractor.toml"),
                directory.path().join("etc/extractor.toml"),
            ],
            overrides: Overrides::default(),
        };
        Self { directory, inputs }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.inputs.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn flags(mut self, set: impl FnOnce(&mut Overrides)) -> Self {
        set(&mut self.inputs.overrides);
        self
    }

    fn loaded(&self) -> Loaded {
        load(&self.inputs).unwrap_or_else(|error| panic!("{error}"))
    }

    fn config(&self) -> Config {
        self.loaded().config
    }

    /// What is said, causes included, with the directory's name taken out.
    fn complaint(&self) -> String {
        let error = load(&self.inputs).expect_err("should be refused");
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        text.replace(&format!("{}/", self.directory.path().display()), "")
    }
}
