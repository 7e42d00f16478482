//! Mail to aiosmtpd.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bench::lab::{Namespace, wait_until};
use lb_ctl::config::notify::{Login, Mail, MailSecurity, Notify};
use lb_ctl::notify::dropped::Medium;
use lb_ctl::notify::{Commands, Notifier};

use super::control::SOON;
use super::support::{Papers, down};

/// Debian's own: another one in the path has not the package.
const PYTHON: &str = "/usr/bin/python3";

/// A server that writes mail to a folder.
pub(crate) struct Server {
    process: Child,
    folder: tempfile::TempDir,
    papers: Papers,
    port: u16,
}

impl Server {
    fn start(mode: &str) -> Self {
        Self::run(Command::new(PYTHON), mode)
    }

    /// The same in a namespace.
    pub(crate) fn start_in(namespace: &Namespace, mode: &str) -> Self {
        Self::run(namespace.command(PYTHON), mode)
    }

    fn run(mut command: Command, mode: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let papers = Papers::make(folder.path());
        command.args(["-c", include_str!("smtpd.py"), mode]);
        command.arg(folder.path()).arg(&papers.certificate).arg(&papers.key);
        let complaints = fs::File::create(folder.path().join("complaints")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(complaints);
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("aiosmtpd does not start");
        Self { process, folder, papers, port }
    }

    pub(crate) fn mail(&self, security: MailSecurity, password: &str) -> Mail {
        let login = Login { user: "operator".to_owned(), password: password.to_owned() };
        Mail {
            server: "localhost".to_owned(),
            port: self.port,
            security,
            login: (security != MailSecurity::None).then_some(login),
            ca: Some(self.papers.authority.clone()),
            from: "lb@example.net".to_owned(),
            to: vec!["ops@example.net".to_owned(), "night@example.net".to_owned()],
            batch: Duration::from_millis(200),
        }
    }

    pub(crate) fn mails(&self) -> Vec<String> {
        let mut read = Vec::new();
        while let Ok(text) = fs::read_to_string(self.path(read.len() + 1)) {
            read.push(text);
        }
        read
    }

    fn path(&self, number: usize) -> std::path::PathBuf {
        Path::new(self.folder.path()).join(format!("{number}.eml"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Mails events of these reals, and waits until that is done or given up.
async fn tell(mail: Mail, reals: &[u8]) -> u64 {
    let mut notifier = Notifier::start();
    notifier.configure(&Notify { mail: Some(mail), ..Notify::default() });
    for (seq, last) in (1..).zip(reals) {
        notifier.send(&down(seq, *last), Commands::None);
    }
    notifier
        .finish()
        .await
        .into_iter()
        .find(|(medium, _)| *medium == Medium::Mail)
        .map_or(0, |(_, dropped)| dropped)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_batch_are_one_mail_however_it_is_sent() {
    for (mode, security) in [
        ("starttls", MailSecurity::Starttls),
        ("tls", MailSecurity::Tls),
        ("plain", MailSecurity::None),
    ] {
        let server = Server::start(mode);
        assert_eq!(tell(server.mail(security, "s3cret"), &[21, 22]).await, 0, "{mode}");
        let mails = server.mails();
        assert_eq!(mails.len(), 1, "{mode}: {mails:?}");
        // Long lines go on in the next one (RFC 2045, section 6.7).
        let decoded = mails[0].replace("=\r\n", "").replace("=\n", "");
        let lines: Vec<&str> = decoded.lines().collect();
        let tls = if mode == "plain" { "peer-tls: False" } else { "peer-tls: True" };
        let envelope =
            [tls, "from: lb@example.net", "to: ops@example.net", "to: night@example.net"];
        assert_eq!(lines[..4], envelope, "{mode}");
        let one = "real 192.0.2.22 of tcp 192.0.2.10:80: down: connect timed out after 3 s";
        // A long header goes on in the next line.
        let unfolded = mails[0].replace("\r\n ", " ").replace("\n ", " ");
        let subject = unfolded.lines().find(|line| line.starts_with("Subject: ")).unwrap();
        assert!(subject.contains(one) && subject.contains("(and 1 more)"), "{mode}: {subject}");
        for last in [21, 22] {
            let line =
                format!("1970-01-01T00:00:00Z  {}", one.replace(".22 ", &format!(".{last} ")));
            assert!(lines.contains(&line.as_str()), "{mode}: {line} in {lines:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_that_can_be_trusted_nothing_is_sent() {
    let plain = Server::start("plain");
    let mut notifier = Notifier::start();
    // A server that offers no STARTTLS, one that nobody vouches for, and a wrong password.
    let of_nobody = Server::start("starttls");
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Papers::make(elsewhere.path());
    let untrusted =
        Mail { ca: Some(other.authority), ..of_nobody.mail(MailSecurity::Starttls, "s3cret") };
    let wrong = of_nobody.mail(MailSecurity::Starttls, "guess");
    for mail in [plain.mail(MailSecurity::Starttls, "s3cret"), untrusted, wrong] {
        notifier.configure(&Notify { mail: Some(mail), ..Notify::default() });
        notifier.send(&down(1, 21), Commands::None);
    }
    // What is refused for good is counted at once; the others are tried again for a while.
    let refused =
        wait_until("a refusal", SOON, || Ok(notifier.dropped().contains(&(Medium::Mail, 1))));
    refused.unwrap();
    notifier.finish().await;
    assert_eq!((plain.mails(), of_nobody.mails()), (Vec::new(), Vec::new()));
}
