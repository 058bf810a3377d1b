//! Which key was probably meant by one that does not exist.

use super::form::KEYS;

/// The known key that is nearest to `name`, if any is near.
///
/// `.`, `-` and one or two underscores are the same here, so `jira_base-url` finds `jira.base_url`;
/// a part of a key's last word finds it in the same section, the whole of it in any.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    const NEAR: f64 = 0.7;
    let wanted = name.to_lowercase().replace('-', "_");
    let likeness = |key: &str| {
        let (section, last) = split(key);
        let (wanted_section, wanted_last) = split(&wanted);
        let plain = |text: &str| text.replace('.', "_").replace("__", "_");
        let whole = strsim::normalized_damerau_levenshtein(&plain(&wanted), &plain(key));
        if wanted_section == section && !section.is_empty() {
            let part = if last.contains(wanted_last) { 0.95 } else { 0.0 };
            strsim::normalized_damerau_levenshtein(wanted_last, last).max(part)
        } else if wanted_last == last {
            whole.max(0.9)
        } else {
            whole
        }
    };
    KEYS.iter()
        .map(|(key, _)| (*key, likeness(key)))
        .filter(|(_, score)| *score >= NEAR)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(key, _)| key)
}

fn split(key: &str) -> (&str, &str) {
    key.split_once('.').unwrap_or(("", key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("jira.tokn", Some("jira.token"))]
    #[case("jira.base-url", Some("jira.base_url"))]
    #[case("jira_token", Some("jira.token"))]
    #[case("base_url", Some("jira.base_url"))]
    #[case("projects", Some("sync.projects"))]
    #[case("jira.rps", None)]
    #[case("jira.url", Some("jira.base_url"))]
    #[case("jira.max_connections", Some("database.max_connections"))]
    #[case("jira.request_per_second", Some("jira.requests_per_second"))]
    #[case("databse.url", Some("database.url"))]
    #[case("kafka.brokers", None)]
    #[case("profil", Some("profile"))]
    fn the_nearest_key_is_found_or_none(#[case] name: &str, #[case] key: Option<&str>) {
        assert_eq!(nearest(name), key);
    }
}
