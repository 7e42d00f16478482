use serde_json::json;

use super::*;
use crate::config::check::Via;
use crate::config::notify::MailSecurity;
use crate::config::samples::health::HEALTH;
use crate::config::samples::vrrp::VRRP;
use crate::config::samples::{desired, whole};

#[test]
fn renders_what_counts_and_leaves_defaults_that_say_nothing_out() {
    let text = render(&desired());
    assert!(text.ends_with("}\n"));
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).unwrap(),
        json!({
            "interfaces": ["eth0", "eth1"],
            "services": [
                { "name": "web", "protocol": "tcp", "vip": "192.0.2.10", "port": 80,
                  "scheduler": "mh", "tracking": "full", "idle_timeout": "300s",
                  "reals": [ { "address": "192.0.2.21", "weight": 1 },
                             { "address": "192.0.2.22", "weight": 2, "drain": true } ] },
                { "protocol": "udp", "vip": "2001:db8::10", "port": 53, "scheduler": "mh",
                  "reals": [ { "address": "2001:db8::21", "weight": 1 } ] },
            ],
        })
    );
    let keys = ["\"name\"", "\"protocol\"", "\"vip\"", "\"port\"", "\"scheduler\"", "\"reals\""];
    let at: Vec<_> = keys.iter().map(|key| text.find(key).unwrap()).collect();
    assert!(at.is_sorted(), "{text}");
}

#[test]
fn renders_all_that_is_not_as_by_default() {
    let whole = whole();
    let desired = Desired { services: [(whole.endpoint, whole)].into(), ..Desired::default() };
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&render(&desired)).unwrap()["services"][0],
        json!({
            "protocol": "tcp", "vip": "192.0.2.10", "port": "8000-8100", "scheduler": "mh",
            "hash": "source", "persistence": { "timeout": "60s", "netmask": 24 },
            "idle_timeout": "3600s", "timeouts": { "syn": "30s", "fin": "60s", "closed": "5s" },
            "expire_nodest": false, "all_down": "pass",
            "allow": ["198.51.100.0/24", "203.0.113.7/32"], "deny": ["198.51.100.128/25"],
            "sorry_server": "192.0.2.99", "reals": [ { "address": "192.0.2.21", "weight": 1 } ],
        }),
        "tracking full is what such a service has by default"
    );
}

#[test]
fn renders_an_empty_definition() {
    assert_eq!(render(&Desired::default()), "{\n  \"services\": []\n}\n");
}

/// The properties of the schema's object `name`, or of the whole.
fn properties(schema: &serde_json::Value, name: Option<&str>) -> serde_json::Value {
    let object = name.map_or(schema, |name| &schema["$defs"][name]);
    assert_eq!(object["type"], "object");
    assert_eq!(object["additionalProperties"], false, "unknown keys are refused");
    object["properties"].clone()
}

#[test]
fn the_schema_says_what_the_parser_takes() {
    let schema = schema();
    assert_eq!(schema["title"], "lb-ctl definition");
    let keys = |value: &serde_json::Value| -> Vec<String> {
        let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let (top, service) = (properties(&schema, None), properties(&schema, Some("Service")));
    let real = properties(&schema, Some("Real"));
    assert_eq!(keys(&top), ["interfaces", "notify", "services", "vrrp"]);
    let all = [
        "all_down",
        "allow",
        "check",
        "deny",
        "expire_nodest",
        "hash",
        "hysteresis",
        "idle_timeout",
        "inhibit_on_failure",
        "name",
        "notify_down",
        "notify_up",
        "persistence",
        "port",
        "protocol",
        "quorum",
        "quorum_down",
        "quorum_up",
        "reals",
        "scheduler",
        "slow_start",
        "sorry_server",
        "timeouts",
        "tracking",
        "vip",
    ];
    assert_eq!(keys(&service), all);
    let persistence = properties(&schema, Some("Persistence"));
    assert_eq!(keys(&persistence), ["netmask", "timeout"]);
    assert_eq!(persistence["netmask"]["maximum"], 128);
    let timeouts = properties(&schema, Some("Timeouts"));
    assert_eq!(keys(&timeouts), ["closed", "fin", "syn"]);
    assert_eq!(keys(&real), ["address", "disable", "drain", "weight"]);
    assert_eq!(schema["required"], json!(null));
    assert_eq!(schema["$defs"]["Service"]["required"], json!(["protocol", "vip", "port"]));
    assert_eq!(schema["$defs"]["Real"]["required"], json!(["address"]));

    assert_eq!(schema["$defs"]["Ports"]["anyOf"][0]["maximum"], 65535);
    assert_eq!(schema["$defs"]["Ports"]["anyOf"][1]["type"], "string");
    assert_eq!(service["port"]["$ref"], "#/$defs/Ports");
    assert_eq!(
        (&real["weight"]["minimum"], &real["weight"]["maximum"]),
        (&json!(0), &json!(65535))
    );
    assert_eq!(real["weight"]["default"], 1);
    assert_eq!(real["drain"]["default"], false);
    assert_eq!(service["protocol"]["enum"], json!(["tcp", "udp"]));
    let schedulers = model::Scheduler::ALL.map(model::Scheduler::name);
    assert_eq!(service["scheduler"]["enum"], json!(schedulers));
    assert_eq!(service["hash"]["enum"], json!(model::Hash::ALL.map(model::Hash::name)));
    assert_eq!(service["all_down"]["enum"], json!(["drop", "pass"]));
    assert_eq!(service["expire_nodest"]["default"], true);
    assert_eq!(service["allow"]["uniqueItems"], true);
    assert_eq!(service["scheduler"]["default"], "mh");
    assert_eq!(service["tracking"]["enum"], json!(["changes", "full", "none"]));
    assert_eq!(service["idle_timeout"]["type"], "string");
    assert_eq!(service["idle_timeout"]["pattern"], "^0*[1-9][0-9]*[smhd]$");
    assert_eq!(service["vip"]["anyOf"], json!([{ "format": "ipv4" }, { "format": "ipv6" }]));
    assert_eq!(service["name"]["maxLength"], 64);
    assert_eq!(top["interfaces"]["items"]["maxLength"], 15);
    assert_eq!(top["services"]["items"]["$ref"], "#/$defs/Service");
    for property in [&top, &service, &real, &persistence, &timeouts]
        .into_iter()
        .flat_map(|all| all.as_object().unwrap())
    {
        assert!(property.1["description"].is_string(), "{property:?}");
    }
}

#[test]
fn renders_health_without_what_is_usual() {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let desired = crate::config::parse(HEALTH).unwrap();
    let mut expected = read(HEALTH);
    let service = &mut expected["services"][0];
    // Written as everything is: numbers as ranges, digits in lower case, times in seconds.
    service["check"]["status"] = json!(["200", "300-399"]);
    let digest = service["check"]["sha256"].as_str().unwrap().to_lowercase();
    service["check"]["sha256"] = json!(digest);
    service["scheduler"] = json!("mh");
    service["reals"][0]["weight"] = json!(1);
    expected["notify"]["mail"]["batch"] = json!("60s");
    assert_eq!(read(&render(&desired)), expected);
}

#[test]
fn the_schema_says_what_checks_and_notification_take() {
    let schema = schema();
    let check = properties(&schema, Some("Check"));
    assert_eq!(check["type"]["enum"], json!(crate::config::rules::check::TYPES));
    assert_eq!(schema["$defs"]["Check"]["required"], json!(["type"]));
    assert_eq!(check["via"]["enum"], json!(Via::ALL.map(Via::name)));
    assert_eq!(check["interval"]["pattern"], "^0*[1-9][0-9]*(ms|[smhd])$");
    assert_eq!(check["fall"]["maximum"], 1000);
    assert_eq!(check["status"]["items"]["anyOf"][1]["maximum"], 599);
    let [notify, mail, webhook] =
        ["Notify", "Mail", "Webhook"].map(|name| properties(&schema, Some(name)));
    let security = MailSecurity::ALL.map(MailSecurity::name);
    assert_eq!(mail["security"]["enum"], json!(security));
    assert_eq!(schema["$defs"]["Mail"]["required"], json!(["server", "from", "to"]));
    for (name, property) in
        [&check, &notify, &mail, &webhook].into_iter().flat_map(|all| all.as_object().unwrap())
    {
        assert!(property["description"].is_string(), "{name}");
    }
    // A key that no type takes would be refused wherever it stands.
    let taken = |key: &String| {
        let types = crate::config::rules::check::TYPES;
        types.iter().any(|kind| crate::config::rules::check::belongs(kind, key).is_ok())
    };
    assert!(check.as_object().unwrap().keys().all(taken));
}

#[test]
fn renders_virtual_routers_without_what_is_usual() {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let desired = crate::config::parse(VRRP).unwrap();
    let written = &read(&render(&desired))["vrrp"];
    let mut expected = read(VRRP)["vrrp"].clone();
    let first = expected["instances"][0].as_object_mut().unwrap();
    for usual in ["version", "preempt", "virtual_mac"] {
        first.remove(usual);
    }
    // Written as everything is: with the length of the prefix.
    first["addresses"][1] = json!("192.0.2.11/32");
    first["excluded_addresses"][0] = json!("2001:db8::10/128");
    expected["instances"][1]["addresses"][1] = json!("2001:db8::11/128");
    expected["instances"][2]["addresses"][0] = json!("192.0.2.13/32");
    expected["instances"][2].as_object_mut().unwrap().remove("version");
    assert_eq!(written, &expected);
}

#[test]
fn a_service_is_followed_by_the_name_it_has_now() {
    let mut desired = crate::config::parse(VRRP).unwrap();
    let followed = |desired: &Desired| {
        let document = Document::from(desired);
        let track = document.vrrp.unwrap().instances.remove(0).track.unwrap();
        track.services[0].text().to_owned()
    };
    desired.services[0].name = Some("shop".to_owned());
    assert_eq!(followed(&desired), "shop");
    // A name that would be taken for another service is not used.
    desired.services[0].name = Some("udp 192.0.2.10:53".to_owned());
    assert_eq!(followed(&desired), "tcp 192.0.2.10:80");
    assert_eq!(crate::config::parse(&render(&desired)), Ok(desired));
}

#[test]
fn the_schema_says_what_virtual_routers_take() {
    let schema = schema();
    let named = |name| properties(&schema, Some(name));
    let instance = named("Instance");
    let required = json!(["name", "interface", "vrid", "addresses"]);
    assert_eq!(schema["$defs"]["Instance"]["required"], required);
    assert_eq!(instance["version"]["enum"], json!([2, 3]));
    assert_eq!(
        (&instance["vrid"]["minimum"], &instance["vrid"]["maximum"]),
        (&json!(1), &json!(255))
    );
    let words = crate::config::vrrp::Checksum::ALL.map(crate::config::vrrp::Checksum::name);
    assert_eq!(instance["checksum"]["enum"], json!(words));
    let address = &instance["addresses"]["items"]["anyOf"];
    assert_eq!(address[0]["type"], "string");
    assert_eq!(address[1]["$ref"], "#/$defs/PlacedAddress");
    let track = named("Track");
    assert_eq!(track["scripts"]["items"]["anyOf"][1]["$ref"], "#/$defs/TrackedName");
    assert_eq!(track["files"]["items"]["anyOf"][1]["$ref"], "#/$defs/TrackedFile");
    let weight = &named("TrackedFile")["weight"];
    assert_eq!((&weight["minimum"], &weight["not"]["const"]), (&json!(-253), &json!(0)));
    assert_eq!(named("Auth")["type"]["enum"], json!(["pass"]));
    let all = [
        "Vrrp",
        "Instance",
        "PlacedAddress",
        "Auth",
        "RoleHooks",
        "Garp",
        "Group",
        "Sync",
        "Track",
        "TrackedName",
        "TrackedFile",
        "TrackedService",
        "Script",
        "Process",
    ];
    for object in all.map(named) {
        for (name, property) in object.as_object().unwrap() {
            assert!(property["description"].is_string(), "{name}");
        }
    }
}
