//! What a fetched document means for what is stored: pure, and tried on its own.

use chrono::{DateTime, TimeDelta, Utc};

use super::wholeness::Wholeness;
use crate::model::{IssueDocument, IssueKey, Tier};

/// A document fetched so soon after the issue's last change may lack a further change that Jira
/// stamped alike. The listing's diff has the same number in SQL.
pub(super) const UNSETTLED: TimeDelta = TimeDelta::seconds(5);
/// A document older than its listing is accepted after so many fetches: the listing may be wrong.
pub(super) const STALE_ATTEMPTS: u32 = 5;

/// What the hash probe knows of a stored issue.
#[derive(Debug, Clone)]
pub(super) struct StoredIssue {
    pub(super) key: IssueKey,
    pub(super) updated: Option<DateTime<Utc>>,
    pub(super) tier: Tier,
    pub(super) content_hash: Vec<u8>,
    pub(super) extracted_at: DateTime<Utc>,
    pub(super) deleted: bool,
    pub(super) wholeness: Wholeness,
}

/// What to do with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Not stored yet.
    Insert,
    /// Differs from what is stored, and replaces it.
    Rewrite,
    /// Equals what is stored; only when it was fetched is news.
    Settle,
    /// Equals what is stored.
    Keep,
    /// Older, or poorer at the same age (a lower tier, or lacking what is stored): what is stored
    /// stays.
    Refuse,
}

/// Compares a document with what is stored.
pub(super) fn decide(stored: Option<&StoredIssue>, document: &IssueDocument) -> Decision {
    let Some(stored) = stored else { return Decision::Insert };
    let older = matches!((document.updated, stored.updated), (Some(new), Some(old)) if new < old);
    let wholeness = Wholeness::of(document);
    // What came in parts is as good as what came whole.
    let (few, had_few) = (document.tier == Tier::Minimal, stored.tier == Tier::Minimal);
    let poorer = few && !had_few || few == had_few && wholeness.lacks_more_than(&stored.wholeness);
    if older || document.updated == stored.updated && poorer {
        return Decision::Refuse;
    }
    let same = document.content_hash == *stored.content_hash
        && document.updated == stored.updated
        && document.tier == stored.tier
        && document.key == stored.key
        && !stored.deleted
        && !wholeness.differs_from(&stored.wholeness);
    if !same {
        return Decision::Rewrite;
    }
    let unsettled = stored.updated.is_some_and(|updated| updated > stored.extracted_at - UNSETTLED);
    if unsettled && document.extracted_at > stored.extracted_at {
        Decision::Settle
    } else {
        Decision::Keep
    }
}

/// Whether the issue may leave the queue: what is known now is at least as new as the listing said,
/// or it was tried often enough.
pub(super) fn satisfies(
    listed: Option<DateTime<Utc>>,
    newest_known: Option<DateTime<Utc>>,
    attempts: u32,
) -> bool {
    newest_known >= listed || attempts.saturating_add(1) >= STALE_ATTEMPTS
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::store::testing::{comments, document};

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    fn stored() -> StoredIssue {
        let document = document(1);
        StoredIssue {
            key: document.key,
            updated: Some(at(1000)),
            tier: Tier::Full,
            content_hash: document.content_hash.to_vec(),
            extracted_at: at(2000),
            deleted: false,
            wholeness: Wholeness::default(),
        }
    }

    #[test]
    fn a_document_is_compared_with_what_is_stored() {
        type Change = fn(&mut StoredIssue, &mut IssueDocument);
        let cases: &[(&str, Change, Decision)] = &[
            ("same", |_, _| {}, Decision::Keep),
            ("other content", |_, d| d.content_hash = [9; 16], Decision::Rewrite),
            ("newer", |_, d| d.updated = Some(at(1001)), Decision::Rewrite),
            ("older", |_, d| d.updated = Some(at(999)), Decision::Refuse),
            ("poorer", |_, d| d.tier = Tier::Minimal, Decision::Refuse),
            ("richer", |s, _| s.tier = Tier::Minimal, Decision::Rewrite),
            ("in parts", |_, d| d.tier = Tier::Hub, Decision::Rewrite),
            ("whole again", |s, _| s.tier = Tier::Hub, Decision::Rewrite),
            (
                "without a field",
                |_, d| {
                    d.content_hash = [9; 16];
                    d.lacking = vec![IssueDocument::LACKS_FIELDS];
                },
                Decision::Refuse,
            ),
            ("moved", |s, _| s.key = "Q-1".parse().unwrap(), Decision::Rewrite),
            ("tombstoned", |s, _| s.deleted = true, Decision::Rewrite),
            ("fetched soon after", |s, _| s.extracted_at = at(1001), Decision::Settle),
            (
                "fetched soon after, and not later now",
                |s, d| {
                    s.extracted_at = at(1001);
                    d.extracted_at = at(1000);
                },
                Decision::Keep,
            ),
            (
                "poorer but newer",
                |_, d| {
                    d.tier = Tier::Minimal;
                    d.updated = Some(at(1001));
                },
                Decision::Rewrite,
            ),
            ("lacking what is stored", |_, d| d.lacking = vec!["links"], Decision::Refuse),
            (
                "lacking what is stored, but newer",
                |_, d| {
                    d.lacking = vec!["links"];
                    d.updated = Some(at(1001));
                },
                Decision::Rewrite,
            ),
            (
                "lacking what is stored, but richer",
                |s, d| {
                    s.tier = Tier::Minimal;
                    d.lacking = vec!["links"];
                },
                Decision::Rewrite,
            ),
            ("lacking as before", lacking_as_before, Decision::Keep),
            (
                "lacking nothing any more",
                |s, _| s.wholeness.lacking = vec!["links".into()],
                Decision::Rewrite,
            ),
            (
                "whole lists that were cut short",
                |s, d| {
                    d.children.comments = comments(&[1], false);
                    s.wholeness = Wholeness::of(d);
                    d.children.comments = comments(&[1], true);
                },
                Decision::Rewrite,
            ),
        ];
        for (name, change, expected) in cases {
            let mut stored = stored();
            let mut document = document(1);
            document.updated = stored.updated;
            document.extracted_at = at(3000);
            change(&mut stored, &mut document);
            assert_eq!(decide(Some(&stored), &document), *expected, "{name}");
        }
    }

    fn lacking_as_before(stored: &mut StoredIssue, document: &mut IssueDocument) {
        document.lacking = vec!["links"];
        stored.wholeness = Wholeness::of(document);
    }

    #[test]
    fn what_is_not_stored_is_inserted() {
        assert_eq!(decide(None, &document(1)), Decision::Insert);
    }

    #[rstest]
    #[case(Some(at(10)), Some(at(10)), 0, true)]
    #[case(Some(at(10)), Some(at(9)), 0, false)]
    #[case(Some(at(10)), None, 0, false)]
    #[case(None, None, 0, true)]
    #[case(Some(at(10)), Some(at(9)), STALE_ATTEMPTS - 2, false)]
    #[case(Some(at(10)), Some(at(9)), STALE_ATTEMPTS - 1, true)]
    fn a_document_older_than_its_listing_is_asked_for_again(
        #[case] listed: Option<DateTime<Utc>>,
        #[case] known: Option<DateTime<Utc>>,
        #[case] attempts: u32,
        #[case] expected: bool,
    ) {
        assert_eq!(satisfies(listed, known, attempts), expected);
    }
}
