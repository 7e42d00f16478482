//! Checks by a command.

use lb_ctl::config::check::{Exec, Probe};
use lb_ctl::config::hook::HookCommand;

use super::bed::{Bed, REAL4, at, late, passes, words};

pub(crate) fn script(text: &str, user: &str) -> Probe {
    let text = shlex::try_quote(text).unwrap();
    let command = HookCommand::parse(&format!("/bin/sh -c {text}")).unwrap();
    Probe::Exec(Exec { command, user: user.to_owned() })
}

#[test]
fn the_exit_code_decides() {
    let bed = Bed::new();
    bed.run(async || {
        let real = at(REAL4, 80);
        passes(script("exit 0", "nobody"), real).await;
        let said = words(script("echo looking; echo no such >&2; exit 3", "nobody"), real).await;
        assert_eq!(said, "exit code 3: no such");
        let said = words(script("printf 'a\\033[1mb\\n'; kill -9 $$", "nobody"), real).await;
        assert_eq!(said, "killed by signal 9: a?[1mb");
    });
}

#[test]
fn it_knows_whom_it_is_about_and_nothing_else() {
    let bed = Bed::new();
    bed.run(async || {
        let real = at(REAL4, 80);
        let told = r#"test "$LB_CTL_VIP $LB_CTL_PORT $LB_CTL_PROTOCOL $LB_CTL_REAL" = \
            "192.0.2.10 80 tcp 192.0.2.21""#;
        passes(script(told, "nobody"), real).await;
        // Cargo has told this process where its home is.
        passes(script(r#"test -z "$CARGO_MANIFEST_DIR""#, "nobody"), real).await;
        passes(script(r#"test "$(id -un)" = nobody"#, "nobody"), real).await;
        passes(script(r#"test "$(id -G)" = "$(id -g)""#, "nobody"), real).await;
    });
}

#[test]
fn it_is_killed_with_all_that_it_started() {
    let bed = Bed::new();
    bed.run(async || {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        let everyone = nix::sys::stat::Mode::from_bits_truncate(0o666);
        nix::unistd::mkfifo(&fifo, everyone).unwrap();
        // The end of the fifo is the end of the last process that has it open.
        let mut reader = tokio::net::unix::pipe::OpenOptions::new().open_receiver(&fifo).unwrap();
        let text = format!("exec 3>{}; echo begun >&3; sleep 1000 & wait", fifo.display());
        let said = late(script(&text, "root"), at(REAL4, 80)).await;
        assert_eq!(said, "no exit within 300 ms");
        let mut all = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut reader, &mut all).await.unwrap();
        assert_eq!(all, "begun\n");
    });
}
