//! What parses, and what is wrong usage.

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

fn refused(line: &str) -> ErrorKind {
    parse(line).expect_err(line).kind()
}

#[test]
fn clap_finds_no_fault() {
    Cli::command().debug_assert();
}

#[test]
fn every_example_parses() {
    for line in example::ALL {
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line));
    }
}

#[test]
fn every_verb_shows_an_example_of_itself() {
    fn walk(command: &clap::Command, path: &str) {
        for verb in command.get_subcommands() {
            let path = format!("{path} {}", verb.get_name());
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&path), "{path}: {help:?}");
            walk(verb, &path);
        }
    }
    walk(&Cli::command(), "lb-ctl");
}

#[test]
fn letters_and_long_flags_are_the_same() {
    let short = parse("lb-ctl add-real -t 192.0.2.10:80 -r 192.0.2.21 -w 2").unwrap();
    let pairs = [
        "lb-ctl add-real --tcp 192.0.2.10:80 --real 192.0.2.21 --weight 2",
        "lb-ctl add-real --tcp-service 192.0.2.10:80 --real-server 192.0.2.21 --weight=2",
    ];
    for long in pairs {
        assert_eq!(format!("{:?}", parse(long).unwrap()), format!("{short:?}"));
    }
    for verb in ["add-real", "edit-real"] {
        assert!(parse(&format!("lb-ctl {verb} -t 192.0.2.10:80 -r 192.0.2.21 -g -w 2")).is_ok());
    }
    let short = parse("lb-ctl add-service -u 192.0.2.10:53 -s mh -p -M 32").unwrap();
    let long = "lb-ctl add-service --udp 192.0.2.10:53 --scheduler mh --persistent --netmask 32";
    assert_eq!(format!("{:?}", parse(long).unwrap()), format!("{short:?}"));
    assert!(parse("lb-ctl add-service -p 60 -t 192.0.2.10:80").is_ok());
    for id in PropertyArgs::IDS {
        let flag = id.replace('_', "-");
        let line = format!("lb-ctl edit-service -t 192.0.2.10:80 --{flag} x");
        assert!(parse(&line).is_ok(), "{line} is enough to change");
    }
}

#[test]
fn global_flags_stand_before_and_after_the_verb() {
    for line in ["lb-ctl -o json --socket /s list", "lb-ctl list -o json --socket /s"] {
        let cli = parse(line).unwrap();
        assert_eq!((cli.output, cli.socket), (Format::Json, PathBuf::from("/s")));
    }
}

#[test]
fn wrong_usage() {
    let missing = ErrorKind::MissingRequiredArgument;
    assert_eq!(refused("lb-ctl add-service"), missing);
    assert_eq!(refused("lb-ctl delete-real -t 192.0.2.10:80"), missing);
    assert_eq!(refused("lb-ctl edit-real -t 192.0.2.10:80 -r 192.0.2.21"), missing);
    assert_eq!(refused("lb-ctl edit-service -t 192.0.2.10:80"), missing);
    assert_eq!(refused("lb-ctl drain -t a -r b --timeout 3"), missing);
    assert_eq!(refused("lb-ctl disable-real -t 192.0.2.10:80"), missing);
    assert_eq!(refused("lb-ctl check-now -r 192.0.2.21"), missing);
    assert_eq!(refused("lb-ctl add-service -t a -u b"), ErrorKind::ArgumentConflict);
    assert_eq!(refused("lb-ctl list --stats --rate"), ErrorKind::ArgumentConflict);
    assert_eq!(refused("lb-ctl list -t a -u b"), ErrorKind::ArgumentConflict);
    assert_eq!(refused("lb-ctl list --stats --reasons"), ErrorKind::ArgumentConflict);
    assert_eq!(refused("lb-ctl events -t a --instance b"), ErrorKind::ArgumentConflict);
    assert_eq!(refused("lb-ctl vrrp"), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    assert_eq!(refused("lb-ctl vrrp handover --no-wait --timeout 3"), ErrorKind::ArgumentConflict);
    assert_eq!(refused("lb-ctl trace --force"), missing);
    assert_eq!(refused("lb-ctl trace --count 0"), ErrorKind::ValueValidation);
    assert_eq!(refused("lb-ctl list --colour"), ErrorKind::UnknownArgument);
    assert_eq!(refused("lb-ctl frobnicate"), ErrorKind::InvalidSubcommand);
    assert_eq!(refused("lb-ctl list -o xml"), ErrorKind::InvalidValue);
    assert_eq!(refused("lb-ctl daemon --max-reals 0"), ErrorKind::ValueValidation);
}

#[test]
fn values_are_left_to_validation() {
    for weight in ["70000", "-1", "x"] {
        let line = format!("lb-ctl add-real -t nonsense -r nonsense -w {weight}");
        assert!(parse(&line).is_ok(), "{line}");
    }
}
