//! What can be asked, one typed method each.

use std::net::IpAddr;

use hyper::Method;
use hyper::body::Bytes;

use super::lines::Lines;
use super::paths::{
    check_path, events_path, filter, forced, real_path, router_path, service_path, trace_path,
};
use super::{Answer, Client};
use crate::api::wire;
use crate::command::{EventsOf, OnHandEdit, Wanted, WantedEvents};
use crate::config::model::Endpoint;
use crate::config::rules::check::MAX_TIME;

impl Client {
    /// The state of the daemon.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; so for every method.
    pub async fn status(&self) -> Answer<wire::Status> {
        self.get("/v1/status".to_owned()).await
    }

    /// Services and reals.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service.
    pub async fn list(&self, only: Option<Endpoint>) -> Answer<wire::List> {
        self.get(format!("/v1/services{}", filter(only))).await
    }

    /// The tracked connections.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service.
    pub async fn connections(&self, only: Option<Endpoint>) -> Answer<wire::Connections> {
        self.get(format!("/v1/connections{}", filter(only))).await
    }

    /// The definitions as they run: the text of a definition file.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn definition(&self) -> Answer<String> {
        let body = self.call(Method::GET, "/v1/definition".to_owned(), Bytes::new()).await?;
        String::from_utf8(body.into()).map_err(|_| self.strange("text that is not UTF-8"))
    }

    /// Adds a service without reals.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::Exists`] if it is there already.
    pub async fn add_service(
        &self,
        service: &wire::NewService,
        on_hand_edit: OnHandEdit,
    ) -> Answer<wire::Changes> {
        self.send(Method::POST, forced("/v1/services", on_hand_edit), service).await
    }

    /// Changes a service.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service.
    pub async fn edit_service(
        &self,
        endpoint: Endpoint,
        edit: &wire::ServiceEdit,
        on_hand_edit: OnHandEdit,
    ) -> Answer<wire::Changes> {
        self.send(Method::PATCH, forced(&service_path(endpoint), on_hand_edit), edit).await
    }

    /// Deletes a service and its reals.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service.
    pub async fn delete_service(
        &self,
        endpoint: Endpoint,
        on_hand_edit: OnHandEdit,
    ) -> Answer<wire::Changes> {
        self.act(Method::DELETE, forced(&service_path(endpoint), on_hand_edit)).await
    }

    /// Adds a real to a service.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service, [`wire::ErrorKind::Exists`] if
    /// the real is there already.
    pub async fn add_real(
        &self,
        endpoint: Endpoint,
        real: &wire::NewReal,
        on_hand_edit: OnHandEdit,
    ) -> Answer<wire::Changes> {
        let path = format!("{}/reals", service_path(endpoint));
        self.send(Method::POST, forced(&path, on_hand_edit), real).await
    }

    /// Changes a real's weight, or drains it, or puts it back.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service or real.
    pub async fn edit_real(
        &self,
        endpoint: Endpoint,
        address: IpAddr,
        edit: &wire::RealEdit,
        on_hand_edit: OnHandEdit,
    ) -> Answer<wire::Changes> {
        let path = real_path(endpoint, address);
        self.send(Method::PATCH, forced(&path, on_hand_edit), edit).await
    }

    /// Deletes a real from a service.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service or real.
    pub async fn delete_real(
        &self,
        endpoint: Endpoint,
        address: IpAddr,
        on_hand_edit: OnHandEdit,
    ) -> Answer<wire::Changes> {
        self.act(Method::DELETE, forced(&real_path(endpoint, address), on_hand_edit)).await
    }

    /// Checks the reals of a service now, or one of them, and says what was found. It takes as long
    /// as the slowest check.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service or real, and
    /// [`wire::ErrorKind::Refused`] if it is not checked.
    pub async fn check_now(
        &self,
        endpoint: Endpoint,
        only: Option<IpAddr>,
    ) -> Answer<wire::Checked> {
        let patient = self.clone().with_patience(self.patience + MAX_TIME);
        patient.act(Method::POST, check_path(endpoint, only)).await
    }

    /// Replaces all definitions by those of a definition file's text.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::Refused`] with line, column and path.
    pub async fn apply(&self, text: String, on_hand_edit: OnHandEdit) -> Answer<wire::Changes> {
        self.document(Method::PUT, forced("/v1/definition", on_hand_edit), text).await
    }

    /// What [`Client::apply`] would change.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn diff(&self, text: String) -> Answer<wire::Changes> {
        self.document(Method::POST, "/v1/definition/diff".to_owned(), text).await
    }

    /// Lets the daemon read its definition file again.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::Refused`] with line, column and path.
    pub async fn reload(&self) -> Answer<wire::Changes> {
        self.act(Method::POST, "/v1/reload".to_owned()).await
    }

    /// Deletes every service.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn clear(&self, on_hand_edit: OnHandEdit) -> Answer<wire::Changes> {
        self.act(Method::POST, forced("/v1/clear", on_hand_edit)).await
    }

    /// Sets all counters to zero.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn zero(&self) -> Answer<wire::Changes> {
        self.act(Method::POST, "/v1/zero".to_owned()).await
    }

    /// The virtual routers.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn vrrp(&self) -> Answer<wire::Vrrp> {
        self.get("/v1/vrrp".to_owned()).await
    }

    /// Leaves the addresses of a virtual router and its group, or of all, to another director.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is none of this name, or none at all.
    pub async fn hand_over(&self, instance: Option<&str>) -> Answer<wire::Vrrp> {
        self.act(Method::POST, router_path("handover", instance)).await
    }

    /// Has them take part again as before the handover.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn resume(&self, instance: Option<&str>) -> Answer<wire::Vrrp> {
        self.act(Method::POST, router_path("resume", instance)).await
    }

    /// Traces packets, for as long as the answer is kept.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service, [`wire::ErrorKind::Failed`] while
    /// another trace runs.
    pub async fn trace(&self, wanted: &Wanted) -> Answer<Lines<wire::TracedPacket>> {
        let response = self.begin(Method::GET, trace_path(wanted), Bytes::new()).await?;
        Ok(Lines::new(self.clone(), response))
    }

    /// What happened.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service or virtual router.
    pub async fn events(&self, only: EventsOf, count: Option<u64>) -> Answer<wire::Events> {
        self.get(events_path(&WantedEvents { only, count, follow: false })).await
    }

    /// What happened, at most the last `count` of it, and what happens, for as long as the answer
    /// is kept.
    ///
    /// # Errors
    ///
    /// [`wire::ErrorKind::NotFound`] if there is no such service or virtual router.
    pub async fn follow_events(
        &self,
        only: EventsOf,
        count: Option<u64>,
    ) -> Answer<Lines<wire::Event>> {
        let path = events_path(&WantedEvents { only, count, follow: true });
        let response = self.begin(Method::GET, path, Bytes::new()).await?;
        Ok(Lines::new(self.clone(), response))
    }
}
