//! An issue of the world as this Jira serves it, whole: on Server as the world holds it, on Cloud as
//! the simulator's view says.

use jira_sim::{CloudView, Flavor, Issue, Json, World};
use serde_json::Value;

use super::{parse, storable};
use crate::app::App;

/// What Jira has to say of one issue, lists that it cuts short included in full.
#[derive(Debug, Default)]
pub(super) struct Served {
    pub(super) key: String,
    /// As they come with the issue: lists in them may be cut short.
    pub(super) fields: Value,
    pub(super) histories: Vec<Value>,
    pub(super) comments: Vec<Value>,
    pub(super) worklogs: Vec<Value>,
    pub(super) links: Vec<Value>,
    pub(super) attachments: Vec<Value>,
    /// Whether some of it is text that Postgres cannot hold.
    pub(super) unstorable: bool,
}

/// Works something out of every visible issue of a project.
pub(super) fn each_served<T, C: FromIterator<T>>(
    app: &App,
    project: &str,
    of: impl Fn(i64, Served) -> T,
) -> C {
    let config = app.sim.config();
    let world: &World = &app.sim.world();
    let view = (config.flavor == Flavor::Cloud).then(|| CloudView::new(world, &config));
    let served = |issue: &Issue| match &view {
        Some(view) => Served::by_cloud(view, issue),
        None => Served::by_server(issue),
    };
    let id = |issue: &Issue| i64::try_from(issue.id()).unwrap();
    world.visible_issues(project).map(|issue| of(id(issue), served(issue))).collect()
}

impl Served {
    fn by_server(issue: &Issue) -> Self {
        let all = |list: &[jira_sim::Child]| -> Vec<Json> {
            list.iter().map(|child| child.json.clone()).collect()
        };
        let mut served = Self { key: issue.key().to_string(), ..Self::default() };
        served.fields = served.read(&issue.fields_json());
        served.histories = served.read_all(issue.histories());
        served.comments = served.read_all(&all(issue.comments()));
        served.worklogs = served.read_all(&all(issue.worklogs()));
        served.links = served.read_all(&all(issue.links()));
        served.attachments = served.read_all(&all(issue.attachments()));
        served
    }

    fn by_cloud(view: &CloudView<'_>, issue: &Issue) -> Self {
        let all = |list: &[jira_sim::Child]| -> Vec<Json> {
            list.iter().map(|child| view.translated(&child.json)).collect()
        };
        let mut served = Self { key: issue.key().to_string(), ..Self::default() };
        served.fields = served.read(&view.fields_json(issue));
        served.histories = served.read_all(&view.histories(issue));
        served.comments = served.read_all(&view.comments(issue));
        served.worklogs = served.read_all(&view.worklogs(issue));
        served.links = served.read_all(&all(issue.links()));
        served.attachments = served.read_all(&all(issue.attachments()));
        served
    }

    fn read_all(&mut self, list: &[Json]) -> Vec<Value> {
        list.iter().map(|json| self.read(json.as_str())).collect()
    }

    fn read(&mut self, json: &str) -> Value {
        self.unstorable |= storable(json) != json;
        parse(json)
    }
}
