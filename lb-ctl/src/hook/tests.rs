use std::fs;
use std::path::Path;

use super::*;

const SHORT: Duration = Duration::from_millis(300);
/// Nothing here takes as long.
const LONG: Duration = Duration::from_mins(1);

fn shell(script: &str) -> HookCommand {
    let script = shlex::try_quote(script).unwrap();
    HookCommand::parse(&format!("/bin/sh -c {script} sh")).unwrap()
}

fn own_account() -> Account {
    Account::find(&User::from_uid(geteuid()).unwrap().unwrap().name).unwrap()
}

async fn run_as(
    script: &str,
    account: &Account,
    timeout: Duration,
) -> Result<Output, HookRunError> {
    let command = shell(script);
    let arguments = ["a b".to_owned(), "*".to_owned()];
    let environment = [("LB_CTL_TEST", "one two".to_owned())];
    let call = Call {
        command: &command,
        arguments: &arguments,
        environment: &environment,
        account,
        timeout,
    };
    run(&call).await
}

async fn run_own(script: &str) -> Output {
    run_as(script, &own_account(), LONG).await.unwrap()
}

/// The ends of a named pipe tell when the last process that holds it is gone.
struct Witness {
    path: std::path::PathBuf,
    _directory: tempfile::TempDir,
}

impl Witness {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
        Self { path, _directory: directory }
    }

    fn reader(&self) -> pipe::Receiver {
        pipe::OpenOptions::new().open_receiver(&self.path).unwrap()
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads to the end, which is there when no process holds the other end any more.
async fn ended(mut reader: pipe::Receiver) -> String {
    use tokio::io::AsyncReadExt as _;
    let mut text = String::new();
    let read = reader.read_to_string(&mut text);
    tokio::time::timeout(LONG, read).await.expect("somebody still holds the pipe").unwrap();
    text
}

#[tokio::test]
async fn a_command_gets_its_words_and_nothing_of_the_daemons_environment() {
    let output = run_own(r#"echo "$#|$1|$2|$LB_CTL_TEST|$PWD|${CARGO_MANIFEST_DIR-none}"; cat"#);
    let output = output.await;
    assert!(output.status.success());
    assert_eq!(output.text, "2|a b|*|one two|/|none\n");
}

#[tokio::test]
async fn how_it_ends_is_told_and_output_and_errors_stay_in_order() {
    let output = run_own("echo out; echo err >&2; echo more; exit 7").await;
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(output.text, "out\nerr\nmore\n");
}

#[tokio::test]
async fn only_the_first_of_a_long_output_is_kept_and_the_rest_holds_nobody_up() {
    let output = run_own("head -c 1000000 /dev/zero | tr '\\0' x; exit 3").await;
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.text, "x".repeat(OUTPUT_BYTES));
}

#[tokio::test]
async fn one_that_closes_its_output_is_awaited_all_the_same() {
    let output = run_own("exec >&- 2>&-; exec sh -c 'exit 5'").await;
    assert_eq!(output.status.code(), Some(5));
}

#[tokio::test]
async fn what_is_left_behind_is_not_waited_for() {
    let witness = Witness::new();
    let reader = witness.reader();
    let script = format!("exec 3>{}; sleep 60 & echo $!; exit 0", witness.path().display());
    let output = run_own(&script).await;
    let left: i32 = output.text.trim().parse().unwrap();
    assert!(Path::new(&format!("/proc/{left}")).exists(), "it is left alone");
    nix::sys::signal::kill(Pid::from_raw(left), Signal::SIGKILL).unwrap();
    ended(reader).await;
}

#[tokio::test]
async fn at_the_timeout_the_whole_group_is_killed() {
    let witness = Witness::new();
    let reader = witness.reader();
    // Shell, child and grandchild hold the pipe, and none of them heeds a polite word.
    let script = format!(
        "trap '' TERM INT HUP; exec 3>{}; echo begun >&3; sh -c 'sleep 60 & sleep 60' & sleep 60",
        witness.path().display()
    );
    let error = run_as(&script, &own_account(), SHORT).await.unwrap_err();
    assert!(matches!(error, HookRunError::TimedOut { .. }), "{error}");
    assert_eq!(error.to_string(), "/bin/sh did not end within 300ms, and was killed");
    assert_eq!(ended(reader).await, "begun\n");
}

#[tokio::test]
async fn one_that_nobody_waits_for_any_more_is_killed_with_its_group() {
    let witness = Witness::new();
    let mut reader = witness.reader();
    let script =
        format!("exec 3>{}; echo begun >&3; sleep 60 & sleep 60", witness.path().display());
    let waiting = tokio::spawn(async move { run_as(&script, &own_account(), LONG).await });
    let mut first = [0; 6];
    tokio::io::AsyncReadExt::read_exact(&mut reader, &mut first).await.unwrap();
    assert_eq!(&first, b"begun\n");
    waiting.abort();
    assert_eq!(ended(reader).await, "");
}

#[tokio::test]
async fn another_user_has_its_own_rights_alone() {
    if !geteuid().is_root() {
        return;
    }
    let nobody = Account::find("nobody").unwrap();
    let output = run_as("id -u; id -g; id -G; echo $USER $HOME", &nobody, LONG).await.unwrap();
    let group = nobody.gid;
    let expected = format!("{}\n{group}\n{group}\nnobody {}\n", nobody.uid, nobody.home);
    assert_eq!(output.text, expected);
    let output = run_as("cat /etc/shadow", &nobody, LONG).await.unwrap();
    assert!(!output.status.success(), "{output:?}");
}

#[tokio::test]
async fn what_does_not_start_says_why() {
    let error = Account::find("no-such-user").unwrap_err().to_string();
    assert!(error.contains("there is no user \"no-such-user\""), "{error}");
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain");
    fs::write(&plain, "").unwrap();
    for (program, reason) in
        [("/no/such/program", "No such file"), (plain.to_str().unwrap(), "denied")]
    {
        let command = HookCommand::parse(program).unwrap();
        let account = own_account();
        let call = Call {
            command: &command,
            arguments: &[],
            environment: &[],
            account: &account,
            timeout: LONG,
        };
        let error = run(&call).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot start {program} as user ")), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}
