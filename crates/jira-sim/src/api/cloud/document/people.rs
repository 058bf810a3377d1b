//! People as Cloud shows them: by account id, without name and key.

use serde_json::value::RawValue;

use crate::json::{push_quoted, quote};
use crate::random::mix;

/// The account id that stands for a Server user's key, for ever the same. Some contain a colon.
pub fn account_id(key: &str) -> String {
    let scramble = |salt: u64| key.bytes().fold(salt, |hash, byte| mix(hash ^ u64::from(byte)));
    let (high, low) = (scramble(1), scramble(2));
    if high.is_multiple_of(3) {
        return format!(
            "712020:{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            low >> 32,
            (low >> 16) & 0xffff,
            low & 0xffff,
            high >> 48,
            high & 0xffff_ffff_ffff
        );
    }
    format!("5{high:016x}{:07x}", low & 0x0fff_ffff)
}

/// Whether an object's members are those of a person: Server's, or Cloud's already.
pub(super) fn is_person(members: &[(String, &RawValue)]) -> bool {
    let has = |name: &str| members.iter().any(|(have, _)| have == name);
    has("displayName") && (has("name") || has("key") || has("accountId"))
}

/// Appends a person. What privacy settings hide differs from one to the next.
pub(super) fn push_person(out: &mut String, members: &[(String, &RawValue)], api: &str) {
    let text = |name: &str| {
        let raw = members.iter().find(|(have, _)| have == name).map(|(_, raw)| raw.get());
        raw.and_then(|raw| serde_json::from_str::<String>(raw).ok())
    };
    let raw = |name: &str| {
        members.iter().find(|(have, _)| have == name).map_or("null", |(_, raw)| raw.get())
    };
    let id = text("accountId")
        .or_else(|| text("key").or_else(|| text("name")).map(|key| account_id(&key)))
        .unwrap_or_else(|| "unknown".to_owned());
    let privacy = id.bytes().fold(7, |hash, byte| mix(hash ^ u64::from(byte)));
    let origin = text("self")
        .and_then(|link| link.split("/rest/").next().map(str::to_owned))
        .unwrap_or_default();
    let link: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    out.push_str(r#"{"self":"#);
    push_quoted(out, &format!("{origin}{api}user?accountId={link}"));
    out.push_str(r#","accountId":"#);
    push_quoted(out, &id);
    match privacy % 3 {
        0 => {}
        1 => out.push_str(r#","emailAddress":null"#),
        _ => {
            out.push_str(r#","emailAddress":"#);
            out.push_str(raw("emailAddress"));
        }
    }
    out.push_str(&format!(
        r#","avatarUrls":{{"48x48":{}}},"displayName":{},"active":{}"#,
        quote(&format!("{origin}/avatar/48")),
        raw("displayName"),
        raw("active"),
    ));
    let zone = Some(raw("timeZone")).filter(|zone| *zone != "null");
    if let Some(zone) = zone.filter(|_| !privacy.is_multiple_of(4)) {
        out.push_str(r#","timeZone":"#);
        out.push_str(zone);
    }
    let kind = if (privacy >> 8).is_multiple_of(16) { "app" } else { "atlassian" };
    out.push_str(&format!(r#","accountType":"{kind}"}}"#));
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_key_has_an_account_id_of_its_own_that_does_not_change() {
        let ids: HashSet<String> = (0..5_000).map(|n| account_id(&format!("user{n}"))).collect();
        assert_eq!(ids.len(), 5_000);
        assert!(ids.iter().any(|id| id.contains(':')) && ids.iter().any(|id| id.len() == 24));
        assert_eq!(account_id("user1"), account_id("user1"));
    }
}
