//! A TCP connection: that it comes about is enough.

use super::deadline::Deadline;
use super::failure::Failure;
use super::socket::Dial;

pub(super) async fn probe(dial: &Dial, deadline: &Deadline) -> Result<(), Failure> {
    deadline.connect(dial).await.map(drop)
}
