//! Remote links, watchers, voters and entity properties of generated issues. They have random
//! numbers of their own, so that a world is otherwise the same with and without them.

use serde_json::json;

use super::text::{line, paragraphs};
use crate::json::Json;
use crate::random::{Random, mix};
use crate::world::{IssueId, RemoteLink, World, WorldError};

const PROPERTY_KEYS: [&str; 4] =
    ["sd.initial.field.set", "development.summary", "com.example/häkchen", "release notes"];

/// Gives some of the issues some of each. Their `updated` stays as planned.
pub(super) fn add(world: &mut World, seed: u64, ids: &[IssueId]) -> Result<(), WorldError> {
    let mut random = Random::new(mix(seed ^ 0x5752_4541_4d53));
    let people = world.catalogue.users.clone();
    for id in ids {
        for _ in 0..some(&mut random, 0.3, 4) {
            let link = remote_link(&mut random);
            world.put_remote_link(*id, &link)?;
        }
        let watchers = crowd(&mut random, &people, 0.6, 6);
        let voters = crowd(&mut random, &people, 0.15, 5);
        world.put_people(*id, watchers, voters)?;
        for key in PROPERTY_KEYS.iter().take(some(&mut random, 0.1, 3)) {
            let text = text(&line(&mut random, 5));
            let value = match random.below(4) {
                0 => json!({"value": random.below(100), "deep": [{"text": text}, null, 1.5]}),
                1 => json!(text),
                2 => json!(random.chance(0.5)),
                _ => json!([]),
            };
            world.set_property(*id, key, &value)?;
        }
    }
    Ok(())
}

/// How many an issue has: none, unless by this chance from one up to a few.
fn some(random: &mut Random, chance: f64, most: usize) -> usize {
    if random.chance(chance) { 1 + random.below(most) } else { 0 }
}

fn crowd(random: &mut Random, people: &[Json], chance: f64, most: usize) -> Vec<Json> {
    let count = some(random, chance, most);
    (0..count).filter_map(|_| random.pick(people).cloned()).collect()
}

/// Some lack an identity, an application, a relationship or a summary.
fn remote_link(random: &mut Random) -> RemoteLink {
    let number = random.below(100_000);
    let odd = random.chance(0.02);
    let summary = paragraphs(random, 60, odd);
    let mut unless = |absent: f64, text: &str| (!random.chance(absent)).then(|| text.to_owned());
    RemoteLink {
        global_id: unless(0.3, &format!("system=https://wiki.example.invalid&id={number}")),
        relationship: unless(0.3, "mentioned in"),
        application: unless(0.4, "com.atlassian.confluence").map(|kind| (kind, "Wiki".to_owned())),
        url: format!("https://wiki.example.invalid/pages/{number}?a=b&c=ü"),
        title: unless(0.1, "Page")
            .map_or_else(|| "Build ✓".to_owned(), |page| format!("{page} {number}")),
        summary: unless(0.5, &text(&summary)),
        resolved: unless(0.6, "known").map(|_| number.is_multiple_of(2)),
    }
}

/// The text of a JSON string; what cannot be held as text becomes a mark.
fn text(json: &Json) -> String {
    json.text().unwrap_or_else(|| "\u{0}unreadable".to_owned())
}
