//! Events by mail, gathered.

use std::fmt::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use tokio::sync::mpsc;

use super::dropped::{Dropped, Medium};
use super::retry::{self, Attempts, Failed};
use crate::config::notify::{Login, Mail, MailSecurity};
use crate::event::Event;
use crate::instant::rfc3339;

/// Events of one mail at most.
const TOGETHER: usize = 500;
/// How long the server may take for one of its answers.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest subject, in characters.
const SUBJECT_CHARS: usize = 120;

/// What a mail says.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Letter {
    subject: String,
    body: String,
}

impl Letter {
    /// Of these events, of which there is one at least. The subject has the worst of them, the last
    /// where several are as bad.
    fn of(events: &[Arc<Event>], host: &str) -> Self {
        let worst = events.iter().max_by_key(|event| event.what.kind.severity());
        let mut subject = format!("[lb-ctl {host}] ");
        subject.extend(worst.map(|event| event.what.to_string()));
        if let Some((end, _)) = subject.char_indices().nth(SUBJECT_CHARS) {
            subject.truncate(end);
            subject.push('…');
        }
        if events.len() > 1 {
            // Writing to a string does not fail.
            let _ = write!(subject, " (and {} more)", events.len() - 1);
        }
        let mut body = String::new();
        for event in events {
            let _ = writeln!(body, "{}  {}", rfc3339(event.at), event.what);
        }
        Self { subject, body }
    }
}

/// Sends mail.
pub(super) struct Mailer {
    mail: Mail,
    host: Arc<str>,
    dropped: Arc<Dropped>,
    delays: &'static [Duration],
}

impl Mailer {
    pub(super) fn new(mail: Mail, host: Arc<str>, dropped: Arc<Dropped>) -> Self {
        Self { mail, host, dropped, delays: retry::DELAYS }
    }

    /// Mails events, all that come within the time of a batch together, until no more can come.
    pub(super) async fn run(self, mut events: mpsc::Receiver<Arc<Event>>) {
        while let Some(first) = events.recv().await {
            let batch = gather(first, &mut events, self.mail.batch).await;
            let letter = Letter::of(&batch, &self.host);
            let what = format!("mail by {}", self.mail.server);
            let mut attempts = Attempts::new(&what, self.delays);
            let succeeded = loop {
                let outcome = self.send(&letter).await;
                if let ControlFlow::Break(succeeded) = attempts.after(outcome).await {
                    break succeeded;
                }
            };
            if !succeeded {
                self.dropped.add(Medium::Mail, batch.len());
            }
        }
    }

    async fn send(&self, letter: &Letter) -> Result<(), Failed> {
        let message = message(&self.mail, letter).map_err(Failed::ForGood)?;
        // Made anew each time: its file of authorities may have changed.
        let transport = transport(&self.mail).map_err(Failed::ForNow)?;
        match transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(Failed::ForGood(words(&error))),
            Err(error) => Err(Failed::ForNow(words(&error))),
        }
    }
}

/// The events of one mail.
async fn gather(
    first: Arc<Event>,
    events: &mut mpsc::Receiver<Arc<Event>>,
    wait: Duration,
) -> Vec<Arc<Event>> {
    let mut batch = vec![first];
    let more = async {
        while batch.len() < TOGETHER {
            // At the end what there is goes at once.
            let Some(event) = events.recv().await else { return };
            batch.push(event);
        }
    };
    // That the time is over is no failure.
    let _ = tokio::time::timeout(wait, more).await;
    batch
}

fn message(mail: &Mail, letter: &Letter) -> Result<Message, String> {
    let mut builder = Message::builder()
        .from(mailbox(&mail.from)?)
        .subject(letter.subject.clone())
        .header(ContentType::TEXT_PLAIN);
    for to in &mail.to {
        builder = builder.to(mailbox(to)?);
    }
    builder.body(letter.body.clone()).map_err(|error| error.to_string())
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    let address: Result<Address, _> = text.parse();
    let address = address.map_err(|error| format!("{text:?} is not a mail address: {error}"))?;
    Ok(Mailbox::new(None, address))
}

fn transport(mail: &Mail) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let tls = match mail.security {
        MailSecurity::Starttls => Tls::Required(parameters(mail)?),
        MailSecurity::Tls => Tls::Wrapper(parameters(mail)?),
        MailSecurity::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&mail.server)
        .port(mail.port)
        .tls(tls)
        .timeout(Some(PATIENCE));
    if let Some(Login { user, password }) = &mail.login {
        builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
    }
    Ok(builder.build())
}

fn parameters(mail: &Mail) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(mail.server.clone());
    if let Some(path) = &mail.ca {
        let unreadable = |error: &dyn std::fmt::Display| {
            format!("cannot read authorities from {}: {error}", path.display())
        };
        let pem = std::fs::read(path).map_err(|error| unreadable(&error))?;
        let authority = Certificate::from_pem(&pem).map_err(|error| unreadable(&error))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    builder.build_rustls().map_err(|error| words(&error))
}

/// A failure with its causes.
fn words(error: &smtp::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words.push_str(": ");
            words.push_str(&more);
        }
        cause = error.source();
    }
    words
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;
