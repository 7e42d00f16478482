//! How long a stream kept its CPU busy, whatever else the machine did meanwhile.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where a thread finds its own accounts.
const OWN: &str = "/proc/thread-self/schedstat";

/// A running measurement of the calling thread.
pub(super) struct Clock {
    begin: Instant,
    own: Account,
    /// The thread of the kernel that forwards frames when there are too many of them at once.
    ksoftirqd: Option<PathBuf>,
    helped: Account,
}

/// The first two figures of a `schedstat` file, both nothing where the kernel keeps none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Account {
    /// Time on a CPU.
    ran: Duration,
    /// Time in which it could have run, and others did.
    waited: Duration,
}

impl Clock {
    /// Starts in a thread that stays on this CPU.
    pub(super) fn start(cpu: usize) -> Self {
        let ksoftirqd = find_ksoftirqd(cpu);
        let helped = ksoftirqd.as_deref().map(Account::read).unwrap_or_default();
        let own = Account::read(Path::new(OWN));
        Self { begin: Instant::now(), own, ksoftirqd, helped }
    }

    /// The time since, without that in which other threads had the CPU, ksoftirqd excepted. The
    /// thread's own CPU time would not do: some kernels do not count in it what is done in
    /// interrupts on its behalf (CONFIG_IRQ_TIME_ACCOUNTING), and that is all the forwarding.
    pub(super) fn elapsed(&self) -> Duration {
        let wall = self.begin.elapsed();
        let waited = Account::read(Path::new(OWN)).waited.saturating_sub(self.own.waited);
        let helped = self.ksoftirqd.as_deref().map(Account::read).unwrap_or_default();
        busy(wall, waited, helped.ran.saturating_sub(self.helped.ran))
    }
}

/// While ksoftirqd ran the thread waited, if it was not asleep.
fn busy(wall: Duration, waited: Duration, helped: Duration) -> Duration {
    wall.saturating_sub(waited) + helped.min(waited)
}

impl Account {
    fn read(path: &Path) -> Self {
        fs::read_to_string(path).ok().and_then(|text| Self::parse(&text)).unwrap_or_default()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace().map(str::parse);
        let mut next = || Some(Duration::from_nanos(words.next()?.ok()?));
        Some(Self { ran: next()?, waited: next()? })
    }
}

fn find_ksoftirqd(cpu: usize) -> Option<PathBuf> {
    let name = format!("ksoftirqd/{cpu}");
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let mut folders = processes.map(|entry| entry.path());
    let found = folders.find(|folder| {
        fs::read_to_string(folder.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
    })?;
    Some(found.join("schedstat"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn the_time_of_others_does_not_count_but_that_of_the_helper_does() {
        assert_eq!(busy(ms(100), ms(0), ms(0)), ms(100));
        assert_eq!(busy(ms(100), ms(40), ms(0)), ms(60));
        assert_eq!(busy(ms(100), ms(40), ms(10)), ms(70));
        assert_eq!(busy(ms(100), ms(40), ms(50)), ms(100));
    }

    #[test]
    fn accounts_are_read_as_the_kernel_writes_them() {
        let account = Account { ran: Duration::from_nanos(528), waited: Duration::from_nanos(60) };
        assert_eq!(Account::parse("528 60 13063\n"), Some(account));
        assert_eq!(Account::parse("528\n"), None);
    }
}
