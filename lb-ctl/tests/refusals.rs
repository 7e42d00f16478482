//! Bad input, through the real command line and the real daemon: the exit code of the contract, a
//! message that helps, nothing on standard output, and nothing changed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/control.rs"]
mod control;

#[path = "refusals/impossible.rs"]
mod impossible;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use bench::lab::{Director, Lab};
use control::{Bed, LB_CTL, bed, bed_with, binary_for_all, ctl, daemon, json, lab, run};
use serde_json::{Value, json};

const DEFINITION: &str = r#"{ "services": [
    { "name": "web", "protocol": "tcp", "vip": "192.0.2.10", "port": 80,
      "reals": [ { "address": "192.0.2.21", "weight": 3 } ] },
    { "protocol": "tcp", "vip": "2001:db8::10", "port": 80 } ] }"#;

fn settled() -> Bed {
    let bed = bed_with(1, DEFINITION);
    bed.wait_for_reals("up");
    bed
}

#[test]
fn every_bad_command_is_refused_and_changes_nothing() {
    let bed = settled();
    let before = bed.picture();
    let cases: &[(&str, i32, &[&str])] = &[
        // Addresses.
        ("add-service -t 192.0.2.999:80", 4, &["192.0.2.999:80", "[2001:db8::10]:80"]),
        ("add-service -t www.example.org:80", 4, &["www.example.org:80", "192.0.2.10:80"]),
        ("add-service -t 192.0.2.11", 4, &["192.0.2.11", "no port", "192.0.2.10:80"]),
        (
            "add-service -t 2001:db8::11:80",
            4,
            &["2001:db8::11:80", "brackets", "[2001:db8::10]:80"],
        ),
        ("add-service -t 192.0.2.11:81-80", 4, &["192.0.2.11:81-80", "write \"80-81\""]),
        ("add-service -t 192.0.2.11:0-80", 4, &["192.0.2.11:0-80", "begin it at 1"]),
        ("add-service -t 192.0.2.11:70000", 4, &["192.0.2.11:70000", "1 to 65535"]),
        ("add-service -t 127.0.0.1:80", 4, &["127.0.0.1", "loopback"]),
        ("add-service -u 224.0.0.1:80", 4, &["224.0.0.1", "multicast"]),
        ("add-service -t 0.0.0.0:80", 4, &["0.0.0.0", "unspecified"]),
        ("add-service -t [fe80::1]:80", 4, &["fe80::1", "link-local"]),
        ("add-service -t [::ffff:192.0.2.10]:80", 4, &["IPv4 address in IPv6 form"]),
        ("add-real -t 192.0.2.10:80 -r 192.0.2.222.1", 4, &["192.0.2.222.1", "192.0.2.21"]),
        ("add-real -t 192.0.2.10:80 -r 192.0.2.10", 4, &["192.0.2.10", "VIP of its own"]),
        ("list -t 192.0.2.10", 4, &["192.0.2.10", "no port"]),
        // Families and ports.
        ("add-real -t 192.0.2.10:80 -r 2001:db8::21", 4, &["2001:db8::21", "192.0.2.10", "family"]),
        ("add-real -t [2001:db8::10]:80 -r 192.0.2.21", 4, &["192.0.2.21", "IPv6", "family"]),
        (
            "add-real -t 192.0.2.10:80 -r 192.0.2.22:8080",
            4,
            &["192.0.2.22", "8080", "tcp 192.0.2.10:80", "cannot rewrite ports", "leave"],
        ),
        (
            "add-real -t [2001:db8::10]:80 -r [2001:db8::21]:81",
            4,
            &["2001:db8::21", "81", "cannot rewrite ports"],
        ),
        // Weights.
        ("add-real -t 192.0.2.10:80 -r 192.0.2.22 -w 65536", 4, &["65536", "65535"]),
        ("add-real -t 192.0.2.10:80 -r 192.0.2.22 -w -1", 4, &["-1", "65535"]),
        ("edit-real -t 192.0.2.10:80 -r 192.0.2.21 -w heavy", 4, &["heavy", "65535"]),
        ("add-real -t 192.0.2.10:0 -r 192.0.2.22:80", 4, &["any port", "leave the real's port"]),
        ("add-real -t 192.0.2.10:80-90 -r 192.0.2.22:80", 4, &["the ports 80-90", "leave the"]),
        // Words that nobody knows.
        ("add-service -t 192.0.2.11:80 -s best", 4, &["unknown", "best", "mh"]),
        // Names.
        ("add-service -t 192.0.2.11:80 --name web", 4, &["web", "tcp 192.0.2.10:80"]),
        // There already.
        ("add-service -t 192.0.2.10:80", 5, &["tcp 192.0.2.10:80", "edit-service"]),
        (
            "add-real -t 192.0.2.10:80 -r 192.0.2.21 -w 9",
            5,
            &["tcp 192.0.2.10:80", "192.0.2.21", "edit-real"],
        ),
        ("add-service -t 192.0.2.10:80 -o json", 5, &["tcp 192.0.2.10:80"]),
        // Not found.
        ("delete-service -t 192.0.2.12:80", 5, &["tcp 192.0.2.12:80", "add-service"]),
        ("delete-service -u 192.0.2.10:80", 5, &["udp 192.0.2.10:80", "-t"]),
        ("edit-service -t 192.0.2.12:80 --name x", 5, &["tcp 192.0.2.12:80"]),
        ("add-real -t 192.0.2.12:80 -r 192.0.2.21", 5, &["tcp 192.0.2.12:80", "add-service"]),
        ("edit-real -t 192.0.2.10:80 -r 192.0.2.29 -w 2", 5, &["192.0.2.29", "add-real"]),
        ("delete-real -t 192.0.2.10:80 -r 192.0.2.29", 5, &["192.0.2.29"]),
        ("drain -t 192.0.2.10:80 -r 192.0.2.29", 5, &["192.0.2.29"]),
        ("undrain -t 192.0.2.10:80 -r 192.0.2.29", 5, &["192.0.2.29"]),
        ("list -t 192.0.2.12:80", 5, &["tcp 192.0.2.12:80", "lb-ctl list"]),
        ("list --connections -u 192.0.2.10:80", 5, &["udp 192.0.2.10:80"]),
        // Files that are not there are the system's failure.
        ("apply /nonexistent/lb-ctl.json", 1, &["/nonexistent/lb-ctl.json", "No such file"]),
    ];
    for (line, code, words) in cases {
        ctl(&bed.director, line).refused(*code, words);
        assert_eq!(bed.picture(), before, "after `{line}`");
    }
}

#[test]
fn a_line_that_is_no_command_is_wrong_usage() {
    let bed = bed(0);
    for (line, word) in [
        ("", "Usage"),
        ("frobnicate", "frobnicate"),
        ("add-service", "--tcp"),
        ("add-service -t 192.0.2.10:80 -u 192.0.2.10:80", "--udp"),
        ("add-service -t 192.0.2.10:80 --colour red", "--colour"),
        ("edit-service -t 192.0.2.10:80", "--scheduler"),
        ("add-real -t 192.0.2.10:80", "--real"),
        ("edit-real -t 192.0.2.10:80 -r 192.0.2.21", "--weight"),
        ("list --stats --rate", "--rate"),
        ("list -o yaml", "yaml"),
        ("drain -t 192.0.2.10:80 -r 192.0.2.21 --timeout 3", "--wait"),
        ("apply", "FILE"),
        ("daemon --max-services 0", "--max-services"),
        ("daemon --mode fast", "fast"),
    ] {
        let ended = ctl(&bed.director, line);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.stderr.contains(word), "{word}: {ended:?}");
    }
    assert_eq!(json(&bed.director, "list")["services"], json!([]));
}

/// Every verb that speaks to the daemon.
const VERBS: [&str; 16] = [
    "add-service -t 192.0.2.10:80",
    "edit-service -t 192.0.2.10:80 --name x",
    "delete-service -t 192.0.2.10:80",
    "add-real -t 192.0.2.10:80 -r 192.0.2.21",
    "edit-real -t 192.0.2.10:80 -r 192.0.2.21 -w 2",
    "delete-real -t 192.0.2.10:80 -r 192.0.2.21",
    "drain -t 192.0.2.10:80 -r 192.0.2.21",
    "undrain -t 192.0.2.10:80 -r 192.0.2.21",
    "list",
    "list --connections",
    "status -o json",
    "save",
    "reload",
    "clear",
    "zero",
    "diff /dev/stdin",
];

fn without_daemon(socket: &Path, line: &str) -> control::Ended {
    run(Command::new(LB_CTL).args(line.split_whitespace()).arg("--socket").arg(socket))
}

#[test]
fn without_a_daemon_every_verb_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.sock");
    let name = missing.to_str().unwrap();
    for line in VERBS.iter().filter(|line| !line.starts_with("diff")) {
        without_daemon(&missing, line).refused(3, &["not reachable", name, "lb-ctl daemon"]);
    }
    let document = folder.path().join("empty.json");
    fs::write(&document, "{}").unwrap();
    for verb in ["diff", "apply", "apply --dry-run"] {
        let line = format!("{verb} {}", document.display());
        without_daemon(&missing, &line).refused(3, &["not reachable", name]);
    }

    let stale = folder.path().join("stale.sock");
    drop(UnixListener::bind(&stale).unwrap());
    without_daemon(&stale, "list").refused(3, &["nobody listens", stale.to_str().unwrap()]);
    without_daemon(&document, "list").refused(3, &["not reachable", document.to_str().unwrap()]);
}

/// Runs the CLI as a user without any right.
fn as_nobody(binary: &Path, director: &Director, line: &str) -> control::Ended {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(binary);
    run(command.args(line.split_whitespace()).arg("--socket").arg(director.socket()))
}

fn open_to_all(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_user_without_the_right_is_told_of_it() {
    let bed = settled();
    let before = bed.picture();
    let folder = tempfile::tempdir().unwrap();
    let binary = binary_for_all(folder.path());
    let socket = bed.director.socket();
    let refused = |line: &str| {
        let ended = as_nobody(&binary, &bed.director, line);
        ended.refused(3, &["no permission", socket.to_str().unwrap(), "root", "group"]);
    };

    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
    refused("list");
    open_to_all(bed.lab.files(), 0o755);
    open_to_all(socket.parent().unwrap(), 0o755);
    refused("clear");
    // Past the file's mode, the peer's credentials decide.
    open_to_all(&socket, 0o666);
    refused("clear");
    refused("list");
    refused("status");
    assert_eq!(bed.picture(), before);
}

#[test]
fn members_of_the_sockets_group_are_let_in() {
    let lab = lab(0);
    let director = daemon(&lab).argument("--socket-group").argument("nogroup").start().unwrap();
    open_to_all(lab.files(), 0o755);
    open_to_all(director.socket().parent().unwrap(), 0o755);
    let folder = tempfile::tempdir().unwrap();
    let binary = binary_for_all(folder.path());
    as_nobody(&binary, &director, "add-service -t 192.0.2.10:80").ok();
    assert_eq!(json(&director, "list")["services"][0]["vip"], "192.0.2.10");
}

fn small(lab: &Lab) -> Director {
    let builder = daemon(lab).argument("--max-services").argument("2");
    builder.argument("--max-reals").argument("3").start().unwrap()
}

#[test]
fn what_does_not_fit_the_tables_is_refused_whole() {
    let lab = lab(1);
    let director = small(&lab);
    let bed = Bed { director, lab };
    ctl(&bed.director, "add-service -t 192.0.2.10:80").ok();
    ctl(&bed.director, "add-service -u [2001:db8::10]:53").ok();
    ctl(&bed.director, "add-real -t 192.0.2.10:80 -r 192.0.2.21").ok();
    ctl(&bed.director, "add-real -u [2001:db8::10]:53 -r 2001:db8::21").ok();
    bed.wait_for_reals("up");
    let before = bed.picture();

    let third = ctl(&bed.director, "add-service -t 192.0.2.11:80");
    third.refused(4, &["2 services", "--max-services"]);
    let third = ctl(&bed.director, "add-real -t 192.0.2.10:80 -r 192.0.2.22");
    third.refused(4, &["2 reals", "--max-reals"]);
    assert_eq!(bed.picture(), before);

    // Not even for a moment: the VIPs of the services that would have gone stay.
    let large = bed.lab.files().join("large.json");
    let service = |n: u8| json!({ "protocol": "udp", "vip": format!("192.0.2.{n}"), "port": 53 });
    let document = json!({ "services": [service(11), service(12), service(13)] });
    fs::write(&large, document.to_string()).unwrap();
    let watch = control::AddressWatch::start(&bed.lab.director.namespace);
    let apply = ctl(&bed.director, &format!("apply {}", large.display()));
    apply.refused(4, &["large.json", "2 services", "--max-services"]);
    assert_eq!(watch.stop(), Vec::<String>::new(), "addresses came or went");
    assert_eq!(bed.picture(), before);
}

/// An answer of the daemon to curl: status and body.
fn curl(director: &Director, arguments: &[&str], path: &str) -> (u16, Value) {
    let mut command = Command::new("curl");
    command.args(["-sS", "-g", "-w", "\n%{http_code}", "--unix-socket"]).arg(director.socket());
    let text = run(command.args(arguments).arg(format!("http://localhost{path}"))).ok();
    let (body, status) = text.rsplit_once('\n').unwrap();
    let body = serde_json::from_str(body).unwrap_or_else(|e| panic!("{path}: {e} in {body}"));
    (status.parse().unwrap(), body)
}

#[test]
fn the_socket_refuses_as_the_command_line_does() {
    let bed = settled();
    let before = bed.picture();
    let web = "/v1/services/tcp/192.0.2.10:80";
    let reals = &format!("{web}/reals");
    let real = &format!("{reals}/192.0.2.21");
    let absent = "/v1/services/tcp/192.0.2.12:80";
    let post = |body: &'static str| ["-X", "POST", "-d", body];
    let patch = |body: &'static str| ["-X", "PATCH", "-d", body];
    let cases: &[(&[&str], &str, u16, &str, &str)] = &[
        (&[], "/v1/nothing", 404, "not-found", "/v1/openapi.json"),
        (&[], "/v1/services?service=tcp/192.0.2.12:80", 404, "not-found", "192.0.2.12:80"),
        (&[], "/v1/services?colour=red", 400, "refused", "colour"),
        (&["-X", "DELETE"], absent, 404, "not-found", "tcp 192.0.2.12:80"),
        (&["-X", "DELETE"], &format!("{reals}/192.0.2.29"), 404, "not-found", "192.0.2.29"),
        (&["-X", "DELETE"], "/v1/services/tcp/nonsense", 400, "refused", "nonsense"),
        (&["-X", "DELETE"], "/v1/status", 405, "refused", "DELETE"),
        (
            &post(r#"{"protocol":"tcp","vip":"192.0.2.10","port":80}"#),
            "/v1/services",
            409,
            "exists",
            "tcp 192.0.2.10:80",
        ),
        (&post(r#"{"address":"192.0.2.21"}"#), reals, 409, "exists", "192.0.2.21"),
        (&post(r#"{"address":"2001:db8::21"}"#), reals, 422, "refused", "family"),
        (&post(r#"{"address":"192.0.2.22","weight":65536}"#), reals, 422, "refused", "weight"),
        (&post(r#"{"address":"192.0.2.22","colour":1}"#), reals, 422, "refused", "colour"),
        (&post("nonsense"), "/v1/services", 400, "refused", "JSON"),
        (
            &post(r#"{"protocol":"tcp","vip":"192.0.2.11","port":80,"scheduler":"best"}"#),
            "/v1/services",
            422,
            "refused",
            "best",
        ),
        (
            &post(r#"{"protocol":"tcp","vip":"192.0.2.10","port":"80-90"}"#),
            "/v1/services",
            422,
            "refused",
            "share ports",
        ),
        (
            &patch(r#"{"scheduler":"sh","persistence":{"timeout":9}}"#),
            web,
            422,
            "refused",
            "sh has",
        ),
        (&patch(r#"{"persistence":{"netmask":24}}"#), web, 422, "refused", "belongs to"),
        (&patch(r#"{"allow":["10.1.0.0/8"]}"#), web, 422, "refused", "10.0.0.0/8"),
        (&patch(r#"{"sorry_server":"192.0.2.21"}"#), web, 422, "refused", "take the real out"),
        (&patch(r#"{"timeouts":{"rst":1}}"#), web, 422, "refused", "rst"),
        (&patch(r#"{"weight":1,"drained":true}"#), real, 422, "refused", "in further requests"),
        (&patch(r#"{"check":null}"#), web, 422, "refused", "check: invalid type: null"),
        (&patch(r#"{"check":{"type":"tcp","path":"/"}}"#), web, 422, "refused", "`path` does not"),
        (&patch(r#"{"check":{"type":"tcp","fall":0}}"#), web, 422, "refused", "check.fall: fall 0"),
        (&patch(r#"{"hysteresis":1}"#), web, 422, "refused", "not below the quorum 1"),
        (&patch(r#"{"notify_up":"up.sh"}"#), web, 422, "refused", "absolute path"),
        (&["-X", "POST"], &format!("{web}/check"), 422, "refused", "has no check"),
        (&["-X", "POST"], &format!("{absent}/check"), 404, "not-found", "tcp 192.0.2.12:80"),
        (&["-X", "POST"], &format!("{web}/check?real=192.0.2.29"), 404, "not-found", "192.0.2.29"),
        (&["-X", "POST"], &format!("{web}/check?real=x"), 400, "refused", "bad real address"),
        (&patch("{}"), real, 422, "refused", "nothing to change"),
        (&["-X", "PUT", "-d", r#"{"services":[{}]}"#], "/v1/definition", 422, "refused", "line 1"),
        (&["-X", "POST"], "/v1/clear?force=maybe", 400, "refused", "force"),
    ];
    for (arguments, path, status, kind, word) in cases {
        let (found, body) = curl(&bed.director, arguments, path);
        assert_eq!((found, &body["kind"]), (*status, &json!(kind)), "{path}: {body}");
        let message = body["message"].as_str().unwrap();
        assert!(message.contains(word), "{path}: {message}");
        assert_eq!(bed.picture(), before, "after {arguments:?} {path}");
    }
}

#[test]
fn the_socket_describes_itself_and_does_what_it_describes() {
    let bed = bed(1);
    let (status, document) = curl(&bed.director, &[], "/v1/openapi.json");
    assert_eq!(status, 200);
    assert_eq!(document["openapi"].as_str().unwrap().split('.').next(), Some("3"));
    let paths = document["paths"].as_object().unwrap();
    for (path, method) in [
        ("/v1/status", "get"),
        ("/v1/services", "post"),
        ("/v1/services/{protocol}/{endpoint}", "delete"),
        ("/v1/services/{protocol}/{endpoint}/reals/{address}", "patch"),
        ("/v1/definition", "put"),
    ] {
        assert!(paths[path][method].is_object(), "{method} {path} in {document}");
    }

    let new = r#"{"protocol":"udp","vip":"2001:db8::10","port":53,"name":"dns"}"#;
    let (status, changes) = curl(&bed.director, &["-X", "POST", "-d", new], "/v1/services");
    assert_eq!((status, changes["changes"].as_array().unwrap().len()), (200, 1), "{changes}");
    let service = "/v1/services/udp/%5B2001:db8::10%5D:53";
    let reals = format!("{service}/reals");
    let real = r#"{"address":"2001:db8::21","weight":7}"#;
    assert_eq!(curl(&bed.director, &["-X", "POST", "-d", real], &reals).0, 200);
    let (_, list) = curl(&bed.director, &[], "/v1/services");
    assert_eq!(list["services"][0]["name"], "dns");
    assert_eq!(list["services"][0]["reals"][0]["weight"], 7);
    assert_eq!(json(&bed.director, "list")["services"][0]["reals"][0]["weight"], 7);
    assert_eq!(curl(&bed.director, &["-X", "DELETE"], service).0, 200);
    assert_eq!(curl(&bed.director, &[], "/v1/services"), (200, json!({ "services": [] })));
}
