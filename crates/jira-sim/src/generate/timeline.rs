//! Who gets which number, which id, and when each issue was created and last edited.

use super::{OLD_PROJECT, WorldProfile};
use crate::random::Random;
use crate::time::Millis;
use crate::world::{IssueId, IssueKey};

/// Share of the issues last edited in bursts within one second, and the size of a burst.
const SECOND_BURSTS: (f64, usize) = (0.04, 300);
/// The same within one minute.
const MINUTE_BURSTS: (f64, usize) = (0.15, 3_000);

/// The frame of one issue.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) id: IssueId,
    pub(super) number: u32,
    pub(super) former: Option<IssueKey>,
    pub(super) created: Millis,
    pub(super) updated: Millis,
    pub(super) subtask: bool,
}

/// Frames for a whole project, in key order. Ids begin above `after`.
pub(super) fn plan(profile: &WorldProfile, after: IssueId, random: &mut Random) -> Vec<Frame> {
    let n = profile.issues;
    let end = profile.start + profile.span;
    let mut created: Vec<Millis> =
        (0..n).map(|_| profile.start + fraction(profile.span, random.unit())).collect();
    created.sort_unstable();
    // The lowest ids are kept for issues that were moved in: they are older than their numbers.
    let reserved = n as u64 / 10 + 10;
    let mut moved_id = after;
    let mut id = after + reserved;
    let mut number = 0;
    let mut frames = Vec::with_capacity(n);
    for created in created {
        number += if random.chance(0.02) { 2 } else { 1 };
        id += 1 + random.below(3) as u64;
        let mut frame = Frame {
            id,
            number,
            former: None,
            created,
            updated: last_edit(random, created, end),
            subtask: random.chance(0.25),
        };
        if random.chance(0.03) && moved_id + 1 < after + reserved {
            moved_id += 1;
            frame.id = moved_id;
            frame.former =
                Some(IssueKey::new(OLD_PROJECT, u32::try_from(moved_id).unwrap_or(u32::MAX)));
        }
        frames.push(frame);
    }
    shuffle_some_ids(&mut frames, random);
    for (share, size, width) in
        [(MINUTE_BURSTS.0, MINUTE_BURSTS.1, 60_000), (SECOND_BURSTS.0, SECOND_BURSTS.1, 1_000)]
    {
        bursts(&mut frames, profile, share, size, width, random);
    }
    frames
}

/// A third is never touched again, the rest after a heavy-tailed while (or sometime before the
/// end, where that would be later).
fn last_edit(random: &mut Random, created: Millis, end: Millis) -> Millis {
    let anywhere = created + fraction((end - created).max(0), random.unit());
    let later = created + random.heavy_tailed(20.0 * 86_400_000.0, 2.0) as Millis;
    match random.chance(0.3) {
        true => created,
        false if later < end => later,
        false => anywhere,
    }
}

fn fraction(span: Millis, share: f64) -> Millis {
    (span as f64 * share) as Millis
}

/// Imports and clones: neighbours whose ids are not in key order.
fn shuffle_some_ids(frames: &mut [Frame], random: &mut Random) {
    let n = frames.len();
    for _ in 0..n / 20 {
        let a = random.below(n);
        let b = (a + 1 + random.below(50)).min(n.saturating_sub(1));
        if let (Some(left), Some(right)) =
            (frames.get(a).map(|s| s.id), frames.get(b).map(|s| s.id))
        {
            if let Some(frame) = frames.get_mut(a) {
                frame.id = right;
            }
            if let Some(frame) = frames.get_mut(b) {
                frame.id = left;
            }
        }
    }
}

/// Gives a share of the issues their last edit in bursts: contiguous runs of keys and scattered
/// ones, all within `width` milliseconds.
fn bursts(
    frames: &mut [Frame],
    profile: &WorldProfile,
    share: f64,
    size: usize,
    width: Millis,
    random: &mut Random,
) {
    let n = frames.len();
    let size = size.min(n / 6).max(1);
    let count = ((n as f64 * share) / size as f64).ceil() as usize;
    for _ in 0..count {
        let late = profile.span - fraction(profile.span / 2, random.unit());
        let at = (profile.start + late) / width * width;
        let old_enough = frames.partition_point(|frame| frame.created < at);
        let contiguous = random.chance(0.5);
        let first = random.below(old_enough.saturating_sub(size));
        for k in 0..size.min(old_enough) {
            let pick = if contiguous { first + k } else { random.below(old_enough) };
            if let Some(frame) = frames.get_mut(pick) {
                frame.updated = at + random.below(usize::try_from(width).unwrap_or(1)) as Millis;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn a_plan_has_bursts_moves_and_ids_out_of_key_order() {
        let profile = WorldProfile::new("P", 10_000, 3);
        let frames = plan(&profile, 10_000, &mut Random::new(3));
        assert_eq!(frames.iter().map(|frame| frame.id).collect::<HashSet<_>>().len(), frames.len());
        assert!(frames.windows(2).all(|pair| pair[0].number < pair[1].number));
        assert!(frames.iter().all(|frame| frame.created <= frame.updated));
        assert!(frames.iter().filter(|frame| frame.former.is_some()).count() > 100);
        assert!(frames.windows(2).filter(|pair| pair[0].id > pair[1].id).count() > 100);
        let most = |unit: i64| {
            let mut counts: HashMap<i64, usize> = HashMap::new();
            for frame in &frames {
                *counts.entry(frame.updated / unit).or_default() += 1;
            }
            counts.into_values().max().unwrap()
        };
        assert!((150..700).contains(&most(1_000)), "{}", most(1_000));
        assert!(most(60_000) >= 1_000, "{}", most(60_000));
    }
}
