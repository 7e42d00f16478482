//! Who is told of what happens, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read;

/// Who is told of what happens, and how commands are run.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Who runs the commands of `notify_up` and its like; `root` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub user: Option<String>,
    /// How long such a command may take; `30s` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*(ms|[smhd])$"))]
    pub timeout: Option<String>,
    /// Mail that is sent when reals and services go up and down.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::object")]
    #[schemars(with = "Mail")]
    pub mail: Option<Mail>,
    /// Where the same is posted to, as JSON.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "read::objects")]
    pub webhooks: Vec<Webhook>,
}

/// Mail to operators.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The mail server's name or address.
    #[schemars(length(min = 1))]
    pub server: String,
    /// Its port; where absent, 587 for `starttls`, 465 for `tls`, 25 for `none`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::port")]
    #[schemars(with = "u16", range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// `starttls` (where absent): by STARTTLS or not at all, `tls`: by TLS from the beginning,
    /// `none`: readable by all on the way.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", extend("enum" = ["starttls", "tls", "none"]))]
    pub security: Option<String>,
    /// The name to log in with; where absent, nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", length(min = 1))]
    pub user: Option<String>,
    /// Its password.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String")]
    pub password: Option<String>,
    /// A PEM file of the authorities that are trusted; those of the system where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", regex(pattern = r"^/"))]
    pub ca: Option<String>,
    /// The sender's address.
    #[schemars(extend("format" = "email"))]
    pub from: String,
    /// The recipients' addresses.
    #[schemars(length(min = 1), inner(email))]
    pub to: Vec<String>,
    /// What happens within this time goes into one mail; `10s` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^[0-9]+(ms|[smhd])$"))]
    pub batch: Option<String>,
}

/// Where events are posted to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// An address that begins with `http://` or `https://`.
    #[schemars(regex(pattern = r"^https?://"), extend("format" = "uri"))]
    pub url: String,
    /// How long a post may take; `5s` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*(ms|[smhd])$"))]
    pub timeout: Option<String>,
    /// A PEM file of the authorities that are trusted; those of the system where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::some")]
    #[schemars(with = "String", regex(pattern = r"^/"))]
    pub ca: Option<String>,
}
