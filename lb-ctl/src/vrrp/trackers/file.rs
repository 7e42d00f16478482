//! A file that is not to be there: the flag of who works on a director.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Teller;
use crate::vrrp::track::Fact;

/// From look to look.
const PERIOD: Duration = Duration::from_millis(250);

/// Looks for a file again and again, and tells what is new.
pub(super) async fn follow(path: PathBuf, mut teller: Teller) {
    let mut looks = interval(PERIOD);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut complained = false;
    loop {
        looks.tick().await;
        // Links are not followed: who puts one there means it, wherever it leads to, and the file
        // system that it leads to may be one that no longer answers.
        match judge(tokio::fs::symlink_metadata(&path).await) {
            Ok(fact) => {
                complained = false;
                teller.tell(fact);
            }
            Err(error) => {
                teller.complain(&mut complained, &error);
                // A flag that was never seen is not set. Were it otherwise, a disk that fails would
                // put all directors that look at it at fault.
                let known = teller.told.clone();
                teller.tell(known.unwrap_or(Fact::Works));
            }
        }
    }
}

/// What a look says.
///
/// # Errors
/// It says nothing: the file may be there or not.
fn judge<T>(looked: io::Result<T>) -> io::Result<Fact> {
    match looked {
        Ok(_) => Ok(Fact::Fails { why: "is there".to_owned() }),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(Fact::Works),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_surely_there_or_not_is_known() {
        let is_there = Fact::Fails { why: "is there".to_owned() };
        assert_eq!(judge(Ok(())).unwrap(), is_there);
        for kind in [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory] {
            assert_eq!(judge::<()>(Err(kind.into())).unwrap(), Fact::Works);
        }
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::Other] {
            assert!(judge::<()>(Err(kind.into())).is_err());
        }
    }
}
