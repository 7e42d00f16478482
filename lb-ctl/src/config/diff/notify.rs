//! How notification differs.

use super::Field;
use crate::config::duration::written;
use crate::config::notify::{Login, Mail, Notify, Webhook};

/// What differs between two states. Passwords are not shown.
pub(super) fn fields(old: &Notify, new: &Notify) -> Vec<Field> {
    let mut fields = Vec::new();
    if old.user != new.user {
        fields.push(Field::User { from: old.user.clone(), to: new.user.clone() });
    }
    if old.timeout != new.timeout {
        fields.push(Field::Timeout { from: written(old.timeout), to: written(new.timeout) });
    }
    let (from, to) = (old.mail.as_ref(), new.mail.as_ref());
    if from.map(open) != to.map(open) {
        fields.push(Field::Mail { from: from.map(mail), to: to.map(mail) });
    } else if old.mail != new.mail {
        fields.push(Field::Password);
    }
    let only_in = |list: &[Webhook], other: &[Webhook]| -> Vec<String> {
        list.iter().filter(|hook| !other.contains(hook)).map(webhook).collect()
    };
    let added = only_in(&new.webhooks, &old.webhooks);
    let removed = only_in(&old.webhooks, &new.webhooks);
    if !(added.is_empty() && removed.is_empty()) {
        fields.push(Field::Webhooks { added, removed });
    }
    fields
}

/// Mail without its password.
fn open(mail: &Mail) -> Mail {
    let login = mail.login.as_ref();
    let login = login.map(|login| Login { password: String::new(), ..login.clone() });
    Mail { login, ..mail.clone() }
}

/// As in messages: `mail.example.org:587 (starttls) from lb@example.org to ops@example.org`.
fn mail(mail: &Mail) -> String {
    let Mail { server, port, security, login, ca, from, to, batch } = mail;
    let mut words = vec![security.name().to_owned()];
    words.extend(login.as_ref().map(|login| format!("login {:?}", login.user)));
    words.extend(ca.as_ref().map(|ca| format!("ca {}", ca.display())));
    words.extend((*batch != Mail::BATCH).then(|| format!("batch {}", written(*batch))));
    format!("{server}:{port} ({}) from {from} to {}", words.join(", "), to.join(" "))
}

/// Where to, and how. What stands behind the host is often all that keeps others out, and
/// differences are logged.
fn webhook(webhook: &Webhook) -> String {
    let Webhook { url, timeout, ca } = webhook;
    let url = reqwest::Url::parse(url).expect("it was valid when it was read");
    let further = url.path() != "/" || url.query().is_some();
    let host = url.origin().ascii_serialization();
    let shown = if further { format!("{host}/...") } else { host };
    let timeout = (*timeout != Webhook::TIMEOUT).then(|| format!("timeout {}", written(*timeout)));
    let ca = ca.as_ref().map(|ca| format!("ca {}", ca.display()));
    let words: Vec<String> = timeout.into_iter().chain(ca).collect();
    if words.is_empty() { shown } else { format!("{shown} ({})", words.join(", ")) }
}
