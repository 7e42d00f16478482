//! What a director's virtual routers do.

use std::time::Duration;

use lb_ctl::api::client::Client;
use lb_ctl::api::wire::{Vrrp, VrrpInstance};

use super::{Director, LabError, wait_until};

/// How long a role may take to come, with adverts of a second.
const LIMIT: Duration = Duration::from_secs(20);

impl Director {
    /// Everything that is known of the virtual routers. Asked for without a process of its own:
    /// who waits for a role asks often.
    ///
    /// # Errors
    ///
    /// The daemon does not say.
    pub fn vrrp(&self) -> Result<Vrrp, LabError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(LabError::io("start a runtime for a request"))?;
        runtime.block_on(Client::new(self.socket()).vrrp()).map_err(|error| LabError::Output {
            command: "GET /v1/vrrp".to_owned(),
            reason: error.to_string(),
        })
    }

    /// The virtual router of this name, where there is one.
    ///
    /// # Errors
    ///
    /// The daemon does not say.
    pub fn router(&self, instance: &str) -> Result<Option<VrrpInstance>, LabError> {
        Ok(self.vrrp()?.instances.into_iter().find(|router| router.name == instance))
    }

    /// Waits until a virtual router is in this state, as `MASTER`.
    ///
    /// # Errors
    ///
    /// It is not, for a long time; the daemon's log is printed.
    pub fn wait_for_role(&self, instance: &str, state: &str) -> Result<(), LabError> {
        let what = format!("lb-ctl's {instance} to be {state}");
        let is_in = |router: VrrpInstance| router.state.name() == state;
        let waited = wait_until(&what, LIMIT, || Ok(self.router(instance)?.is_some_and(is_in)));
        waited.inspect_err(|_| eprintln!("the daemon's log:\n{}", self.log()))
    }
}
