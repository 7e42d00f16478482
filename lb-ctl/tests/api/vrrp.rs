//! Virtual routers: what is listed, handed over and resumed.

use lb_ctl::api::wire::{Vrrp, VrrpInstance, VrrpState};
use lb_ctl::command::CommandError;
use serde_json::{Value, json};

use crate::support::{Core, Fixture};

/// What becomes of a handover.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Others {
    /// Somebody else takes over after being asked for a while.
    #[default]
    TakeOver,
    /// Nobody does, and the old master goes on.
    AreNotThere,
    /// Nobody says anything for longer than anybody waits.
    AreSilent,
}

/// Virtual routers in memory.
#[derive(Default)]
pub(crate) struct Routers {
    pub(crate) instances: Vec<VrrpInstance>,
    pub(crate) others: Others,
    /// How often they are still listed before the outcome of a handover shows.
    pub(crate) undecided: u32,
}

impl Routers {
    pub(crate) fn list(&mut self) -> Vrrp {
        self.undecided = self.undecided.saturating_sub(1);
        if self.undecided == 0 && self.others != Others::AreSilent {
            let takes_over = self.others == Others::TakeOver;
            for one in
                self.instances.iter_mut().filter(|one| one.state == VrrpState::Backup && one.holds)
            {
                if takes_over {
                    (one.holds, one.master) = (false, Some([192, 0, 2, 3].into()));
                    one.master_priority = Some(100);
                } else {
                    one.state = VrrpState::Master;
                    *one.transitions.entry("master".to_owned()).or_default() += 1;
                }
            }
        }
        Vrrp { instances: self.instances.clone() }
    }

    pub(crate) fn hand_over(
        &mut self,
        name: Option<&str>,
        handed_over: bool,
    ) -> Result<Vrrp, CommandError> {
        let is_chosen = |one: &&mut VrrpInstance| name.is_none_or(|name| one.name == name);
        let mut chosen = Vec::new();
        for one in self.instances.iter_mut().filter(is_chosen) {
            if handed_over && one.state == VrrpState::Master && !one.handed_over {
                (one.state, one.master) = (VrrpState::Backup, None);
            }
            one.handed_over = handed_over;
            one.priority = if handed_over { 1 } else { one.defined_priority };
            chosen.push(one.clone());
        }
        if chosen.is_empty() {
            let message = format!("there is no virtual router {:?}", name.unwrap_or_default());
            return Err(CommandError::NotFound(message));
        }
        Ok(Vrrp { instances: chosen })
    }
}

/// A virtual router of this name and state.
fn instance(name: &str, state: VrrpState) -> VrrpInstance {
    let is_master = state == VrrpState::Master;
    let master = if is_master { [192, 0, 2, 2] } else { [192, 0, 2, 3] };
    VrrpInstance {
        name: name.to_owned(),
        interface: "eth0".to_owned(),
        vrid: 51,
        version: 3,
        group: None,
        state,
        reason: "no master was heard".to_owned(),
        since: "2026-11-21T14:03:17Z".to_owned(),
        age: 3,
        priority: 150,
        defined_priority: 150,
        advert_interval: 10,
        preempt: true,
        addresses: vec!["192.0.2.10/32".to_owned()],
        holds: is_master,
        handed_over: false,
        source: Some([192, 0, 2, 2].into()),
        master: Some(master.into()),
        master_priority: Some(150),
        adverts: lb_ctl::api::wire::Adverts::default(),
        transitions: std::collections::BTreeMap::new(),
        conflicts: Vec::new(),
    }
}

fn daemon(others: Others, instances: Vec<VrrpInstance>) -> Fixture {
    let routers = Routers { instances, others, undecided: 3 };
    Fixture::with(Core { routers, ..Core::default() })
}

#[tokio::test]
async fn over_http() {
    let daemon = daemon(Others::TakeOver, vec![instance("VI 1/+&", VrrpState::Master)]);
    let client = &daemon.client;
    assert_eq!(client.vrrp().await.unwrap().instances[0].state, VrrpState::Master);
    let handed_over = client.hand_over(Some("VI 1/+&")).await.unwrap();
    assert_eq!(
        (handed_over.instances[0].handed_over, handed_over.instances[0].priority),
        (true, 1)
    );
    let resumed = client.resume(None).await.unwrap();
    assert_eq!((resumed.instances[0].handed_over, resumed.instances[0].priority), (false, 150));
    assert!(client.hand_over(Some("VI_9")).await.is_err());
    let json: Value = serde_json::to_value(&handed_over).unwrap();
    assert_eq!(json["instances"][0]["state"], json!("backup"), "lower case for programs");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list() {
    let daemon = daemon(
        Others::TakeOver,
        vec![instance("VI_1", VrrpState::Master), instance("VI_2", VrrpState::Backup)],
    );
    let list = daemon.cli("vrrp list").await;
    assert_eq!((list.code, list.stderr.as_str()), (0, ""));
    let rows: Vec<&str> = list.stdout.lines().collect();
    assert!(rows[0].starts_with("INSTANCE  INTERFACE  VRID  STATE   PRIORITY  ADVERT"), "{list:?}");
    assert!(rows[1].contains("MASTER") && rows[1].contains("  itself  "), "{list:?}");
    assert!(rows[2].contains("BACKUP") && rows[2].contains("  192.0.2.3 (150)  "), "{list:?}");
    let one = daemon.cli("vrrp list VI_2 -o json").await;
    let one: Value = serde_json::from_str(&one.stdout).unwrap();
    assert_eq!(one["instances"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&one["instances"][0]["name"], &one["instances"][0]["state"]),
        (&json!("VI_2"), &json!("backup"))
    );
    assert_eq!(daemon.cli("vrrp list VI_9").await.code, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handover_says_who_has_taken_over() {
    let daemon = daemon(
        Others::TakeOver,
        vec![instance("VI_1", VrrpState::Master), instance("VI_2", VrrpState::Backup)],
    );
    let ran = daemon.cli("vrrp handover --timeout 60").await;
    let expected = "VI_1: 192.0.2.3 is master, with priority 100\n\
                    VI_2: BACKUP with priority 1, 192.0.2.3 is master\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, expected, ""));
    let resumed = daemon.cli("vrrp resume VI_1").await;
    let expected = "VI_1: takes part with priority 150 again\n";
    assert_eq!((resumed.code, resumed.stdout.as_str()), (0, expected));
    for line in ["vrrp handover VI_9", "vrrp resume VI_9"] {
        let ran = daemon.cli(line).await;
        let words = "lb-ctl: there is no virtual router \"VI_9\"\n";
        assert_eq!((ran.code, ran.stderr.as_str(), ran.stdout.as_str()), (5, words, ""), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handover_to_nobody_fails_and_this_one_goes_on() {
    let alone = || vec![instance("VI_1", VrrpState::Master)];
    let daemon = self::daemon(Others::AreNotThere, alone());
    for line in ["vrrp handover VI_1 --timeout 60", "vrrp handover --timeout 60 --wait"] {
        let ran = daemon.cli(line).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{line}: {ran:?}");
        let words = "lb-ctl: VI_1: nobody has taken over, and this director goes on as master with \
                     priority 1: see that another one takes part in vrid 51 on eth0, or";
        assert!(ran.stderr.starts_with(words), "{line}: {ran:?}");
    }
    let silent = self::daemon(Others::AreSilent, alone());
    let ran = silent.cli("vrrp handover --timeout 0").await;
    assert!(ran.stderr.contains("VI_1: no other master was heard within 0s: see lb-ctl vrrp list"));
    assert_eq!(ran.code, 1, "{ran:?}");
    let ran = silent.cli("vrrp handover --no-wait -o json").await;
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &json["instances"][0]["handed_over"]), (0, &json!(true)));
}
