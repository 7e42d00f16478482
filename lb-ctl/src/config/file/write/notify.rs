//! Whom to notify, written without what is as it is by default.

use std::path::Path;
use std::time::Duration;

use crate::config::duration;
use crate::config::file::{Mail, Notify, Webhook};
use crate::config::notify::{self, MailSecurity};

impl From<&notify::Notify> for Notify {
    fn from(notify: &notify::Notify) -> Self {
        let usual = notify::Notify::default();
        Self {
            user: (notify.user != usual.user).then(|| notify.user.clone()),
            timeout: time(notify.timeout, usual.timeout),
            mail: notify.mail.as_ref().map(mail),
            webhooks: notify.webhooks.iter().map(webhook).collect(),
        }
    }
}

fn mail(mail: &notify::Mail) -> Mail {
    let security = mail.security;
    let login = mail.login.as_ref();
    Mail {
        server: mail.server.clone(),
        port: (mail.port != security.port()).then_some(mail.port),
        security: (security != MailSecurity::default()).then(|| security.name().to_owned()),
        user: login.map(|login| login.user.clone()),
        password: login.map(|login| login.password.clone()),
        ca: mail.ca.as_deref().map(path),
        from: mail.from.clone(),
        to: mail.to.clone(),
        batch: time(mail.batch, notify::Mail::BATCH),
    }
}

fn webhook(webhook: &notify::Webhook) -> Webhook {
    Webhook {
        url: webhook.url.clone(),
        timeout: time(webhook.timeout, notify::Webhook::TIMEOUT),
        ca: webhook.ca.as_deref().map(path),
    }
}

fn time(given: Duration, usual: Duration) -> Option<String> {
    (given != usual).then(|| duration::written(given))
}

fn path(path: &Path) -> String {
    path.to_str().expect("it was read from text").to_owned()
}
