//! An ICMP echo.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU16, Ordering};

use super::deadline::Deadline;
use super::failure::Failure;
use super::socket::Dial;

/// The number of the next request.
static NEXT: AtomicU16 = AtomicU16::new(0);

pub(super) async fn probe(dial: &Dial, deadline: &Deadline) -> Result<(), Failure> {
    let sequence = NEXT.fetch_add(1, Ordering::Relaxed);
    // Identifiers and numbers come again; a late reply to an earlier request is known by this.
    let token = RandomState::new().hash_one(sequence).to_be_bytes();
    let exchange = async {
        let socket = dial.icmp()?;
        socket.send(sequence, &token).await?;
        while socket.receive().await? != (sequence, token.to_vec()) {}
        Ok(())
    };
    let result = deadline.within("echo reply", exchange).await?;
    result.map_err(|error: std::io::Error| Failure::of_io(&error))
}
