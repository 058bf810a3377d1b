//! The changelog and the children of one generated issue, all between its creation and its last
//! edit.

use super::people::People;
use super::text::{line, paragraphs};
use super::timeline::Frame;
use crate::json::{Json, quote};
use crate::random::Random;
use crate::time::{Millis, jira_text};
use crate::world::{Child, Issue, World};

const MAX_HISTORIES: usize = 230;
const MAX_COMMENTS: usize = 146;
const MAX_TEXT: usize = 60_000;

const STATUS_ITEM: &str = r#"{"field":"status","fieldtype":"jira","from":"1","fromString":"Open","to":"3","toString":"In Progress"}"#;

/// Where a child belongs and who may write it.
struct Scene<'a> {
    people: &'a People,
    origin: &'a str,
    frame: &'a Frame,
}

/// As many of everything as real issues have.
pub(super) fn full(
    world: &mut World,
    random: &mut Random,
    people: &People,
    origin: &str,
    frame: &Frame,
    issue: &mut Issue,
) {
    let scene = Scene { people, origin, frame };
    let histories = (random.heavy_tailed(4.0, 1.1) as usize).min(MAX_HISTORIES);
    let comments = (random.heavy_tailed(1.2, 1.2) as usize).min(MAX_COMMENTS);
    let worklogs = match random.unit() {
        few if few < 0.004 => 21 + random.below(60),
        few if few < 0.03 => 1 + random.below(20),
        _ => 0,
    };
    let attachments = if random.chance(0.08) { 1 + random.below(4) } else { 0 };
    if frame.former.is_some() {
        let at = frame.created + (frame.updated - frame.created) / 2;
        issue.histories.push(scene.moved(world, random, at, issue));
    }
    for at in times(random, frame, histories) {
        issue.histories.push(scene.history(world, random, at));
    }
    for at in times(random, frame, comments) {
        let length = (random.heavy_tailed(350.0, 1.1) as usize).min(MAX_TEXT);
        issue.comments.push(scene.comment(world, random, at, length));
    }
    for at in times(random, frame, worklogs) {
        issue.worklogs.push(scene.worklog(world, random, at));
    }
    for at in times(random, frame, attachments) {
        issue.attachments.push(scene.attachment(world, random, at));
    }
}

/// One comment and one history.
pub(super) fn minimal(
    world: &mut World,
    random: &mut Random,
    people: &People,
    origin: &str,
    frame: &Frame,
    issue: &mut Issue,
) {
    let scene = Scene { people, origin, frame };
    issue.histories.push(scene.entry(world, random, frame.updated, STATUS_ITEM));
    issue.comments.push(scene.comment(world, random, frame.updated, 80));
}

/// Instants in order; the last is that of the last edit.
fn times(random: &mut Random, frame: &Frame, count: usize) -> Vec<Millis> {
    let span = usize::try_from(frame.updated - frame.created).unwrap_or_default() + 1;
    let mut times: Vec<Millis> =
        (1..count).map(|_| frame.created + random.below(span) as Millis).collect();
    times.sort_unstable();
    if count > 0 {
        times.push(frame.updated);
    }
    times
}

impl Scene<'_> {
    fn moved(&self, world: &mut World, random: &mut Random, at: Millis, issue: &Issue) -> Json {
        let old = self.frame.former.as_ref().map(ToString::to_string).unwrap_or_default();
        let items = format!(
            r#"{{"field":"Key","fieldtype":"jira","from":null,"fromString":"{old}","to":null,"toString":"{}"}}"#,
            issue.key
        );
        self.entry(world, random, at, &items)
    }

    fn history(&self, world: &mut World, random: &mut Random, at: Millis) -> Json {
        let count = if random.chance(0.7) { 1 } else { 2 + random.below(4) };
        let items: Vec<String> = (0..count).map(|_| item(random)).collect();
        self.entry(world, random, at, &items.join(","))
    }

    /// Some entries have no author: the change was anonymous.
    fn entry(&self, world: &mut World, random: &mut Random, at: Millis, items: &str) -> Json {
        let id = world.take_child_id();
        let author = match random.chance(0.03) {
            true => String::new(),
            false => format!(r#""author":{},"#, self.people.somebody(random)),
        };
        Json::built(format!(
            r#"{{"id":"{id}",{author}"created":"{}","items":[{items}]}}"#,
            jira_text(at, world.zone())
        ))
    }

    fn comment(&self, world: &mut World, random: &mut Random, at: Millis, length: usize) -> Child {
        let id = world.take_child_id();
        let odd = random.chance(0.02);
        let body = paragraphs(random, length, odd);
        let author = self.people.somebody(random);
        let at = quote(&jira_text(at, world.zone()));
        let json = format!(
            r#"{{"self":"{}/rest/api/2/issue/{}/comment/{id}","id":"{id}","author":{author},"body":{body},"updateAuthor":{author},"created":{at},"updated":{at}}}"#,
            self.origin, self.frame.id
        );
        Child { id, json: Json::built(json), other: None }
    }

    fn worklog(&self, world: &mut World, random: &mut Random, at: Millis) -> Child {
        let id = world.take_child_id();
        let author = self.people.somebody(random);
        let minutes = 10 * (1 + random.below(30));
        let text = line(random, 6);
        let at = quote(&jira_text(at, world.zone()));
        let json = format!(
            r#"{{"self":"{}/rest/api/2/issue/{issue}/worklog/{id}","author":{author},"updateAuthor":{author},"comment":{text},"created":{at},"updated":{at},"started":{at},"timeSpent":"{minutes}m","timeSpentSeconds":{},"id":"{id}","issueId":"{issue}"}}"#,
            self.origin,
            60 * minutes,
            issue = self.frame.id
        );
        Child { id, json: Json::built(json), other: None }
    }

    /// Names repeat within an issue, and some have spaces and letters beyond ASCII.
    fn attachment(&self, world: &mut World, random: &mut Random, at: Millis) -> Child {
        const NAMES: [&str; 5] =
            ["fix.patch", "Fix.patch", "fix.patch", "screen shot 1.png", "prüfung.log"];
        let id = world.take_child_id();
        let author = self.people.somebody(random);
        let name = random.pick(&NAMES).copied().unwrap_or("fix.patch");
        let size = random.heavy_tailed(20_000.0, 1.5) as u64;
        let at = quote(&jira_text(at, world.zone()));
        let origin = self.origin;
        let json = format!(
            r#"{{"self":"{origin}/rest/api/2/attachment/{id}","id":"{id}","filename":"{name}","author":{author},"created":{at},"size":{size},"mimeType":"text/plain","content":"{origin}/secure/attachment/{id}/file"}}"#
        );
        Child { id, json: Json::built(json), other: None }
    }
}

fn item(random: &mut Random) -> String {
    let text = |random: &mut Random| line(random, 4);
    match random.below(6) {
        0 => STATUS_ITEM.to_owned(),
        1 => r#"{"field":"resolution","fieldtype":"jira","from":null,"fromString":null,"to":"1","toString":"Fixed"}"#.to_owned(),
        2 => r#"{"field":"assignee","fieldtype":"jira","from":null,"fromString":"","to":"user1","toString":"Ada Abara"}"#.to_owned(),
        3 => r#"{"field":"Sprint","fieldtype":"custom","from":"201","fromString":"Sprint 1","to":"201, 202","toString":"Sprint 1, Sprint 2"}"#.to_owned(),
        4 => format!(r#"{{"field":"summary","fieldtype":"jira","from":null,"fromString":{},"to":null,"toString":{}}}"#, text(random), text(random)),
        _ => {
            let (old, new) = (paragraphs(random, 200, false), paragraphs(random, 200, false));
            format!(r#"{{"field":"description","fieldtype":"jira","from":null,"fromString":{old},"to":null,"toString":{new}}}"#)
        }
    }
}
