//! How whole an issue is: what Jira said there is of it, what came, and what could not be had.
//! Pure; which issues are not whole is told by `extractor.incomplete_issues`.

use crate::model::{IssueDocument, PartialList, Stream};

/// How much there is of a list and how much of it came, as the columns hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) expected: i32,
    pub(super) held: i32,
}

impl Tally {
    /// A list as a document has it; `None` if the document does not speak of it.
    fn of<T>(list: Option<&PartialList<T>>) -> Option<Self> {
        let number = |entries| i32::try_from(entries).unwrap_or(i32::MAX);
        list.map(|list| Self { expected: number(list.expected), held: number(list.held) })
    }

    /// From two columns, which are null together.
    pub(super) fn from_columns(expected: Option<i32>, held: Option<i32>) -> Option<Self> {
        Some(Self { expected: expected?, held: held? })
    }
}

/// How whole an issue is, as fetched or as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wholeness {
    pub(super) changes: Option<Tally>,
    pub(super) comments: Option<Tally>,
    pub(super) worklogs: Option<Tally>,
    /// Sorted, each name once.
    pub(super) lacking: Vec<String>,
    /// The optional streams that were asked for, sorted, each once.
    pub(super) streams: Vec<String>,
}

impl Wholeness {
    pub(super) fn of(document: &IssueDocument) -> Self {
        let children = &document.children;
        Self {
            changes: Tally::of(children.changes.as_ref()),
            comments: Tally::of(children.comments.as_ref()),
            worklogs: Tally::of(children.worklogs.as_ref()),
            lacking: sorted(document.lacking.iter().copied()),
            streams: sorted(document.streams.iter().map(|stream| stream.as_str())),
        }
    }

    /// Whether writing a document that is as whole as this over a row that is as whole as `stored`
    /// changes what the row says of itself.
    pub(super) fn differs_from(&self, stored: &Self) -> bool {
        let tallies = [
            (self.changes, stored.changes),
            (self.comments, stored.comments),
            (self.worklogs, stored.worklogs),
        ];
        tallies.iter().any(|(new, old)| new.is_some() && new != old)
            || self.lacking != stored.lacking
            || self.streams.iter().any(|stream| !stored.streams.contains(stream))
    }

    /// Whether it lacks something that `stored` does not lack.
    pub(super) fn lacks_more_than(&self, stored: &Self) -> bool {
        self.lacking.iter().any(|name| !stored.lacking.contains(name))
    }

    /// Names as a column of texts takes them; `None` for none.
    pub(super) fn joined(names: &[String]) -> Option<String> {
        (!names.is_empty()).then(|| names.join(","))
    }
}

/// The names of streams as statements take them.
pub(super) fn stream_names(streams: &[Stream]) -> Vec<String> {
    sorted(streams.iter().map(|stream| stream.as_str()))
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{comments, document};

    fn whole(change: impl FnOnce(&mut IssueDocument)) -> Wholeness {
        let mut document = document(1);
        document.children.comments = comments(&[1, 2], true);
        change(&mut document);
        Wholeness::of(&document)
    }

    #[test]
    fn what_a_document_does_not_speak_of_is_no_difference() {
        let stored = whole(|_| {});
        assert!(!whole(|d| d.children.comments = None).differs_from(&stored));
        assert!(!whole(|_| {}).differs_from(&stored));
        assert!(whole(|_| {}).differs_from(&Wholeness::default()), "it was never counted before");
    }

    #[test]
    fn a_list_that_became_whole_is_a_difference() {
        let cut_short = whole(|d| d.children.comments = comments(&[1, 2], false));
        assert_eq!(cut_short.comments, Some(Tally { expected: 3, held: 2 }));
        assert!(whole(|_| {}).differs_from(&cut_short));
    }

    #[test]
    fn what_is_lacking_is_compared_whatever_its_order() {
        let links = whole(|d| d.lacking = vec!["links", "links"]);
        let more = whole(|d| d.lacking = vec!["watchers", "links"]);
        assert_eq!(links.lacking, ["links"]);
        assert!(links.differs_from(&more) && !links.lacks_more_than(&more));
        assert!(more.lacks_more_than(&links));
        assert!(whole(|_| {}).differs_from(&links), "it lacks nothing any more");
    }

    #[test]
    fn a_stream_that_is_asked_for_the_first_time_is_a_difference_and_one_that_is_not_is_none() {
        let watched = whole(|d| d.streams = vec![Stream::Watchers]);
        assert!(watched.differs_from(&whole(|_| {})));
        assert!(!whole(|_| {}).differs_from(&watched));
    }
}
