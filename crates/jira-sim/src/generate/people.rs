//! The people of a generated project.

use crate::json::Json;
use crate::random::Random;
use crate::world::{User, World};

const FIRST: [&str; 12] = [
    "Ada", "Björn", "Chidi", "Dana", "Élodie", "Farid", "Grace", "Hiro", "Inés", "José", "Klára",
    "Lê",
];
const LAST: [&str; 12] = [
    "Abara",
    "Brown",
    "Çelik",
    "Díaz",
    "Eriksen",
    "Fischer",
    "Gray",
    "Håkansson",
    "Ito",
    "Jansen",
    "Kovač",
    "Łuczak",
];
const ZONES: [&str; 5] =
    ["Etc/UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland"];

/// User objects, shared by all issues that name them.
pub(super) struct People(Vec<Json>);

impl People {
    /// Adds users to the instance and returns them.
    pub(super) fn hire(world: &mut World, random: &mut Random, count: usize) -> Self {
        let origin = world.origin().to_owned();
        let mut people = Vec::with_capacity(count);
        for n in 1..=count {
            let first = random.pick(&FIRST).copied().unwrap_or("Ada");
            let last = random.pick(&LAST).copied().unwrap_or("Abara");
            let mut user = User::new(&format!("user{n}"), &format!("{first} {last}"));
            if random.chance(0.3) {
                user.key = format!("JIRAUSER{}", 10_000 + n);
            }
            user.active = !random.chance(0.1);
            user.time_zone = random.pick(&ZONES).copied().unwrap_or("Etc/UTC").to_owned();
            people.push(user.json(&origin));
        }
        world.catalogue.users.extend(people.iter().cloned());
        Self(people)
    }

    /// Somebody; a few people do most of the work.
    pub(super) fn somebody(&self, random: &mut Random) -> Json {
        let busy = self.0.len().div_ceil(5);
        let among = if random.chance(0.8) { busy } else { self.0.len() };
        self.0.get(random.below(among)).cloned().unwrap_or_else(Json::null)
    }
}
