//! From a check as it is written to one that can be carried out, or to the first key at fault.

use std::net::IpAddr;

use crate::config::check::{
    Body, Check, Dns, Exec, Grpc, Http, Probe, Smtp, StatusRange, Timing, Tls, Udp, Via,
};
use crate::config::file;
use crate::config::hook::HookCommand;
use crate::config::locate::Path;
use crate::config::rules::check::{self as rule, CheckError, Span};
use crate::config::rules::{self, Broken, Role};

/// Reads a check. What it must be together with its service is asked where that is known.
///
/// # Errors
/// The first rule that it breaks, with the path within the check.
pub fn check(document: &file::Check) -> Result<Check, Broken> {
    no_foreign_key(document)?;
    let mut check = Check::new(probe(document)?);
    if let Some(word) = &document.via {
        check.via = rule::via(word).map_err(Broken::at("via"))?;
    }
    if check.via == Via::Vip && !check.probe.has_address() {
        return Err(Broken::at("via")(CheckError::ExecVia));
    }
    check.port = document.port;
    check.bind = document.bind.as_deref().map(bind).transpose()?;
    check.timing = timing(document)?;
    Ok(check)
}

fn no_foreign_key(document: &file::Check) -> Result<(), Broken> {
    let written = serde_json::to_value(document).expect("strings, numbers and lists serialize");
    let keys = written.as_object().into_iter().flat_map(|object| object.keys());
    for key in keys {
        rule::belongs(&document.kind, key).map_err(|error| match error {
            CheckError::UnknownType { .. } => Broken::at("type")(error),
            error => Broken::at(key)(error),
        })?;
    }
    Ok(())
}

fn bind(text: &str) -> Result<IpAddr, Broken> {
    let address = rules::address(Role::Bind, text).map_err(Broken::at("bind"))?;
    rules::bind(address).map_err(Broken::at("bind"))?;
    Ok(address)
}

fn timing(document: &file::Check) -> Result<Timing, Broken> {
    let time = |span: Span, text: &Option<String>| {
        let given = text.as_deref().map(|text| rule::time(span, text)).transpose();
        given.map_err(Broken::at(span.key()))
    };
    let interval = time(Span::Interval, &document.interval)?.unwrap_or(Timing::default().interval);
    let usual = Timing::of(interval);
    let retry_delay = time(Span::RetryDelay, &document.retry_delay)?.unwrap_or(usual.retry_delay);
    Ok(Timing {
        interval,
        timeout: time(Span::Timeout, &document.timeout)?.unwrap_or(usual.timeout),
        rise: document.rise.unwrap_or(usual.rise),
        fall: document.fall.unwrap_or(usual.fall),
        retry_delay: rule::retry_delay(retry_delay, interval).map_err(Broken::at("retry_delay"))?,
        warmup: time(Span::Warmup, &document.warmup)?.unwrap_or(usual.warmup),
    })
}

fn probe(document: &file::Check) -> Result<Probe, Broken> {
    Ok(match document.kind.as_str() {
        "tcp" => Probe::Tcp,
        "http" => Probe::Http(http(document, None)?),
        "https" => Probe::Http(http(document, Some(tls(document)?))?),
        "udp" => Probe::Udp(udp(document)?),
        "dns" => Probe::Dns(dns(document)?),
        "smtp" => Probe::Smtp(Smtp { helo: given("helo", document.helo.as_deref(), rule::helo)? }),
        "ping" => Probe::Ping,
        "grpc" => Probe::Grpc(grpc(document)?),
        "exec" => Probe::Exec(exec(document)?),
        word => {
            return Err(Broken::at("type")(CheckError::UnknownType { word: word.to_owned() }));
        }
    })
}

fn given<T>(
    key: &str,
    text: Option<&str>,
    rule: fn(&str) -> Result<T, CheckError>,
) -> Result<Option<T>, Broken> {
    text.map(rule).transpose().map_err(Broken::at(key))
}

fn http(document: &file::Check, tls: Option<Tls>) -> Result<Http, Broken> {
    let usual = Http::default();
    Ok(Http {
        path: given("path", document.path.as_deref(), rule::path)?.unwrap_or(usual.path),
        host: given("host", document.host.as_deref(), rule::host)?,
        status: statuses(&document.status)?,
        body: body(document)?,
        tls,
    })
}

fn statuses(texts: &[String]) -> Result<Vec<StatusRange>, Broken> {
    let read = |(index, text): (usize, &String)| {
        let path = Path::default().key("status").index(index);
        rule::status(text).map_err(|error| Broken { path, error: error.into() })
    };
    texts.iter().enumerate().map(read).collect()
}

fn body(document: &file::Check) -> Result<Body, Broken> {
    let file::Check { sha256, md5, body_regex, .. } = document;
    let all = [("sha256", sha256), ("md5", md5), ("body_regex", body_regex)];
    let mut asked = all.into_iter().filter_map(|(key, text)| Some((key, text.as_deref()?)));
    let Some((key, text)) = asked.next() else { return Ok(Body::Any) };
    if let Some((second, _)) = asked.next() {
        let what = "what the body must be";
        return Err(Broken::at(second)(CheckError::Both { first: key, second, what }));
    }
    let body = match key {
        "sha256" => rule::digest(key, text).map(Body::Sha256),
        "md5" => rule::digest(key, text).map(Body::Md5),
        _ => rule::regex(text).map(Body::Regex),
    };
    body.map_err(Broken::at(key))
}

fn tls(document: &file::Check) -> Result<Tls, Broken> {
    Ok(Tls {
        sni: given("sni", document.sni.as_deref(), rule::sni)?,
        verify: document.verify.unwrap_or(true),
        ca: given("ca", document.ca.as_deref(), rule::ca)?,
    })
}

fn udp(document: &file::Check) -> Result<Udp, Broken> {
    let payload = bytes(
        ("payload", &document.payload),
        ("payload_hex", &document.payload_hex),
        "what is sent",
    )?;
    let expect = bytes(
        ("expect", &document.expect),
        ("expect_hex", &document.expect_hex),
        "what is expected",
    )?;
    Ok(Udp { payload: payload.unwrap_or_default(), expect })
}

type Given<'d> = (&'static str, &'d Option<String>);

/// Bytes that are given as text or in hexadecimal digits.
fn bytes(
    (key, text): Given<'_>,
    (hex_key, digits): Given<'_>,
    what: &'static str,
) -> Result<Option<Vec<u8>>, Broken> {
    let (key, bytes) = match (text, digits) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let error = CheckError::Both { first: key, second: hex_key, what };
            return Err(Broken::at(hex_key)(error));
        }
        (Some(text), None) => (key, Ok(text.as_bytes().to_vec())),
        (None, Some(digits)) => (hex_key, rule::hexadecimal(hex_key, digits)),
    };
    let bytes = bytes.and_then(|bytes| rule::datagram(key, bytes));
    bytes.map(Some).map_err(Broken::at(key))
}

fn dns(document: &file::Check) -> Result<Dns, Broken> {
    let usual = Dns::default();
    let record_type = given("record_type", document.record_type.as_deref(), rule::record_type)?;
    Ok(Dns {
        name: given("name", document.name.as_deref(), rule::name)?.unwrap_or(usual.name),
        record_type: record_type.unwrap_or(usual.record_type),
        rcode: given("rcode", document.rcode.as_deref(), rule::rcode)?.unwrap_or(usual.rcode),
    })
}

fn grpc(document: &file::Check) -> Result<Grpc, Broken> {
    let service = given("service", document.service.as_deref(), rule::service)?.unwrap_or_default();
    if document.tls == Some(true) {
        return Ok(Grpc { service, tls: Some(tls(document)?) });
    }
    let file::Check { sni, verify, ca, .. } = document;
    let without = [("sni", sni.is_some()), ("verify", verify.is_some()), ("ca", ca.is_some())];
    match without.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(Grpc { service, tls: None }),
        Some((key, _)) => Err(Broken::at(key)(CheckError::NoTls { key })),
    }
}

fn exec(document: &file::Check) -> Result<Exec, Broken> {
    let Some(text) = &document.command else {
        let example = "the path of a program, and its arguments";
        let error = CheckError::MissingKey { key: "command", kind: "exec", example };
        return Err(Broken { path: Path::default(), error: error.into() });
    };
    let command =
        HookCommand::parse(text).map_err(CheckError::from).map_err(Broken::at("command"))?;
    let user = given("user", document.user.as_deref(), rule::user)?;
    Ok(Exec { command, user: user.unwrap_or_else(|| Exec::USER.to_owned()) })
}

#[cfg(test)]
mod tests;
