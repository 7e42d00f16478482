//! From `notify` as it is written to whom is told, or to the first key at fault.

use crate::config::file;
use crate::config::hook::{HookCommand, HookError};
use crate::config::locate::Path;
use crate::config::notify::{Hooks, Login, Mail, MailSecurity, Notify, Webhook};
use crate::config::rules::Broken;
use crate::config::rules::notify::{self as rule, NotifyError};

/// Reads the commands of a service.
///
/// # Errors
/// The first that is none, with its key.
pub fn hooks(document: &file::Service) -> Result<Hooks, Broken> {
    let command = |key: &str, text: &Option<String>| {
        let command = text.as_deref().map(hook).transpose();
        command.map_err(Broken::at(key))
    };
    Ok(Hooks {
        up: command("notify_up", &document.notify_up)?,
        down: command("notify_down", &document.notify_down)?,
        quorum_up: command("quorum_up", &document.quorum_up)?,
        quorum_down: command("quorum_down", &document.quorum_down)?,
    })
}

/// Reads a command.
///
/// # Errors
/// [`NotifyError::Command`].
pub fn hook(text: &str) -> Result<HookCommand, NotifyError> {
    HookCommand::parse(text).map_err(|error: HookError| error.into())
}

/// Reads whom to notify.
///
/// # Errors
/// The first rule that is broken, with the path within the object.
pub fn notify(document: &file::Notify) -> Result<Notify, Broken> {
    let usual = Notify::default();
    let under = |path: Path| move |broken: Broken| broken.under(&path);
    let mail = document.mail.as_ref().map(mail).transpose();
    Ok(Notify {
        user: given("user", document.user.as_deref(), rule::user)?.unwrap_or(usual.user),
        timeout: given("timeout", document.timeout.as_deref(), rule::timeout)?
            .unwrap_or(usual.timeout),
        mail: mail.map_err(under(Path::default().key("mail")))?,
        webhooks: webhooks(&document.webhooks)?,
    })
}

fn given<T>(
    key: &str,
    text: Option<&str>,
    rule: fn(&str) -> Result<T, NotifyError>,
) -> Result<Option<T>, Broken> {
    text.map(rule).transpose().map_err(Broken::at(key))
}

fn mail(document: &file::Mail) -> Result<Mail, Broken> {
    let security =
        given("security", document.security.as_deref(), rule::security)?.unwrap_or_default();
    let ca = given("ca", document.ca.as_deref(), rule::ca)?;
    if ca.is_some() && security == MailSecurity::None {
        return Err(Broken::at("ca")(NotifyError::CaWithoutTls));
    }
    Ok(Mail {
        server: rule::server(&document.server).map_err(Broken::at("server"))?,
        port: document.port.unwrap_or(security.port()),
        security,
        login: login(document)?,
        ca,
        from: rule::address(&document.from).map_err(Broken::at("from"))?,
        to: recipients(&document.to)?,
        batch: given("batch", document.batch.as_deref(), rule::batch)?.unwrap_or(Mail::BATCH),
    })
}

fn login(document: &file::Mail) -> Result<Option<Login>, Broken> {
    let half = |given, missing| Broken::at(given)(NotifyError::HalfLogin { given, missing });
    match (&document.user, &document.password) {
        (None, None) => Ok(None),
        (Some(user), Some(password)) => {
            Ok(Some(Login { user: user.clone(), password: password.clone() }))
        }
        (Some(_), None) => Err(half("user", "password")),
        (None, Some(_)) => Err(half("password", "user")),
    }
}

fn recipients(texts: &[String]) -> Result<Vec<String>, Broken> {
    if texts.is_empty() {
        return Err(Broken::at("to")(NotifyError::NoRecipient));
    }
    let mut all = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let path = Path::default().key("to").index(index);
        let address = rule::address(text).and_then(|address| once(&all, address, "to"));
        all.push(address.map_err(|error| Broken { path, error: error.into() })?);
    }
    Ok(all)
}

fn webhooks(documents: &[file::Webhook]) -> Result<Vec<Webhook>, Broken> {
    let mut urls = Vec::with_capacity(documents.len());
    let mut webhooks = Vec::with_capacity(documents.len());
    for (index, document) in documents.iter().enumerate() {
        let path = Path::default().key("webhooks").index(index);
        let webhook = webhook(document, &urls).map_err(|broken| broken.under(&path))?;
        urls.push(webhook.url.clone());
        webhooks.push(webhook);
    }
    Ok(webhooks)
}

fn webhook(document: &file::Webhook, before: &[String]) -> Result<Webhook, Broken> {
    let url = rule::url(&document.url).and_then(|url| once(before, url, "webhooks"));
    Ok(Webhook {
        url: url.map_err(Broken::at("url"))?,
        timeout: given("timeout", document.timeout.as_deref(), rule::timeout)?
            .unwrap_or(Webhook::TIMEOUT),
        ca: given("ca", document.ca.as_deref(), rule::ca)?,
    })
}

fn once(before: &[String], text: String, list: &'static str) -> Result<String, NotifyError> {
    match before.iter().position(|earlier| *earlier == text) {
        None => Ok(text),
        Some(first) => Err(NotifyError::Duplicate { text, list, first }),
    }
}
