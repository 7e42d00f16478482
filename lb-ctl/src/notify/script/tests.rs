use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use lb_common::key::Protocol;

use super::*;
use crate::config::model::Endpoint;
use crate::config::notify::Hooks;
use crate::config::vrrp::RoleHooks;
use crate::event::{Event, EventKind, Happening, RouterName, ServiceName};
use crate::notify::Commands;

/// Nothing here takes as long.
const LONG: Duration = Duration::from_mins(1);

fn service(address: &str, port: u16) -> ServiceName {
    let address = address.parse().unwrap();
    let endpoint = Endpoint { protocol: Protocol::Tcp, address, port: port.into() };
    ServiceName { endpoint, name: None }
}

fn event(kind: EventKind, service: &ServiceName, real: Option<&str>, message: &str) -> Event {
    let real = real.map(|real| real.parse::<IpAddr>().unwrap());
    let service = Some(service.clone());
    let what = Happening { service, real, ..Happening::new(kind, message) };
    Event { seq: 1, at: UNIX_EPOCH, what }
}

/// A service's script for any of its events.
fn of_service(event: &Event, command: &HookCommand) -> Told {
    let command = || Some(command.clone());
    let hooks =
        Hooks { up: command(), down: command(), quorum_up: command(), quorum_down: command() };
    words::told(event, Commands::Service(&hooks)).unwrap()
}

/// A directory that scripts write to, and the user who runs these tests.
struct Place {
    directory: tempfile::TempDir,
    user: String,
}

impl Place {
    fn new() -> Self {
        let own = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap();
        Self { directory: tempfile::tempdir().unwrap(), user: own.name }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A command whose words the script sees as `$1`…, in the place as its working directory.
    fn command(&self, script: &str) -> HookCommand {
        let script = format!("cd {}; {script}", self.directory.path().display());
        HookCommand::parse(&format!("/bin/sh -c {} sh", shlex::try_quote(&script).unwrap()))
            .unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[tokio::test]
async fn a_script_is_told_by_words_and_by_its_environment() {
    let place = Place::new();
    let dropped = Arc::new(Dropped::default());
    let scripts = Scripts::start(OF_SERVICES, Arc::clone(&dropped));
    let command = place.command("echo \"$*\" > told; env | grep ^LB_CTL_ | sort >> told");
    let web = ServiceName { name: Some("web".to_owned()), ..service("192.0.2.10", 80) };
    let down = event(EventKind::RealDown, &web, Some("192.0.2.21"), "status 503, expected 200");
    scripts.run(of_service(&down, &command), &place.user, LONG);
    scripts.close().await;
    let expected = "RS [192.0.2.21]:tcp:80 [192.0.2.10]:tcp:80 DOWN
LB_CTL_EVENT=real_down
LB_CTL_MESSAGE=status 503, expected 200
LB_CTL_PORT=80
LB_CTL_PROTOCOL=tcp
LB_CTL_REAL=192.0.2.21
LB_CTL_SERVICE=web
LB_CTL_VIP=192.0.2.10
";
    assert_eq!(place.read("told"), expected);
    assert_eq!(dropped.counts()[0], (Medium::Script, 0));
}

#[tokio::test]
async fn scripts_of_a_service_never_overlap_and_come_in_order() {
    let place = Place::new();
    let scripts = Scripts::start(OF_SERVICES, Arc::default());
    // A folder is made by one process alone.
    let command = place.command(
        "mkdir busy || echo overlap >> log; echo $LB_CTL_MESSAGE >> log; sleep 0.02; rmdir busy",
    );
    let web = service("192.0.2.10", 80);
    for turn in 0..20 {
        let kind = if turn % 2 == 0 { EventKind::RealDown } else { EventKind::RealUp };
        let event = event(kind, &web, Some("192.0.2.21"), &turn.to_string());
        scripts.run(of_service(&event, &command), &place.user, LONG);
    }
    scripts.close().await;
    let expected: Vec<String> = (0..20).map(|turn| turn.to_string()).collect();
    assert_eq!(lines(&place.read("log")), expected);
}

#[tokio::test]
async fn scripts_of_two_services_run_beside_each_other() {
    let place = Place::new();
    let scripts = Scripts::start(OF_SERVICES, Arc::default());
    nix::unistd::mkfifo(&place.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    // Each opens its end only when the other does.
    let reads = place.command("cat < fifo > heard");
    let writes = place.command("echo met > fifo");
    let down = |port| event(EventKind::QuorumDown, &service("192.0.2.10", port), None, "");
    scripts.run(of_service(&down(80), &reads), &place.user, LONG);
    scripts.run(of_service(&down(443), &writes), &place.user, LONG);
    scripts.close().await;
    assert_eq!(place.read("heard"), "met\n");
}

#[tokio::test]
async fn one_that_hangs_is_killed_and_the_next_runs() {
    let place = Place::new();
    let scripts = Scripts::start(OF_SERVICES, Arc::default());
    let web = service("192.0.2.10", 80);
    let hangs = place.command("echo begun > hung; sleep 600 & sleep 600; echo over >> hung");
    let writes = place.command("echo ran > next");
    let event = |kind| event(kind, &web, Some("192.0.2.21"), "");
    scripts.run(
        of_service(&event(EventKind::RealDown), &hangs),
        &place.user,
        Duration::from_millis(300),
    );
    scripts.run(of_service(&event(EventKind::RealUp), &writes), &place.user, LONG);
    scripts.close().await;
    assert_eq!(place.read("hung"), "begun\n");
    assert_eq!(place.read("next"), "ran\n");
}

#[tokio::test]
async fn what_waits_has_an_end_and_the_last_word_is_said() {
    let place = Place::new();
    let dropped = Arc::new(Dropped::default());
    let scripts = Scripts::start(OF_SERVICES, Arc::clone(&dropped));
    let web = service("192.0.2.10", 80);
    // The first holds the others up until this is there.
    let go = place.path("go");
    let command =
        place.command("while [ ! -e go ]; do sleep 0.01; done; echo $LB_CTL_MESSAGE >> log");
    let more = 9;
    let last = OF_SERVICES.waiting_each + more;
    for turn in 0..=last {
        let event = event(EventKind::RealDown, &web, Some("192.0.2.21"), &turn.to_string());
        scripts.run(of_service(&event, &command), &place.user, LONG);
        // All have to reach the queue before one is dropped from it.
        while turn == 0 && scripts.jobs.capacity() < ROOM {
            tokio::task::yield_now().await;
        }
    }
    while scripts.jobs.capacity() < ROOM {
        tokio::task::yield_now().await;
    }
    fs::write(&go, "").unwrap();
    scripts.close().await;
    let kept = (more + 1..=last).map(|turn| turn.to_string());
    let expected: Vec<String> = std::iter::once("0".to_owned()).chain(kept).collect();
    assert_eq!(lines(&place.read("log")), expected);
    assert_eq!(dropped.counts()[0], (Medium::Script, more as u64));
}

#[tokio::test]
async fn as_an_unprivileged_user() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(place.directory.path(), open).unwrap();
    let scripts = Scripts::start(OF_SERVICES, Arc::default());
    let event = event(EventKind::QuorumUp, &service("192.0.2.10", 80), None, "");
    scripts.run(of_service(&event, &place.command("id -un > who")), "nobody", LONG);
    scripts.close().await;
    assert_eq!(place.read("who"), "nobody\n");
}

#[tokio::test]
async fn scripts_of_a_virtual_router_are_told_its_state_and_never_overlap() {
    let place = Place::new();
    let scripts = Scripts::start(OF_SERVICES, Arc::default());
    let command = |what: &str| {
        let script = format!(
            "mkdir busy || echo overlap >> log; echo {what} \"$*\" $LB_CTL_STATE \
             $LB_CTL_INSTANCE >> log; sleep 0.02; rmdir busy"
        );
        Some(place.command(&script))
    };
    let hooks = RoleHooks {
        master: command("master:"),
        stop: command("stop:"),
        any: command("any:"),
        ..RoleHooks::default()
    };
    for kind in [EventKind::VrrpBackup, EventKind::VrrpMaster, EventKind::VrrpInit] {
        let router = Some(RouterName::Instance("VI 1".to_owned()));
        let what = Happening { router, ..Happening::new(kind, "") };
        let event = Event { seq: 1, at: UNIX_EPOCH, what };
        let told = words::told(&event, Commands::Router { hooks: &hooks, priority: 150 });
        scripts.run(told.unwrap(), &place.user, LONG);
    }
    scripts.close().await;
    let expected = [
        "any: INSTANCE VI 1 BACKUP 150 BACKUP VI 1",
        "master: INSTANCE VI 1 MASTER 150 MASTER VI 1",
        "any: INSTANCE VI 1 MASTER 150 MASTER VI 1",
        "stop: INSTANCE VI 1 STOP 150 STOP VI 1",
        "any: INSTANCE VI 1 STOP 150 STOP VI 1",
    ];
    assert_eq!(lines(&place.read("log")), expected);
}
