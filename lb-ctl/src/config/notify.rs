//! Whom lb-ctl tells of what happens, beside the log.

use std::time::Duration;

use super::hook::HookCommand;

/// Commands that a service has run.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Hooks {
    /// When a real comes up.
    pub up: Option<HookCommand>,
    /// When a real goes down.
    pub down: Option<HookCommand>,
    /// When the reals that are up have their quorum again.
    pub quorum_up: Option<HookCommand>,
    /// When they lose it.
    pub quorum_down: Option<HookCommand>,
}

/// How commands are run, and who is told besides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notify {
    /// Who runs the commands.
    pub user: String,
    /// How long one may take.
    pub timeout: Duration,
    /// Mail.
    pub mail: Option<Mail>,
    /// Where events are posted to, as JSON.
    pub webhooks: Vec<Webhook>,
}

impl Default for Notify {
    fn default() -> Self {
        Self {
            user: "root".to_owned(),
            timeout: Duration::from_secs(30),
            mail: None,
            webhooks: Vec::new(),
        }
    }
}

/// Mail to operators.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mail {
    /// The server's name or address.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the way to it is kept private.
    pub security: MailSecurity,
    /// Name and password.
    pub login: Option<Login>,
    /// A PEM file of authorities; those of the system where there is none.
    pub ca: Option<std::path::PathBuf>,
    /// The sender.
    pub from: String,
    /// The recipients, at least one.
    pub to: Vec<String>,
    /// Events are gathered for so long into one mail.
    pub batch: Duration,
}

impl Mail {
    /// How long events are gathered where nothing is said.
    pub const BATCH: Duration = Duration::from_secs(10);
}

/// How mail is kept private.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MailSecurity {
    /// STARTTLS, or nothing is sent.
    #[default]
    Starttls,
    /// TLS from the beginning.
    Tls,
    /// Not at all.
    None,
}

impl MailSecurity {
    /// All.
    pub const ALL: [Self; 3] = [Self::Starttls, Self::Tls, Self::None];

    /// The word used in definitions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starttls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
    }

    /// The usual port.
    pub const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// Name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Login {
    /// Passwords stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Where events are posted to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Webhook {
    /// `http://` or `https://`.
    pub url: String,
    /// How long a post may take.
    pub timeout: Duration,
    /// A PEM file of authorities; those of the system where there is none.
    pub ca: Option<std::path::PathBuf>,
}

impl Webhook {
    /// How long a post may take where nothing is said.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
}
