use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use indexmap::IndexMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;

use super::*;
use crate::config::hook::HookCommand;
use crate::config::vrrp::{Group, Track, Tracked};

/// Nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_millis(10);

fn shell(text: &str) -> Script {
    let text = shlex::try_quote(text).unwrap();
    Script {
        command: HookCommand::parse(&format!("/bin/sh -c {text}")).unwrap(),
        interval: INTERVAL,
        timeout: PATIENCE,
        rise: 1,
        fall: 1,
        weight: None,
        user: None,
    }
}

/// Definitions where all of these are followed.
fn following(scripts: &[(&str, Script)], files: &[&Path], processes: &[(&str, Process)]) -> Vrrp {
    let tracked = |name: &str| Tracked { what: name.to_owned(), weight: None };
    let track = Track {
        scripts: scripts.iter().map(|(name, _)| tracked(name)).collect(),
        files: files
            .iter()
            .map(|path| Tracked { what: path.to_path_buf(), weight: None })
            .collect(),
        processes: processes.iter().map(|(name, _)| tracked(name)).collect(),
        ..Track::default()
    };
    let group = Group { name: "G".to_owned(), track, ..Group::default() };
    let named = |(name, script): &(&str, Script)| ((*name).to_owned(), script.clone());
    Vrrp {
        groups: IndexMap::from([("G".to_owned(), group)]),
        scripts: scripts.iter().map(named).collect(),
        processes: processes.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect(),
        ..Vrrp::default()
    }
}

fn own_user() -> String {
    nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name
}

fn start(vrrp: &Vrrp) -> (Trackers, mpsc::UnboundedReceiver<Finding>) {
    Trackers::start(Handle::current(), vrrp, &own_user())
}

async fn next(found: &mut mpsc::UnboundedReceiver<Finding>) -> Finding {
    tokio::time::timeout(PATIENCE, found.recv()).await.expect("a finding").expect("trackers")
}

fn fails(why: &str) -> Fact {
    Fact::Fails { why: why.to_owned() }
}

#[tokio::test]
async fn a_script_is_followed_as_it_fails_and_works_again() {
    let directory = tempfile::tempdir().unwrap();
    let flag = directory.path().join("flag");
    let script = Script {
        rise: 2,
        fall: 2,
        ..shell(&format!("test ! -e {0} || {{ echo {0} is there; exit 3; }}", flag.display()))
    };
    let (_trackers, mut found) = start(&following(&[("flag", script)], &[], &[]));
    let subject = Subject::Script("flag".to_owned());
    assert_eq!(next(&mut found).await, (subject.clone(), Fact::Works));
    fs::write(&flag, "").unwrap();
    let why = format!("has failed: exit status: 3: {} is there", flag.display());
    assert_eq!(next(&mut found).await, (subject.clone(), fails(&why)));
    fs::remove_file(&flag).unwrap();
    assert_eq!(next(&mut found).await, (subject, Fact::Works));
}

#[tokio::test]
async fn a_script_that_does_not_end_or_begin_fails() {
    let hangs = Script { timeout: Duration::from_millis(50), ..shell("exec sleep 60") };
    let command = HookCommand::parse("/no/such/program").unwrap();
    let missing = Script { command, ..shell("") };
    let strange = Script { user: Some("no-such-user".to_owned()), ..shell("") };
    for (script, words) in [
        (hangs, "did not end within 50ms"),
        (missing, "cannot be started: /no/such/program as user "),
        (strange, "cannot be run: there is no user \"no-such-user\""),
    ] {
        let (_trackers, mut found) = start(&following(&[("it", script)], &[], &[]));
        let (_, Fact::Fails { why }) = next(&mut found).await else { panic!("{words}") };
        assert!(why.starts_with(words), "{why}");
    }
}

/// A pipe with a name, open for reading. Its end is there when nobody else has it open.
fn fifo(path: &Path) -> pipe::Receiver {
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    pipe::OpenOptions::new().open_receiver(path).unwrap()
}

#[tokio::test]
async fn a_script_never_runs_beside_itself_and_ends_with_its_definition() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let (mut said, mut held) = (fifo(&path("said")), fifo(&path("held")));
    let _reads = fifo(&path("go-on"));
    let mut go_on = pipe::OpenOptions::new().open_sender(path("go-on")).unwrap();
    // While it is open here as well, what is read has no end between two runs.
    let _writes = pipe::OpenOptions::new().open_sender(path("said")).unwrap();
    // Whoever runs it holds a pipe, whose end tells that all are gone.
    let slow = shell(&format!(
        "exec 3>{}; echo begin >{}; read go <{}; echo end >{1}",
        path("held").display(),
        path("said").display(),
        path("go-on").display(),
    ));
    // Each of its runs is told, so that it is a clock of the same interval.
    let clock = shell(&format!("rm {0} 2>/dev/null || {{ : >{0}; false; }}", path("t").display()));
    let both = following(&[("slow", slow.clone()), ("clock", clock.clone())], &[], &[]);
    let (mut trackers, mut found) = start(&both);
    for _ in 0..10 {
        assert_eq!(next(&mut found).await.0, Subject::Script("clock".to_owned()));
    }
    go_on.write_all(b"go\n").await.unwrap();
    let mut heard = [0; 16];
    tokio::time::timeout(PATIENCE, said.read_exact(&mut heard)).await.expect("words").unwrap();
    assert_eq!(&heard, b"begin\nend\nbegin\n");
    trackers.set(&following(&[("clock", clock)], &[], &[]), &own_user());
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, held.read_to_end(&mut rest)).await.expect("the end").unwrap();
}

#[tokio::test]
async fn a_file_that_is_there_fails_and_so_does_a_link_to_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let (flag, link) = (directory.path().join("down"), directory.path().join("link"));
    std::os::unix::fs::symlink("/no/such/file", &link).unwrap();
    let (_trackers, mut found) = start(&following(&[], &[&flag, &link], &[]));
    let mut first = HashMap::from([next(&mut found).await, next(&mut found).await]);
    assert_eq!(first.remove(&Subject::File(link)), Some(fails("is there")));
    assert_eq!(first.remove(&Subject::File(flag.clone())), Some(Fact::Works));
    fs::write(&flag, "").unwrap();
    assert_eq!(next(&mut found).await, (Subject::File(flag.clone()), fails("is there")));
    fs::remove_file(&flag).unwrap();
    assert_eq!(next(&mut found).await, (Subject::File(flag), Fact::Works));
}

/// A process that ends with the test.
struct Run(Child);

impl Run {
    fn new(program: &Path) -> Self {
        Self(Command::new(program).arg("600").spawn().unwrap())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program of a name that nobody else has. It is copied by another process: what this one has
/// open for writing could not be executed while a child of another test has it open as well.
fn program(directory: &Path, name: &str) -> std::path::PathBuf {
    let path = directory.join(format!("{name}-{}", std::process::id()));
    assert!(Command::new("cp").arg("/bin/sleep").arg(&path).status().unwrap().success());
    path
}

#[tokio::test]
async fn processes_are_counted_while_they_run() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["lb-p", "lb-long-process-name"] {
        let path = program(directory.path(), name);
        let program = path.file_name().unwrap().to_str().unwrap().to_owned();
        let process = Process { program, quorum: 2, delay: Duration::ZERO, weight: None };
        let (_trackers, mut found) = start(&following(&[], &[], &[("p", process)]));
        let subject = Subject::Process("p".to_owned());
        assert_eq!(next(&mut found).await, (subject.clone(), fails("runs 0 of 2 times")));
        let _one = Run::new(&path);
        assert_eq!(next(&mut found).await, (subject.clone(), fails("runs 1 of 2 times")));
        let mut other = Run::new(&path);
        assert_eq!(next(&mut found).await, (subject.clone(), Fact::Works));
        // It stays in the list as a zombie until it is waited for.
        other.0.kill().unwrap();
        assert_eq!(next(&mut found).await, (subject, fails("runs 1 of 2 times")));
    }
}

#[tokio::test]
async fn what_stays_goes_on_and_what_changes_is_told_anew() {
    let directory = tempfile::tempdir().unwrap();
    let begun = directory.path().join("begun");
    // It says how often it was begun.
    let stays = Script {
        interval: Duration::from_hours(1),
        ..shell(&format!("echo x >>{0}; wc -l <{0}; exit 1", begun.display()))
    };
    let mut vrrp = following(&[("stays", stays), ("changes", shell("exit 1"))], &[], &[]);
    let (mut trackers, mut found) = start(&vrrp);
    let first = HashMap::from([next(&mut found).await, next(&mut found).await]);
    let stays = Subject::Script("stays".to_owned());
    assert_eq!(first[&stays], fails("has failed: exit status: 1: 1"));
    // Weights are others' concern.
    vrrp.scripts["stays"].weight = Some(7);
    vrrp.scripts["changes"] = Script { fall: 9, ..shell("exit 2") };
    trackers.set(&vrrp, &own_user());
    let changes = Subject::Script("changes".to_owned());
    assert_eq!(next(&mut found).await, (changes, fails("has failed: exit status: 2")));
    trackers.set(&Vrrp { groups: IndexMap::new(), ..vrrp.clone() }, &own_user());
    assert!(trackers.running.is_empty(), "nobody follows them");
    trackers.set(&vrrp, &own_user());
    let again = HashMap::from([next(&mut found).await, next(&mut found).await]);
    assert_eq!(again[&stays], fails("has failed: exit status: 1: 2"), "it went on before");
}
