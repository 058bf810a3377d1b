//! What follows from issues that are stored and that a run missed. Pure: how they are looked up is
//! the engine's, how they are marked the store's.

use super::certify::USUAL_LOSS;
use crate::jira::Sighting;
use crate::model::{Absence, IssueId, ProjectKey};
use crate::store::{Allowance, Found};

/// How many of too many absent issues are looked up to see what has become of them.
const SAMPLE: usize = 25;

/// Whether Jira shows the project at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It does.
    Shown,
    /// The project is archived: no search shows its issues.
    Archived,
    /// There is no such project for this account.
    Gone,
}

/// How many issues people may delete between two runs without anybody being asked: ten, or a tenth
/// of what is stored.
pub(super) fn usual(stored: u64) -> u64 {
    USUAL_LOSS.max(stored / 10)
}

/// How many issues may be marked deleted, and with which reason. Without limit only where an
/// operator has said so; none as long as it is not known of every absent issue what became of it.
pub(super) fn allowance(
    standing: Standing,
    stored: u64,
    unknown: u64,
    limitless: bool,
) -> Allowance {
    let most = match (limitless, unknown) {
        (true, _) => None,
        (false, 0) => Some(usual(stored)),
        (false, _) => Some(0),
    };
    let (not_found, archived) = match standing {
        Standing::Shown => (Absence::NotFound, Absence::Archived),
        Standing::Archived => (Absence::NotFound, Absence::ProjectArchived),
        Standing::Gone => (Absence::ProjectGone, Absence::Archived),
    };
    Allowance { most, not_found, archived }
}

/// What it means that a question for many ids at once brought an issue.
pub(super) fn sighted(
    sighting: &Sighting,
    project: &ProjectKey,
    has_filter: bool,
    by_search: bool,
) -> Found {
    match () {
        () if sighting.key.project() != project => Found::Elsewhere(sighting.key.clone()),
        () if sighting.archived => Found::Archived,
        () if has_filter => Found::OutsideFilter,
        () if by_search => Found::Listed,
        () => Found::Unlisted,
    }
}

/// The same, knowing how the project stands: in an archived one everything is archived, though no
/// issue says so of itself.
pub(super) fn in_standing(standing: Standing, found: Found) -> Found {
    match standing {
        Standing::Shown | Standing::Gone => found,
        Standing::Archived => match found {
            Found::Archived | Found::Listed | Found::Unlisted | Found::OutsideFilter => {
                Found::Archived
            }
            Found::NotFound | Found::Elsewhere(_) => found,
        },
    }
}

/// What the issue's own resource says, after the question for many did not bring it.
pub(super) fn looked_up(sighting: Option<&Sighting>, project: &ProjectKey) -> Found {
    match sighting {
        None => Found::NotFound,
        Some(sighting) => sighted(sighting, project, false, false),
    }
}

/// A few ids from all over the list.
pub(super) fn sample(ids: &[IssueId]) -> Vec<IssueId> {
    let step = ids.len().div_ceil(SAMPLE).max(1);
    ids.iter().copied().step_by(step).collect()
}

/// Whether a sample says the same of every issue, and so what has become of the rest: nothing is
/// concluded for the database, but asking for thousands more would be in vain.
pub(super) fn is_uniform(found: &[(IssueId, Found)]) -> bool {
    let all = |which: &Found| found.iter().all(|(_, found)| found == which);
    !found.is_empty() && (all(&Found::NotFound) || all(&Found::Unlisted))
}

/// Counts how often look-ups said something, to stop when that is more than will be believed.
#[derive(Debug, Default)]
pub(super) struct Tally {
    not_found: u64,
    unlisted: u64,
}

impl Tally {
    pub(super) fn note(&mut self, found: &[(IssueId, Found)]) {
        let count = |which: &Found| found.iter().filter(|(_, found)| found == which).count() as u64;
        self.not_found += count(&Found::NotFound);
        self.unlisted += count(&Found::Unlisted);
    }

    pub(super) fn exceeds(&self, most: Option<u64>) -> bool {
        most.is_some_and(|most| self.not_found.max(self.unlisted) > most)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn sighting(key: &str, archived: bool) -> Sighting {
        Sighting { id: IssueId(1), key: key.parse().unwrap(), updated: None, archived }
    }

    #[rstest]
    #[case::in_the_search(sighting("P-1", false), false, true, Found::Listed)]
    #[case::left_out_by_the_filter(sighting("P-1", false), true, true, Found::OutsideFilter)]
    #[case::in_no_search(sighting("P-1", false), false, false, Found::Unlisted)]
    #[case::moved(sighting("Q-1", false), false, true, Found::Elsewhere("Q-1".parse().unwrap()))]
    #[case::moved_and_archived(sighting("Q-1", true), true, false, Found::Elsewhere("Q-1".parse().unwrap()))]
    #[case::archived(sighting("P-1", true), true, false, Found::Archived)]
    fn an_issue_that_is_seen_is_somewhere(
        #[case] sighting: Sighting,
        #[case] has_filter: bool,
        #[case] by_search: bool,
        #[case] expected: Found,
    ) {
        let project = "P".parse().unwrap();
        assert_eq!(sighted(&sighting, &project, has_filter, by_search), expected);
    }

    #[test]
    fn what_is_there_in_an_archived_project_is_archived() {
        let moved = Found::Elsewhere("Q-1".parse().unwrap());
        for found in [Found::Listed, Found::Unlisted, Found::OutsideFilter, Found::Archived] {
            assert_eq!(in_standing(Standing::Archived, found.clone()), Found::Archived);
            assert_eq!(in_standing(Standing::Shown, found.clone()), found);
        }
        for found in [Found::NotFound, moved] {
            assert_eq!(in_standing(Standing::Archived, found.clone()), found);
        }
    }

    #[test]
    fn an_issue_that_is_not_seen_is_not_there() {
        let project = "P".parse().unwrap();
        assert_eq!(looked_up(None, &project), Found::NotFound);
        assert_eq!(looked_up(Some(&sighting("P-1", false)), &project), Found::Unlisted);
        assert_eq!(looked_up(Some(&sighting("P-1", true)), &project), Found::Archived);
    }

    #[rstest]
    #[case::few(Standing::Shown, 20, 0, false, Some(10), Absence::NotFound)]
    #[case::a_tenth(Standing::Shown, 1_000, 0, false, Some(100), Absence::NotFound)]
    #[case::not_everything_is_known(Standing::Shown, 1_000, 1, false, Some(0), Absence::NotFound)]
    #[case::allowed(Standing::Shown, 20, 0, true, None, Absence::NotFound)]
    #[case::gone(Standing::Gone, 20, 0, true, None, Absence::ProjectGone)]
    fn no_more_are_marked_than_people_usually_delete(
        #[case] standing: Standing,
        #[case] stored: u64,
        #[case] unknown: u64,
        #[case] limitless: bool,
        #[case] most: Option<u64>,
        #[case] reason: Absence,
    ) {
        let allowance = allowance(standing, stored, unknown, limitless);
        assert_eq!((allowance.most, allowance.not_found), (most, reason));
    }

    #[rstest]
    #[case(1, 1)]
    #[case(25, 25)]
    #[case(26, 13)]
    #[case(60_000, 25)]
    fn a_sample_is_small_and_from_everywhere(#[case] ids: i64, #[case] expected: usize) {
        let ids: Vec<IssueId> = (1..=ids).map(IssueId).collect();
        let sample = sample(&ids);
        assert_eq!(sample.len(), expected);
        assert!(sample.last().unwrap().0 >= ids.last().unwrap().0 * 9 / 10 || ids.len() <= 26);
    }

    #[test]
    fn only_a_sample_that_agrees_speaks_for_the_rest() {
        let of =
            |found: &[Found]| found.iter().cloned().map(|f| (IssueId(1), f)).collect::<Vec<_>>();
        assert!(is_uniform(&of(&[Found::NotFound, Found::NotFound])));
        assert!(is_uniform(&of(&[Found::Unlisted])));
        assert!(!is_uniform(&of(&[Found::NotFound, Found::Archived])));
        assert!(!is_uniform(&of(&[Found::Archived])));
        assert!(!is_uniform(&[]));
    }

    #[test]
    fn looking_up_ends_when_it_is_more_than_would_be_believed() {
        let mut tally = Tally::default();
        tally.note(&[(IssueId(1), Found::NotFound), (IssueId(2), Found::Unlisted)]);
        assert!(!tally.exceeds(Some(1)) && !tally.exceeds(None));
        tally.note(&[(IssueId(3), Found::NotFound)]);
        assert!(tally.exceeds(Some(1)) && !tally.exceeds(None));
    }
}
