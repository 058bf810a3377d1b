//! Who we are at Jira: the forms that four keys can make together, and no other.

use secrecy::SecretString;

use super::error::ConfigError;
use super::layers::Settings;

/// How requests to Jira are authenticated.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Not at all.
    Anonymous,
    /// A personal access token, sent as `Authorization: Bearer`.
    Token(SecretString),
    /// An e-mail address with an API token, sent as basic authentication (Cloud).
    EmailAndToken {
        /// The account's e-mail address.
        email: String,
        /// The API token.
        token: SecretString,
    },
    /// A user name with a password, sent as basic authentication.
    UserAndPassword {
        /// The user name.
        username: String,
        /// The password.
        password: SecretString,
    },
}

/// The four keys as they are written.
pub(super) struct CredentialKeys {
    pub(super) token: Option<SecretString>,
    pub(super) email: Option<String>,
    pub(super) username: Option<String>,
    pub(super) password: Option<SecretString>,
}

const TOKEN: &str = "jira.token";
const EMAIL: &str = "jira.email";
const USERNAME: &str = "jira.username";
const PASSWORD: &str = "jira.password";

impl CredentialKeys {
    /// The one form that the keys make, or which two of them contradict each other.
    pub(super) fn resolve(self, settings: &Settings) -> Result<Credentials, ConfigError> {
        let conflict = |first, second, advice| ConfigError::Conflict {
            first,
            first_origin: Box::new(settings.origin(first)),
            second,
            second_origin: Box::new(settings.origin(second)),
            advice,
        };
        let incomplete = |key, wanted, advice| ConfigError::Incomplete {
            key,
            origin: settings.origin(key),
            wanted,
            advice,
        };
        match (self.token, self.email, self.username, self.password) {
            (None, None, None, None) => Ok(Credentials::Anonymous),
            (Some(token), None, None, None) => Ok(Credentials::Token(token)),
            (Some(token), Some(email), None, None) => {
                Ok(Credentials::EmailAndToken { email, token })
            }
            (None, None, Some(username), Some(password)) => {
                Ok(Credentials::UserAndPassword { username, password })
            }
            (Some(_), _, _, Some(_)) => Err(conflict(
                TOKEN,
                PASSWORD,
                "keep the token (alone for Server and Data Center, with jira.email for Cloud) or the \
                 password (with jira.username)",
            )),
            (Some(_), _, Some(_), None) => Err(conflict(
                TOKEN,
                USERNAME,
                "a token needs no user name on Server and Data Center: remove jira.username; on Cloud \
                 it goes with jira.email",
            )),
            (None, Some(_), _, Some(_)) => Err(conflict(
                EMAIL,
                PASSWORD,
                "an e-mail address goes with an API token in jira.token, a password with \
                 jira.username",
            )),
            (None, Some(_), _, None) => Err(incomplete(
                EMAIL,
                TOKEN,
                "an e-mail address goes with an API token (https://id.atlassian.com, Security, API \
                 tokens)",
            )),
            (None, None, Some(_), None) => Err(incomplete(
                USERNAME,
                PASSWORD,
                "set jira.password or jira.password_file, or use a personal access token in \
                 jira.token instead",
            )),
            (None, None, None, Some(_)) => Err(incomplete(
                PASSWORD,
                USERNAME,
                "set jira.username to whom the password belongs",
            )),
        }
    }
}
