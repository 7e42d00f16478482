//! A datagram, and what comes back: an answer, an ICMP error, or nothing.

use std::time::Duration;

use super::datagram;
use super::deadline::Deadline;
use super::failure::Failure;
use super::socket::Dial;
use super::words::Words;
use crate::config::check::Udp;

/// Where no answer is needed, an ICMP error is waited for so long.
const ICMP_PATIENCE: Duration = Duration::from_secs(1);

pub(super) async fn probe(udp: &Udp, dial: &Dial, deadline: &Deadline) -> Result<(), Failure> {
    let socket = datagram::send(dial, &udp.payload).await?;
    if let Some(expected) = &udp.expect {
        return judge(&datagram::receive(&socket, deadline).await?, expected);
    }
    let patience = deadline.left().min(ICMP_PATIENCE);
    match tokio::time::timeout(patience, datagram::next(&socket)).await {
        Ok(Err(error)) => Err(Failure::of_datagram(&error)),
        // Silence is what most such services answer to what they do not understand.
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

fn judge(answer: &[u8], expected: &[u8]) -> Result<(), Failure> {
    if contains(answer, expected) {
        return Ok(());
    }
    let quote = |bytes: &[u8], most: usize| {
        let more = if bytes.len() > most { "…" } else { "" };
        format!("\"{}{more}\"", bytes[..bytes.len().min(most)].escape_ascii())
    };
    // Each byte takes up to four characters.
    let (answer, expected) = (quote(answer, 20), quote(expected, 16));
    Err(Failure::Body(Words::new(format_args!("answer {answer} does not contain {expected}"))))
}

fn contains(answer: &[u8], expected: &[u8]) -> bool {
    expected.is_empty() || answer.windows(expected.len()).any(|part| part == expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expected_bytes_may_stand_anywhere() {
        for expected in ["", "pong", "po", "ng"] {
            assert_eq!(judge(b"pong", expected.as_bytes()), Ok(()));
        }
        let words = judge(b"\0p\xffng", b"pong").unwrap_err().to_string();
        assert_eq!(words, r#"answer "\x00p\xffng" does not contain "pong""#);
        assert!(judge(b"", b"pong").is_err());
    }

    #[test]
    fn both_are_quoted_however_long_they_are() {
        let words = judge(&[0; 999], &[1; 999]).unwrap_err().to_string();
        assert!(words.ends_with("\\x01…\""), "{words}");
    }
}
