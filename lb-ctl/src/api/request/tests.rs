//! Requests that are commands, and those that are none.

use super::super::routes::ROUTES;
use super::*;
use crate::config::edit::ServiceChange;
use crate::config::model::Tracking;

fn ask(
    operation: Operation,
    path: &[(&str, &str)],
    query: &[(&str, &str)],
    body: &str,
) -> Result<Option<Command>, Refusal> {
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let route = ROUTES.iter().find(|route| route.operation == operation).unwrap();
    let parts = Parts { path: &owned(path), query: &owned(query), body: body.as_bytes() };
    command(route, parts)
}

const WEB: &[(&str, &str)] = &[("protocol", "tcp"), ("endpoint", "[2001:db8::10]:80")];

#[test]
fn a_service_with_defaults() {
    let body = r#"{"protocol":"tcp","vip":"192.0.2.10","port":80}"#;
    let command = ask(Operation::AddService, &[], &[("force", "true")], body).unwrap().unwrap();
    let Command::Change { change, on_hand_edit } = command else { panic!("no change") };
    assert_eq!(on_hand_edit, OnHandEdit::Overwrite);
    let Change::AddService { endpoint, properties } = change else { panic!("no service") };
    assert_eq!(endpoint.to_string(), "tcp 192.0.2.10:80");
    assert_eq!(*properties, ServiceChange::default());
}

#[test]
fn properties_of_a_service_obey_the_rules() {
    let edit = |body| ask(Operation::EditService, WEB, &[], body);
    let body = r#"{"tracking":"full","idle_timeout":30}"#;
    let Some(Command::Change { change: Change::EditService { properties, .. }, .. }) =
        edit(body).unwrap()
    else {
        panic!("no edit")
    };
    let expected = ServiceChange {
        tracking: Some(Tracking::Full),
        idle_timeout: Some(30),
        ..ServiceChange::default()
    };
    assert_eq!(*properties, expected);
    for (body, words) in [
        (r#"{"tracking":"some"}"#, "tracking \"some\" is unknown"),
        (r#"{"idle_timeout":0}"#, "idle timeout 0s is outside 1s"),
        (r#"{"idle_timeout":1123201}"#, "outside 1s to 1123200s"),
        (r#"{"idle_timeout":"30s"}"#, "idle_timeout: "),
    ] {
        let Err(Refusal::Invalid(message)) = edit(body) else { panic!("{body} is taken") };
        assert!(message.contains(words), "{body}: {message}");
    }
}

#[test]
fn what_cannot_be_read_and_what_is_not_valid() {
    let add = |body| ask(Operation::AddReal, WEB, &[], body).unwrap_err();
    assert!(matches!(add("{"), Refusal::Unreadable(_)));
    assert!(matches!(add(""), Refusal::Unreadable(_)));
    assert!(matches!(add(r#"{"address":"2001:db8::21"} x"#), Refusal::Unreadable(_)));
    let Refusal::Invalid(message) = add(r#"{"address":"2001:db8::21","weight":70000}"#) else {
        panic!("not invalid")
    };
    assert!(message.starts_with("weight: "), "{message}");
    assert!(matches!(add(r#"{"address":"x"}"#), Refusal::Invalid(_)));
    let Refusal::Invalid(message) = add(r#"{"address":"2001:db8::21","wieght":1}"#) else {
        panic!("not invalid")
    };
    assert!(message.contains("wieght"), "{message}");
}

#[test]
fn a_query_parameter_of_another_route_is_refused() {
    let refusal = ask(Operation::Status, &[], &[("force", "true")], "").unwrap_err();
    assert_eq!(refusal, Refusal::Unreadable("unknown query parameter `force`".to_owned()));
    assert!(ask(Operation::Clear, &[], &[("force", "yes")], "").is_err());
    assert!(ask(Operation::List, &[], &[("service", "sctp/192.0.2.10:80")], "").is_err());
    let one = ask(Operation::List, &[], &[("service", "udp/192.0.2.10:53")], "").unwrap();
    let Some(Command::List { only: Some(only) }) = one else { panic!("no service") };
    assert_eq!(only.to_string(), "udp 192.0.2.10:53");
}

#[test]
fn what_is_to_be_traced() {
    let trace = |query: &[(&str, &str)]| ask(Operation::Trace, &[], query, "");
    assert_eq!(trace(&[]), Ok(Some(Command::Trace(Wanted::default()))));
    let all = [
        ("service", "tcp/192.0.2.10:80"),
        ("source", "198.51.100.0/24"),
        ("count", "5"),
        ("every", "10"),
    ];
    let Ok(Some(Command::Trace(wanted))) = trace(&all) else { panic!("no trace") };
    assert_eq!(wanted.only.unwrap().to_string(), "tcp 192.0.2.10:80");
    assert_eq!(wanted.source.unwrap().to_string(), "198.51.100.0/24");
    assert_eq!((wanted.count, wanted.every), (Some(5), 10));
    for (name, value) in [
        ("count", "0"),
        ("count", "-1"),
        ("every", "0"),
        ("every", "4294967296"),
        ("source", "198.51.100.7/24"),
        ("source", "here"),
    ] {
        assert!(trace(&[(name, value)]).is_err(), "{name}={value} is taken");
    }
}

#[test]
fn draining_and_weight_are_two_changes() {
    let path = [WEB, &[("address", "2001:db8::21")]].concat();
    let both = ask(Operation::EditReal, &path, &[], r#"{"weight":1,"drained":true}"#);
    assert!(matches!(both, Err(Refusal::Invalid(_))));
    let disable = ask(Operation::EditReal, &path, &[], r#"{"disabled":false}"#).unwrap().unwrap();
    let Command::Change { change: Change::Disable { disabled: false, .. }, .. } = disable else {
        panic!("{disable:?}")
    };
    for body in ["{}", r#"{"drained":true,"disabled":true}"#] {
        assert!(matches!(ask(Operation::EditReal, &path, &[], body), Err(Refusal::Invalid(_))));
    }
    let drain = ask(Operation::EditReal, &path, &[], r#"{"drained":true}"#).unwrap().unwrap();
    let Command::Change { change: Change::Drain { drained: true, .. }, .. } = drain else {
        panic!("{drain:?}")
    };
}

#[test]
fn a_check_is_asked_of_one_real_or_of_all() {
    let ask = |query: &[(&str, &str)]| ask(Operation::CheckNow, WEB, query, "");
    let Ok(Some(Command::CheckNow { endpoint, address: None })) = ask(&[]) else { panic!("all") };
    assert_eq!(endpoint.to_string(), "tcp [2001:db8::10]:80");
    let one = ask(&[("real", "2001:db8::21")]);
    let address = Some("2001:db8::21".parse().unwrap());
    assert_eq!(one, Ok(Some(Command::CheckNow { endpoint, address })));
    assert!(matches!(ask(&[("real", "x")]), Err(Refusal::Unreadable(_))));
    assert!(ask(&[("force", "true")]).is_err());
}

#[test]
fn a_check_is_an_object() {
    let edit =
        |check: &str| ask(Operation::EditService, WEB, &[], &format!("{{\"check\": {check}}}"));
    for (check, words) in [
        ("null", "check: invalid type: null, expected an object"),
        ("[\"tcp\"]", "check: invalid type: sequence, expected an object"),
        ("\"tcp\"", "check: invalid type: string"),
        (r#"{"type": "tcp", "intervall": "1s"}"#, "check.intervall: unknown field `intervall`"),
        (r#"{"type": "tcp", "fall": 0}"#, "check.fall: fall 0 is outside 1 to 1000"),
        (r#"{"type": "tcp", "path": "/"}"#, "`path` does not belong to a check of type tcp"),
        (r#"{"type": "none", "port": 7}"#, "check type \"none\" is unknown"),
    ] {
        let Err(Refusal::Invalid(message)) = edit(check) else { panic!("{check} is taken") };
        assert!(message.contains(words), "{check}: {message}");
    }
    assert!(edit(r#"{"type": "tcp"}"#).is_ok() && edit(r#"{"type": "none"}"#).is_ok());
}

#[test]
fn which_events() {
    let events = |query: &[(&str, &str)]| ask(Operation::Events, &[], query, "");
    assert_eq!(events(&[]), Ok(Some(Command::Events(WantedEvents::default()))));
    let all = [("service", "tcp/192.0.2.10:80"), ("count", "5"), ("follow", "true")];
    let Ok(Some(Command::Events(wanted))) = events(&all) else { panic!("no events") };
    let EventsOf::Service(only) = wanted.only else { panic!("of no service") };
    assert_eq!(only.to_string(), "tcp 192.0.2.10:80");
    assert_eq!((wanted.count, wanted.follow), (Some(5), true));
    let Ok(Some(Command::Events(of_router))) = events(&[("instance", "VI 1")]) else {
        panic!("no events")
    };
    assert_eq!(of_router.only, EventsOf::Instance("VI 1".to_owned()));
    assert!(events(&[("instance", "VI_1"), ("service", "tcp/192.0.2.10:80")]).is_err());
    for (name, value) in [("count", "0"), ("follow", "yes"), ("every", "2")] {
        assert!(events(&[(name, value)]).is_err(), "{name}={value} is taken");
    }
}
