//! Rows that many issues have in common: `jira.users` and `jira.sprints`. Rows that are right
//! already are not even locked, or all writers would queue up behind each other.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::column;
use crate::model::{IssueDocument, Site, Sprint, User};
use crate::store::StoreError;

type Time = chrono::DateTime<chrono::Utc>;

/// Everybody the documents mention, each id once with the most that any of them says, and how the
/// first of them treats people.
fn mentioned<'a>(documents: &[&'a IssueDocument]) -> Vec<(User, Option<&'a str>)> {
    let mut by_id: BTreeMap<&str, (User, Option<&str>)> = BTreeMap::new();
    for document in documents {
        for user in &document.users {
            match by_id.get_mut(user.id.as_str()) {
                Some((known, _)) => known.complete(user),
                None => {
                    by_id.insert(&user.id, (user.clone(), document.privacy.as_deref()));
                }
            }
        }
    }
    by_id.into_values().collect()
}

/// Stores everybody the documents mention. A value that Jira does not show any more is kept.
pub(in crate::store) async fn upsert_users(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
) -> Result<(), StoreError> {
    let users = mentioned(documents);
    if users.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO jira.users AS u
             (site, id, name, display_name, email, active, time_zone, seen_at, privacy)
         SELECT $1, n.id, n.name, n.display_name, n.email, n.active, n.time_zone,
             clock_timestamp(), n.privacy
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[],
             $8::text[]) AS n(id, name, display_name, email, active, time_zone, privacy)
         WHERE NOT EXISTS (
             SELECT FROM jira.users k WHERE k.site = $1 AND k.id = n.id
               AND (n.name IS NULL OR n.name = k.name)
               AND (n.display_name IS NULL OR n.display_name = k.display_name)
               AND (n.email IS NULL OR n.email = k.email)
               AND (n.active IS NULL OR n.active = k.active)
               AND (n.time_zone IS NULL OR n.time_zone = k.time_zone)
         )
         ORDER BY n.id
         ON CONFLICT ON CONSTRAINT users_pk DO UPDATE
         SET name = coalesce(excluded.name, u.name),
             display_name = coalesce(excluded.display_name, u.display_name),
             email = coalesce(excluded.email, u.email),
             active = coalesce(excluded.active, u.active),
             time_zone = coalesce(excluded.time_zone, u.time_zone), seen_at = excluded.seen_at,
             privacy = CASE WHEN u.privacy IS NOT DISTINCT FROM excluded.privacy THEN u.privacy
                 ELSE 'mixed' END",
        site.as_str(),
        &column(&users, |(u, _)| u.id.as_str()) as _,
        &column(&users, |(u, _)| u.name.as_deref()) as _,
        &column(&users, |(u, _)| u.display_name.as_deref()) as _,
        &column(&users, |(u, _)| u.email.as_deref()) as _,
        &column(&users, |(u, _)| u.active) as _,
        &column(&users, |(u, _)| u.time_zone.as_deref()) as _,
        &column(&users, |(_, privacy)| *privacy) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Stores the sprints the documents describe; of two descriptions the one fetched later stays.
pub(in crate::store) async fn upsert_sprints(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
) -> Result<(), StoreError> {
    let mut by_id: BTreeMap<i64, (Time, &Sprint)> = BTreeMap::new();
    for document in documents {
        for sprint in document.children.sprints.iter().flat_map(|list| &list.items) {
            let seen = (document.extracted_at, sprint);
            let kept = by_id.entry(sprint.sprint_id).or_insert(seen);
            if seen.0 > kept.0 {
                *kept = seen;
            }
        }
    }
    let sprints: Vec<(Time, &Sprint)> = by_id.into_values().collect();
    if sprints.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO jira.sprints AS s (site, id, board_id, name, state, goal, started_at, ends_at,
             completed_at, seen_at)
         SELECT $1, n.* FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                 $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[])
             AS n(id, board_id, name, state, goal, started_at, ends_at, completed_at, seen_at)
         WHERE NOT EXISTS (
             SELECT FROM jira.sprints k WHERE k.site = $1 AND k.id = n.id
               AND (k.seen_at > n.seen_at
                    OR (k.board_id, k.name, k.state, k.goal, k.started_at, k.ends_at,
                        k.completed_at)
                       IS NOT DISTINCT FROM (n.board_id, n.name, n.state, n.goal, n.started_at,
                        n.ends_at, n.completed_at))
         )
         ORDER BY n.id
         ON CONFLICT ON CONSTRAINT sprints_pk DO UPDATE
         SET board_id = excluded.board_id, name = excluded.name, state = excluded.state,
             goal = excluded.goal, started_at = excluded.started_at, ends_at = excluded.ends_at,
             completed_at = excluded.completed_at, seen_at = excluded.seen_at
         WHERE s.seen_at <= excluded.seen_at",
        site.as_str(),
        &column(&sprints, |(_, s)| s.sprint_id),
        &column(&sprints, |(_, s)| s.board_id) as _,
        &column(&sprints, |(_, s)| s.name.as_deref()) as _,
        &column(&sprints, |(_, s)| s.state.as_deref()) as _,
        &column(&sprints, |(_, s)| s.goal.as_deref()) as _,
        &column(&sprints, |(_, s)| s.started_at) as &[Option<Time>],
        &column(&sprints, |(_, s)| s.ends_at) as &[Option<Time>],
        &column(&sprints, |(_, s)| s.completed_at) as &[Option<Time>],
        &column(&sprints, |(at, _)| *at),
    )
    .execute(tx)
    .await?;
    Ok(())
}
