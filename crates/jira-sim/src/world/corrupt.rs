//! Changelogs that lie: entries left out or altered, as broken imports and scripts on the database
//! leave them. What issues held stays true.

use super::{IssueId, World, WorldError};
use crate::json::{Json, elements, entries, quote};
use crate::random::Random;
use crate::time::parse_jira;

/// What is wrong with a changelog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corruption {
    /// The last item of a field that has others is missing.
    DropLast,
    /// One between two others is missing.
    DropMiddle,
    /// An item ends with another value.
    AlterTo,
    /// An item that follows another begins with another value.
    AlterFrom,
    /// Two neighbouring items of a field have each other's places.
    Swap,
    /// An item is there twice, the second time with another value.
    Duplicate,
}

impl Corruption {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::DropLast,
        Self::DropMiddle,
        Self::AlterTo,
        Self::AlterFrom,
        Self::Swap,
        Self::Duplicate,
    ];
}

/// A changelog that was corrupted, and how to put it right.
#[derive(Debug, Clone)]
pub struct Planted {
    /// The issue.
    pub issue: IssueId,
    /// The field, as the changelog names it.
    pub field: String,
    /// What was done.
    pub corruption: Corruption,
    histories: Vec<Json>,
}

/// An item, by its place.
#[derive(Debug, Clone)]
struct Item {
    history: usize,
    item: usize,
    members: Vec<(String, String)>,
}

impl Item {
    fn member(&self, name: &str) -> &str {
        self.members.iter().find(|(have, _)| have == name).map_or("null", |(_, raw)| raw)
    }

    fn set(&mut self, name: &str, raw: &str) {
        if let Some((_, value)) = self.members.iter_mut().find(|(have, _)| have == name) {
            raw.clone_into(value);
        }
    }

    fn field(&self) -> String {
        serde_json::from_str(self.member("field")).unwrap_or_default()
    }

    /// Items of one chain tell of one value.
    fn chain(&self) -> String {
        let field = self.field();
        match field.as_str() {
            "Fix Version" | "Version" | "Component" => {
                let side = if self.member("to") == "null" { "from" } else { "to" };
                format!("{field} {}", self.member(side))
            }
            _ => field,
        }
    }

    fn is_change(&self) -> bool {
        self.member("from") != self.member("to")
            || self.member("fromString") != self.member("toString")
    }

    fn text(&self) -> String {
        let members: Vec<String> =
            self.members.iter().map(|(name, raw)| format!("{}:{raw}", quote(name))).collect();
        format!("{{{}}}", members.join(","))
    }
}

impl World {
    /// Corrupts an issue's changelog somewhere; `None` if it has no place for that. The document
    /// stays as it is, its `updated` included.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn plant(
        &mut self,
        id: IssueId,
        corruption: Corruption,
        random: &mut Random,
    ) -> Result<Option<Planted>, WorldError> {
        let before = self.issue_mut(id)?.histories.clone();
        let chains = chains(&before);
        let long = match corruption {
            Corruption::AlterTo | Corruption::Duplicate => 1,
            Corruption::DropLast | Corruption::AlterFrom | Corruption::Swap => 2,
            Corruption::DropMiddle => 3,
        };
        let fitting: Vec<&Vec<Item>> = chains
            .iter()
            .filter(|chain| chain.len() >= long && chain.iter().all(Item::is_change))
            .filter(|chain| corruption_shows(chain, corruption))
            .collect();
        let Some(chain) = random.pick(&fitting) else { return Ok(None) };
        let mut histories = before.clone();
        corrupt(&mut histories, chain, corruption, random);
        let field = chain.first().map(Item::field).unwrap_or_default();
        let issue = self.issue_mut(id)?;
        issue.changelog_text = None;
        issue.histories = histories;
        Ok(Some(Planted { issue: id, field, corruption, histories: before }))
    }

    /// Puts a corrupted changelog right again.
    ///
    /// # Errors
    /// When the issue is gone.
    pub fn mend(&mut self, planted: Planted) -> Result<(), WorldError> {
        self.issue_mut(planted.issue)?.histories = planted.histories;
        Ok(())
    }
}

/// In lists, items come and go: the first that is mentioned as leaving was there before, so that
/// altering where an item begins may tell another story that is as good.
fn corruption_shows(chain: &[Item], corruption: Corruption) -> bool {
    let by_element = chain.first().is_some_and(|item| {
        matches!(item.field().as_str(), "Fix Version" | "Version" | "Component")
    });
    let names_nothing = chain.iter().any(|item| matches!(item.field().as_str(), "Key" | "project"));
    !names_nothing
        && match corruption {
            Corruption::DropLast => true,
            Corruption::DropMiddle
            | Corruption::AlterTo
            | Corruption::AlterFrom
            | Corruption::Swap
            | Corruption::Duplicate => !by_element,
        }
}

/// The items of each field in order of time.
fn chains(histories: &[Json]) -> Vec<Vec<Item>> {
    let mut all: Vec<(i64, u64, Item)> = Vec::new();
    for (at, history) in histories.iter().enumerate() {
        let created = history.member("created").as_deref().and_then(parse_jira).unwrap_or_default();
        let id = history.member("id").and_then(|id| id.parse().ok()).unwrap_or_default();
        for (n, members) in items_of(history).into_iter().enumerate() {
            all.push((created, id, Item { history: at, item: n, members }));
        }
    }
    all.sort_by_key(|(created, id, item)| (*created, *id, item.item));
    let mut chains: Vec<(String, Vec<Item>)> = Vec::new();
    for (_, _, item) in all {
        let name = item.chain();
        match chains.iter_mut().find(|(have, _)| *have == name) {
            Some((_, chain)) => chain.push(item),
            None => chains.push((name, vec![item])),
        }
    }
    chains.into_iter().map(|(_, chain)| chain).collect()
}

fn items_of(history: &Json) -> Vec<Vec<(String, String)>> {
    let members = entries(history.as_str()).unwrap_or_default();
    let Some((_, items)) = members.into_iter().find(|(name, _)| name == "items") else {
        return Vec::new();
    };
    let items = elements(items.get()).unwrap_or_default();
    items
        .into_iter()
        .map(|item| {
            let members = entries(item.get()).unwrap_or_default();
            members.into_iter().map(|(name, raw)| (name, raw.get().to_owned())).collect()
        })
        .collect()
}

fn corrupt(histories: &mut Vec<Json>, chain: &[Item], corruption: Corruption, random: &mut Random) {
    let last = chain.len().saturating_sub(1);
    let at = match corruption {
        Corruption::DropLast => last,
        Corruption::DropMiddle => 1 + random.below(last.saturating_sub(1)),
        Corruption::AlterFrom => 1 + random.below(last),
        Corruption::Swap => random.below(last),
        Corruption::AlterTo | Corruption::Duplicate => random.below(chain.len()),
    };
    let (Some(item), other) = (chain.get(at), chain.get(at + 1)) else { return };
    let mut altered = item.clone();
    match corruption {
        Corruption::DropLast | Corruption::DropMiddle => replace(histories, item, None),
        Corruption::AlterTo => {
            alter(&mut altered, "to", "toString");
            replace(histories, item, Some(&altered));
        }
        Corruption::AlterFrom => {
            alter(&mut altered, "from", "fromString");
            replace(histories, item, Some(&altered));
        }
        Corruption::Swap => {
            if let Some(other) = other {
                replace(histories, item, Some(other));
                replace(histories, other, Some(item));
            }
        }
        Corruption::Duplicate => {
            alter(&mut altered, "to", "toString");
            let Some(history) = histories.get(item.history) else { return };
            let head = history.as_str().split_once(r#""items":"#).map_or("{", |(head, _)| head);
            let text = format!(r#"{head}"items":[{}]}}"#, altered.text());
            let id = history.member("id").unwrap_or_default();
            let next = format!("{id}9");
            let text = text.replacen(&format!(r#""id":"{id}""#), &format!(r#""id":"{next}""#), 1);
            histories.push(Json::built(text));
        }
    }
}

/// Another value, which nothing has: with an id where the item has some.
fn alter(item: &mut Item, id: &str, text: &str) {
    if item.member("from") != "null" || item.member("to") != "null" {
        item.set(id, r#""987654321""#);
    }
    item.set(text, r#""altered""#);
}

fn replace(histories: &mut [Json], place: &Item, by: Option<&Item>) {
    let Some(history) = histories.get_mut(place.history) else { return };
    let head = history.as_str().split_once(r#""items":"#).map_or("{", |(head, _)| head).to_owned();
    let items: Vec<String> = items_of(history)
        .into_iter()
        .enumerate()
        .filter_map(|(n, members)| {
            let item = Item { history: place.history, item: n, members };
            if n == place.item { by.map(Item::text) } else { Some(item.text()) }
        })
        .collect();
    *history = Json::built(format!(r#"{head}"items":[{}]}}"#, items.join(",")));
}
