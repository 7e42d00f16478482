//! The bed: two directors, and what answers at the addresses that move.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::FailoverError;
use crate::lab::{Echo, Host, Lab, VIP4, find_lb_ctl, setup_reals};

/// Where the directors themselves answer.
pub const HELD: SocketAddr = SocketAddr::new(IpAddr::V4(VIP4), 7);

/// Where the reals answer.
pub const SERVED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 11)), 7);

/// Real servers.
const REALS: u8 = 2;

/// The bed. Dropping it takes everything away.
#[derive(Debug)]
pub struct World {
    // Dropped before the machines that they are on.
    _echoes: Vec<Echo>,
    /// The machines.
    pub lab: Lab,
    /// The lb-ctl to measure.
    pub lb_ctl: PathBuf,
}

impl World {
    /// Builds it. Nobody has the addresses yet.
    ///
    /// # Errors
    ///
    /// A step of the bed fails, or there is no such lb-ctl.
    pub fn build(lb_ctl: &Path) -> Result<Self, FailoverError> {
        let lb_ctl = find_lb_ctl(lb_ctl)?;
        let lab = Lab::builder().reals(REALS).second_director().build()?;
        setup_reals(&lab, &lb_ctl, &[SERVED.ip()])?;
        let directors = [&lab.director].into_iter().chain(&lab.second_director);
        let held = directors.map(|director| Echo::udp(director, HELD));
        let served = lab.reals.iter().map(|real| Echo::udp(real, SERVED));
        let echoes = held.chain(served).collect::<Result<_, _>>()?;
        Ok(Self { _echoes: echoes, lab, lb_ctl })
    }

    /// The director that is master at first, and the one that takes over.
    ///
    /// # Panics
    ///
    /// Never: the bed was built with both.
    pub fn directors(&self) -> [&Host; 2] {
        let second = self.lab.second_director.as_ref();
        [&self.lab.director, second.expect("the bed has two directors")]
    }

    /// Makes the bed as it was built: cables whole, and nobody remembers who had the addresses.
    ///
    /// # Errors
    ///
    /// The bed's commands fail.
    pub fn restore(&self) -> Result<(), FailoverError> {
        self.lab.mend(&self.lab.director, 0)?;
        for address in [HELD, SERVED] {
            let line = format!("neighbour flush to {} dev eth0\n", address.ip());
            self.lab.client.namespace.ip(&line)?;
        }
        Ok(())
    }
}
