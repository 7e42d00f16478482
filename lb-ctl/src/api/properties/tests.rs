use super::*;

fn edit(text: &str) -> ServiceEdit {
    serde_json::from_str(text).unwrap()
}

#[test]
fn all_that_can_be_asked_for() {
    let asked = edit(
        r#"{"scheduler": "mh", "hash": "source", "persistence": {"timeout": 60, "netmask": 24},
            "tracking": "full", "idle_timeout": 30, "timeouts": {"syn": 1, "fin": 2, "closed": 3},
            "expire_nodest": false, "all_down": "pass", "allow": ["198.51.100.0/24"],
            "deny": [], "sorry_server": "192.0.2.99", "name": "web"}"#,
    );
    let change = changed(asked.clone()).unwrap();
    let on = PersistenceChange::On { timeout: Some(60), prefix: Some(24) };
    assert_eq!(change.persistence, Some(on));
    let timeouts = TimeoutsChange { syn: Some(1), fin: Some(2), closed: Some(3) };
    assert_eq!(change.timeouts, timeouts);
    assert_eq!(change.allow, Some(vec!["198.51.100.0/24".parse().unwrap()]));
    assert_eq!(change.deny, Some(Vec::new()));
    assert_eq!(change.sorry_server, Some("192.0.2.99".parse().ok()));
    assert_eq!((change.expire_nodest, change.idle_timeout), (Some(false), Some(30)));
    assert_eq!(new(asked), Ok(change));
    assert_eq!(changed(edit("{}")), Ok(ServiceChange::default()));
}

#[test]
fn what_is_taken_off_must_have_been_there() {
    let off = || edit(r#"{"persistence": {"timeout": 0}}"#);
    assert_eq!(changed(off()).unwrap().persistence, Some(PersistenceChange::Off));
    let error = new(off()).unwrap_err().to_string();
    assert!(error.contains("persistence timeout 0s is outside"), "{error}");
    let sorry = changed(edit(r#"{"sorry_server": "none"}"#)).unwrap();
    assert_eq!(sorry.sorry_server, Some(None));
}

#[test]
fn each_is_valid_by_itself() {
    for (text, words) in [
        (r#"{"scheduler": "best"}"#, "scheduler \"best\" is unknown"),
        (r#"{"hash": "best"}"#, "hash \"best\" is unknown"),
        (r#"{"tracking": "some"}"#, "tracking \"some\" is unknown"),
        (r#"{"all_down": "some"}"#, "all-down \"some\" is unknown"),
        (r#"{"idle_timeout": 0}"#, "idle timeout 0s is outside"),
        (r#"{"timeouts": {"syn": 0}}"#, "SYN timeout 0s is outside"),
        (r#"{"timeouts": {"fin": 0}}"#, "FIN timeout 0s is outside"),
        (r#"{"timeouts": {"closed": 1123201}}"#, "closed timeout 1123201s is outside"),
        (r#"{"persistence": {"timeout": 1123201}}"#, "persistence timeout 1123201s is outside"),
        (r#"{"persistence": {"timeout": 0, "netmask": 24}}"#, "persistence timeout 0s is outside"),
        (r#"{"persistence": {"netmask": 0}}"#, "netmask 0 is outside"),
        (r#"{"allow": ["198.51.100.7/24"]}"#, "write 198.51.100.0/24"),
        (r#"{"deny": ["x"]}"#, "\"x\" is not a prefix"),
        (r#"{"sorry_server": "x"}"#, "sorry server \"x\" is not an IPv4 or IPv6 address"),
        (r#"{"check": {"type": "telnet"}}"#, "check type \"telnet\" is unknown"),
        (r#"{"check": {"type": "tcp", "path": "/"}}"#, "`path` does not belong to"),
        (r#"{"quorum": 0}"#, "quorum 0 is outside 1 to"),
        (r#"{"slow_start": "30"}"#, "slow start \"30\" has no unit"),
        (r#"{"notify_down": "down.sh"}"#, "\"down.sh\" is not an absolute path"),
    ] {
        let error = changed(edit(text)).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn checks_and_what_follows() {
    let asked = edit(
        r#"{"check": {"type": "ping"}, "inhibit_on_failure": true, "quorum": 3, "hysteresis": 2,
            "slow_start": "1500ms", "notify_up": "/bin/up", "quorum_down": ""}"#,
    );
    let change = changed(asked.clone()).unwrap();
    assert_eq!(change.check, Some(Some(Check::new(crate::config::check::Probe::Ping))));
    let numbers = (change.inhibit_on_failure, change.quorum, change.hysteresis);
    assert_eq!(numbers, (Some(true), Some(3), Some(2)));
    assert_eq!(change.slow_start, Some(std::time::Duration::from_millis(1500)));
    let up = Some(HookCommand::parse("/bin/up").ok());
    assert_eq!(change.hooks, HooksChange { up, quorum_down: Some(None), ..HooksChange::default() });
    assert_eq!(new(asked), Ok(change));
    assert_eq!(changed(edit(r#"{"check": {"type": "none"}}"#)).unwrap().check, Some(None));
}
