//! The section `[http]`: where operators are answered, and what they must show. An address that other
//! machines can reach needs a token.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::error::ConfigError;
use super::layers::Settings;
use super::text::unset_if_empty;

/// A token that is shorter can be guessed.
const SHORTEST_TOKEN: usize = 16;
const LISTEN: &str = "http.listen";
const TOKEN: &str = "http.token";

/// The section `[http]`.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The address to listen on; `None` for no HTTP at all.
    pub listen: Option<SocketAddr>,
    /// What callers must send as `Authorization: Bearer`; there always is one off loopback.
    pub token: Option<SecretString>,
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpSection {
    #[serde(deserialize_with = "unset_if_empty")]
    listen: Option<String>,
    #[serde(deserialize_with = "unset_if_empty")]
    token: Option<SecretString>,
}

impl HttpSection {
    pub(super) fn resolve(self, settings: &Settings) -> Result<HttpConfig, ConfigError> {
        // The form was checked before, so a text that is there is an address.
        let listen = self.listen.as_deref().and_then(address);
        if let Some(token) = &self.token
            && !is_sendable(token.expose_secret())
        {
            return Err(ConfigError::bad_value(
                TOKEN,
                "a value that is not shown, because it may hold a secret,",
                &settings.origin(TOKEN),
                "at least 16 letters, digits or punctuation marks, without blanks, such as the \
                 output of: openssl rand -hex 32",
            ));
        }
        match listen {
            Some(address) if !address.ip().is_loopback() && self.token.is_none() => {
                Err(ConfigError::Incomplete {
                    key: LISTEN,
                    origin: settings.origin(LISTEN),
                    wanted: TOKEN,
                    advice: "other machines can reach this address: set http.token or \
                             http.token_file to what they must send, or listen on 127.0.0.1",
                })
            }
            _ => Ok(HttpConfig { listen, token: self.token }),
        }
    }
}

/// Whether a text is an address and a port. Names are not looked up, but for the one that needs no
/// looking up.
pub(super) fn is_address(text: &str) -> bool {
    address(text).is_some()
}

fn address(text: &str) -> Option<SocketAddr> {
    match text.strip_prefix("localhost:") {
        Some(port) => Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.parse().ok()?)),
        None => text.parse().ok(),
    }
}

/// Whether a token can be sent in a header as it is, and is long enough.
fn is_sendable(token: &str) -> bool {
    token.len() >= SHORTEST_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic())
}
