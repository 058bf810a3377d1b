//! The answers that faults make up.

use axum::http::StatusCode;

use super::{Action, RetryAfter};
use crate::api::Answer;
use crate::json::quote;

const LOGIN: &str = "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><form id=\"login-form\" method=\"post\" action=\"/login.jsp\"><input name=\"os_username\"/><input name=\"os_password\" type=\"password\"/></form></body></html>\n";

/// The answer of a fault that needs no computed one; `None` for those that spoil a real answer.
pub(crate) fn instead(action: &Action) -> Option<Answer> {
    match action {
        Action::TooManyRequests(after) => Some(failure(429, *after, "Rate limit exceeded.")),
        Action::Fail(status) => Some(failure(*status, RetryAfter::Absent, "The server failed.")),
        Action::FailRetryAfter(status, after) => {
            Some(failure(*status, *after, "The server is busy."))
        }
        Action::Refuse(status, words) => Some(Answer::json(
            StatusCode::from_u16(*status).unwrap_or(StatusCode::FORBIDDEN),
            format!(r#"{{"errorMessages":[{}],"errors":{{}}}}"#, quote(words)),
        )),
        Action::LoginPage => Some(Answer { foreign: true, ..Answer::html(StatusCode::OK, LOGIN) }),
        Action::Redirect(to) => {
            let mut answer = Answer { foreign: true, ..Answer::html(StatusCode::FOUND, "") };
            answer.headers.push(("location", to.clone()));
            Some(answer)
        }
        Action::WrongShape => {
            Some(Answer::json(StatusCode::OK, r#"["maintenance",{"until":"soon"}]"#.to_owned()))
        }
        Action::FailAfterEffect(_)
        | Action::Reset
        | Action::Truncate(_)
        | Action::Stall(_)
        | Action::StallUntil(_)
        | Action::MalformedJson
        | Action::Anonymous
        | Action::OmitField(_)
        | Action::OmitIssues(_)
        | Action::Token(_) => None,
    }
}

/// Spoils an answer that was computed.
pub(crate) fn spoil(action: &Action, answer: &mut Answer) {
    match action {
        Action::FailAfterEffect(status) => {
            *answer = failure(*status, RetryAfter::Absent, "The server failed.")
        }
        Action::MalformedJson => {
            let half = answer.body.len() / 2;
            let cut = (0..=half).rev().find(|at| answer.body.is_char_boundary(*at)).unwrap_or(0);
            answer.body.truncate(cut);
            answer.body.push_str(",,");
        }
        Action::Truncate(bytes) => answer.cut_after = Some(*bytes),
        Action::Reset => answer.reset = true,
        other => {
            if let Some(made_up) = instead(other) {
                *answer = made_up;
            }
        }
    }
}

fn failure(status: u16, after: RetryAfter, text: &str) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body =
        format!("<html><head><title>{status}</title></head><body><h1>{text}</h1></body></html>\n");
    Answer { retry_after: after, ..Answer::html(status, &body) }
}
