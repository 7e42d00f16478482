//! A DNS query by UDP (RFC 1035).

use hickory_proto::op::{Header, Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinDecoder};

use super::datagram;
use super::deadline::Deadline;
use super::failure::Failure;
use super::probe::ProberError;
use super::socket::Dial;
use super::words::Words;
use crate::config::check::Dns;

/// A query, prepared.
pub(super) struct DnsProbe {
    query: Query,
    expected: ResponseCode,
}

impl DnsProbe {
    /// Prepared once for all probes.
    ///
    /// # Errors
    /// What of the check is no name, type or code of DNS.
    pub(super) fn new(dns: &Dns) -> Result<Self, ProberError> {
        let Dns { name, record_type, rcode } = dns;
        let mut full =
            Name::from_ascii(name).map_err(|_| ProberError::Name { name: name.clone() })?;
        full.set_fqdn(true);
        let kind: RecordType = record_type
            .to_ascii_uppercase()
            .parse()
            .map_err(|_| ProberError::RecordType { text: record_type.clone() })?;
        let expected =
            code(rcode).ok_or_else(|| ProberError::ResponseCode { text: rcode.clone() })?;
        Ok(Self { query: Query::query(full, kind), expected })
    }

    pub(super) async fn probe(&self, dial: &Dial, deadline: &Deadline) -> Result<(), Failure> {
        // Its id is random.
        let mut query = Message::query();
        query.metadata.recursion_desired = true;
        query.add_query(self.query.clone());
        let bytes = query
            .to_vec()
            .map_err(|error| Failure::System(Words::new(format_args!("DNS query: {error}"))))?;
        let socket = datagram::send(dial, &bytes).await?;
        loop {
            let answer = datagram::receive(&socket, deadline).await?;
            // Another id is an answer to somebody else, or nobody (RFC 5452, section 9.1).
            if let Some(code) = read(&answer, query.metadata.id)? {
                return self.judge(code);
            }
        }
    }

    fn judge(&self, got: ResponseCode) -> Result<(), Failure> {
        if got == self.expected {
            return Ok(());
        }
        let (got, expected) = (mnemonic(got), mnemonic(self.expected));
        Err(Failure::Status(Words::new(format_args!("rcode {got}, expected {expected}"))))
    }
}

/// The response code, where this answers the query with the id.
fn read(answer: &[u8], id: u16) -> Result<Option<ResponseCode>, Failure> {
    let garbage = |what: &dyn std::fmt::Display| {
        Failure::Protocol(Words::new(format_args!("DNS: the answer cannot be read: {what}")))
    };
    let header = Header::read(&mut BinDecoder::new(answer)).map_err(|error| garbage(&error))?;
    if header.metadata.id != id {
        return Ok(None);
    }
    if header.metadata.message_type != MessageType::Response {
        return Err(garbage(&"it is a query"));
    }
    if header.metadata.truncation {
        // The rest would come by TCP, and may be cut in the middle of a record here.
        return Ok(Some(header.metadata.response_code));
    }
    let message = Message::from_vec(answer).map_err(|error| garbage(&error))?;
    Ok(Some(message.metadata.response_code))
}

/// The names of the IANA registry "DNS RCODEs", of those that fit into a header.
const CODES: [(ResponseCode, &str); 11] = [
    (ResponseCode::NoError, "NOERROR"),
    (ResponseCode::FormErr, "FORMERR"),
    (ResponseCode::ServFail, "SERVFAIL"),
    (ResponseCode::NXDomain, "NXDOMAIN"),
    (ResponseCode::NotImp, "NOTIMP"),
    (ResponseCode::Refused, "REFUSED"),
    (ResponseCode::YXDomain, "YXDOMAIN"),
    (ResponseCode::YXRRSet, "YXRRSET"),
    (ResponseCode::NXRRSet, "NXRRSET"),
    (ResponseCode::NotAuth, "NOTAUTH"),
    (ResponseCode::NotZone, "NOTZONE"),
];

fn code(name: &str) -> Option<ResponseCode> {
    CODES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(code, _)| *code)
}

fn mnemonic(code: ResponseCode) -> String {
    let known = CODES.iter().find(|(known, _)| *known == code);
    known.map_or_else(|| u16::from(code).to_string(), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dns(name: &str, record_type: &str, rcode: &str) -> Dns {
        Dns { name: name.to_owned(), record_type: record_type.to_owned(), rcode: rcode.to_owned() }
    }

    fn response(id: u16, code: ResponseCode) -> Message {
        let mut message = Message::query();
        message.metadata.id = id;
        message.metadata.message_type = MessageType::Response;
        message.metadata.response_code = code;
        message
    }

    #[test]
    fn names_types_and_codes_are_those_of_dns() {
        for (name, record_type, rcode) in [
            (".", "SOA", "NOERROR"),
            ("www.example", "aaaa", "nxdomain"),
            ("_x._tcp.a.", "SRV", "REFUSED"),
        ] {
            assert!(DnsProbe::new(&dns(name, record_type, rcode)).is_ok(), "{name}");
        }
        for (name, record_type, rcode, word) in [
            ("a..b", "A", "NOERROR", "\"name\""),
            ("a", "Q", "NOERROR", "\"type\""),
            ("a", "A", "BAD", "\"rcode\""),
        ] {
            let error = DnsProbe::new(&dns(name, record_type, rcode)).err().unwrap().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn an_answer_to_another_query_is_none() {
        let answer = response(7, ResponseCode::ServFail).to_vec().unwrap();
        assert_eq!(read(&answer, 7), Ok(Some(ResponseCode::ServFail)));
        assert_eq!(read(&answer, 8), Ok(None));
    }

    #[test]
    fn a_truncated_answer_is_one_wherever_it_is_cut() {
        let mut answer = response(7, ResponseCode::NoError);
        answer.metadata.truncation = true;
        answer.add_query(Query::query(Name::root(), RecordType::SOA));
        let mut bytes = answer.to_vec().unwrap();
        bytes.pop();
        assert_eq!(read(&bytes, 7), Ok(Some(ResponseCode::NoError)));
        bytes[2] &= !2;
        assert!(read(&bytes, 7).is_err());
    }

    #[test]
    fn a_query_is_no_answer() {
        let mut query = Message::query();
        query.metadata.id = 7;
        assert!(read(&query.to_vec().unwrap(), 7).unwrap_err().to_string().contains("query"));
    }

    #[test]
    fn what_is_expected_is_said() {
        let probe = DnsProbe::new(&Dns::default()).unwrap();
        let words = |code| probe.judge(code).unwrap_err().to_string();
        assert_eq!(words(ResponseCode::ServFail), "rcode SERVFAIL, expected NOERROR");
        assert_eq!(words(ResponseCode::Unknown(15)), "rcode 15, expected NOERROR");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            if let Some(begin) = bytes.get_mut(..3) {
                begin.copy_from_slice(&[0, 7, 0x80]);
            }
            if let Err(failure) = read(&bytes, 7) {
                prop_assert!(failure.to_string().chars().count() <= 200);
                prop_assert!(!failure.to_string().chars().any(char::is_control));
            }
        }
    }
}
