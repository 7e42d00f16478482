//! The program's own diagnostics, forwarded to the daemon's log.

#![expect(unsafe_code, reason = "tokio wants a word about the descriptor's owner")]

use aya::Ebpf;
use aya_log::EbpfLogger;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Forwards what the program logs, for as long as the runtime lives. Outside a runtime (in tests
/// that only run packets) nothing is forwarded.
pub(super) fn forward(ebpf: &mut Ebpf) {
    if tokio::runtime::Handle::try_current().is_err() {
        return;
    }
    let logger = match EbpfLogger::init(ebpf) {
        Ok(logger) => logger,
        Err(error) => {
            tracing::warn!("the program's own messages will not be seen: {error}");
            return;
        }
    };
    // SAFETY: the logger owns its ring buffer's descriptor and keeps it until it is dropped.
    let registered = unsafe { AsyncFd::register_with_interest(logger, Interest::READABLE) };
    let Ok(mut logger) = registered else {
        tracing::warn!("the program's own messages will not be seen: no room in the event loop");
        return;
    };
    tokio::spawn(async move {
        while let Ok(mut guard) = logger.readable_mut().await {
            guard.get_inner_mut().flush();
            guard.clear_ready();
        }
    });
}
