//! A greeting by SMTP (RFC 5321): EHLO, or HELO where that is not known, and QUIT.
//!
//! lettre writes the commands and reads the replies. Its own connection knows no HELO, and reads a
//! line that never ends into memory.

use lettre::transport::smtp::commands::{Ehlo, Quit};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Response, Severity};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::deadline::Deadline;
use super::failure::{Failure, TOO_EARLY};
use super::probe::ProberError;
use super::socket::Dial;
use super::words::Words;
use crate::config::check::Smtp;

/// A reply of all its lines is not longer, in bytes. A line may have 512 (RFC 5321, section
/// 4.5.3.1.5), and EHLO gets one for each extension.
const LONGEST_REPLY: usize = 64 * 1024;

/// A greeting, prepared.
pub(super) struct SmtpProbe {
    name: ClientId,
}

impl SmtpProbe {
    /// Prepared once for all probes.
    ///
    /// # Errors
    /// The name would be no word of a command.
    pub(super) fn new(smtp: &Smtp) -> Result<Self, ProberError> {
        let name = match &smtp.helo {
            None => ClientId::default(),
            Some(name) if !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic()) => {
                ClientId::Domain(name.clone())
            }
            Some(name) => return Err(ProberError::Helo { name: name.clone() }),
        };
        Ok(Self { name })
    }

    pub(super) async fn probe(&self, dial: &Dial, deadline: &Deadline) -> Result<(), Failure> {
        let stream = BufReader::new(deadline.connect(dial).await?);
        let mut session = Session { stream, deadline };
        let greeting = session.reply("greeting").await?;
        good("greeting", &greeting)?;
        let ehlo = Ehlo::new(self.name.clone()).to_string();
        let answer = session.ask(&ehlo, "answer to EHLO").await?;
        if answer.code().severity == Severity::PermanentNegativeCompletion {
            // RFC 5321, section 3.2: a server from before EHLO.
            let helo = format!("HELO {}\r\n", self.name);
            let answer = session.ask(&helo, "answer to HELO").await?;
            good("answer to HELO", &answer)?;
        } else {
            good("answer to EHLO", &answer)?;
        }
        // It has shown that it works; whether it says goodbye does not matter.
        let _ = session.ask(&Quit.to_string(), "answer to QUIT").await;
        Ok(())
    }
}

struct Session<'a> {
    stream: BufReader<TcpStream>,
    deadline: &'a Deadline,
}

impl Session<'_> {
    async fn ask(&mut self, command: &str, awaited: &'static str) -> Result<Response, Failure> {
        let written = self.stream.get_mut().write_all(command.as_bytes());
        let written = self.deadline.within(awaited, written).await?;
        written.map_err(|error| Failure::of_io(&error))?;
        self.reply(awaited).await
    }

    async fn reply(&mut self, awaited: &'static str) -> Result<Response, Failure> {
        let mut reply = Vec::new();
        let read = self.deadline.within(awaited, self.read(&mut reply)).await?;
        read.map_err(|error| Failure::of_io(&error))?;
        parse(&reply)
    }

    /// Reads lines up to the last of a reply, the end of the connection, or too many.
    async fn read(&mut self, reply: &mut Vec<u8>) -> std::io::Result<()> {
        loop {
            let begin = reply.len();
            let room = (LONGEST_REPLY - begin) as u64;
            (&mut self.stream).take(room).read_until(b'\n', reply).await?;
            if !is_continued(&reply[begin..]) {
                return Ok(());
            }
        }
    }
}

/// Whether a whole line is followed by another one of the same reply (RFC 5321, section 4.2.1).
fn is_continued(line: &[u8]) -> bool {
    line.ends_with(b"\n") && line.get(3) == Some(&b'-')
}

/// Reads a reply of one or more lines.
fn parse(reply: &[u8]) -> Result<Response, Failure> {
    if reply.is_empty() {
        return Err(Failure::Network(Words::new(TOO_EARLY)));
    }
    if reply.len() >= LONGEST_REPLY {
        let words = format_args!("SMTP: the reply is longer than {LONGEST_REPLY} bytes");
        return Err(Failure::Protocol(Words::new(words)));
    }
    String::from_utf8_lossy(reply).parse().map_err(|_| {
        let begin = Words::of_bytes(&reply[..reply.len().min(100)]);
        Failure::Protocol(Words::new(format_args!("SMTP: not a reply: {begin}")))
    })
}

fn good(what: &str, reply: &Response) -> Result<(), Failure> {
    if reply.code().severity == Severity::PositiveCompletion {
        return Ok(());
    }
    let (code, line) = (reply.code(), reply.first_line().unwrap_or_default());
    Err(Failure::Status(Words::new(format_args!("{what} is {code} {line}"))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn replies_have_a_line_or_more() {
        let reply = parse(b"250-mail.example\r\n250-SIZE 1000\r\n250 HELP\r\n").unwrap();
        assert_eq!(good("answer", &reply), Ok(()));
        let reply = parse(b"554 no service\x07 here\r\n").unwrap();
        let words = good("greeting", &reply).unwrap_err().to_string();
        assert_eq!(words, "greeting is 554 no service? here");
        assert!(is_continued(b"250-SIZE\r\n"));
        assert!(!is_continued(b"250 SIZE\r\n"));
        assert!(!is_continued(b"250-cut"));
    }

    #[test]
    fn what_is_no_reply_is_quoted() {
        let words = parse(b"HTTP/1.1 400 Bad Request\r\n").unwrap_err().to_string();
        assert_eq!(words, "SMTP: not a reply: HTTP/1.1 400 Bad Request");
    }

    #[test]
    fn a_name_is_one_word() {
        for name in ["", "a b", "a\r\nQUIT", "ä"] {
            let smtp = Smtp { helo: Some(name.to_owned()) };
            assert!(SmtpProbe::new(&smtp).is_err(), "{name:?}");
        }
        let smtp = Smtp { helo: Some("[192.0.2.1]".to_owned()) };
        assert_eq!(SmtpProbe::new(&smtp).unwrap().name.to_string(), "[192.0.2.1]");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(
            code in "[0-9]{0,4}[ -]?",
            rest in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let reply = [code.as_bytes(), &rest, b"\r\n"].concat();
            let result = parse(&reply).and_then(|reply| good("greeting", &reply));
            if let Err(failure) = result {
                prop_assert!(failure.to_string().chars().count() <= 200);
                prop_assert!(!failure.to_string().chars().any(char::is_control));
            }
        }
    }
}
