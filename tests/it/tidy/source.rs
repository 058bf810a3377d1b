//! The repository's Rust files, and what of their text is code.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository, whole.
pub(super) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A Rust file.
#[derive(Debug)]
pub(super) struct Source {
    /// From the root of the repository, such as `src/store/mod.rs`.
    pub(super) path: String,
    /// As it is written.
    pub(super) text: String,
    /// Without comments and without what stands in string literals.
    pub(super) code: String,
}

impl Source {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root()).unwrap().display().to_string();
        Self { code: code(&text), path, text }
    }

    /// `store` for `src/store/mod.rs`, `clock` for `src/clock.rs`.
    pub(super) fn folder(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
    }

    /// The code that is in the program: without the test module, which comes last in its file.
    fn production(&self) -> &str {
        self.code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
    }

    /// Where the modules lie that are compiled for tests only, without `.rs`.
    fn test_modules(&self) -> Vec<String> {
        let folder = match self.path.rsplit_once('/') {
            Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder,
            _ => self.path.trim_end_matches(".rs"),
        };
        let declarations = self.text.split("#[cfg(test)]\n").skip(1).map(str::trim_start);
        declarations
            .filter_map(|declaration| {
                if let Some(path) = declaration.strip_prefix("#[path = \"") {
                    let (beside, _) = self.path.rsplit_once('/')?;
                    let (path, _) = path.split_once(".rs\"]")?;
                    return Some(format!("{beside}/{path}"));
                }
                let (name, _) = declaration.lines().next()?.split_once(';')?;
                let name = name.rsplit_once("mod ")?.1;
                Some(format!("{folder}/{name}"))
            })
            .collect()
    }
}

/// The code below `folder` that is in the program, by file.
pub(super) fn production(folder: &str) -> Vec<(String, String)> {
    let all = sources(folder);
    let tests: Vec<String> = all.iter().flat_map(Source::test_modules).collect();
    let is_test = |path: &str| {
        let module = path.trim_end_matches(".rs");
        path.starts_with("crates/jira-sim/tests/")
            || tests.iter().any(|test| {
                module
                    .strip_prefix(test.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    };
    all.iter()
        .filter(|source| !is_test(&source.path))
        .map(|source| (source.path.clone(), source.production().to_owned()))
        .collect()
}

/// Every Rust file below `folder`.
pub(super) fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(Source::read(&path));
            }
        }
    }
    assert!(!found.is_empty(), "no Rust file in {folder}");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// `text` without comments and without the content of string literals; lines stay lines.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let skipped = skipped(rest);
        if skipped == 0 {
            code.push(next);
            rest = &rest[next.len_utf8()..];
        } else {
            code.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
            rest = &rest[skipped..];
        }
    }
    code
}

/// How many bytes at the start of `rest` are no code.
fn skipped(rest: &str) -> usize {
    let after = |end: &str, from: usize| {
        rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return after("*/", 2);
    }
    if let Some(quoted) = rest.strip_prefix('r') {
        let hashes = quoted.len() - quoted.trim_start_matches('#').len();
        if quoted[hashes..].starts_with('"') {
            return after(&format!("\"{}", "#".repeat(hashes)), hashes + 2);
        }
    }
    if rest.starts_with("'\"'") {
        return 3;
    }
    if rest.starts_with('"') {
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return at + 1,
                _ => {}
            }
        }
        return rest.len();
    }
    0
}

#[test]
fn comments_and_strings_are_not_code() {
    let text = "a // b\n\"c \\\" // d\" e /* f */ r#\"g \" \"# '\"' h\n";
    assert_eq!(code(text), "a \n e    h\n");
}
