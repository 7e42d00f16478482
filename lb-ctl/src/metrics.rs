//! What is counted and measured, as Prometheus reads it. Pure but for [`server`].

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::api::wire::{ReasonCount, Stats, Sync};
use crate::config::model::Endpoint;
use crate::event::EventKind;
use crate::notify::dropped::Medium;
use crate::vrrp::status::VrrpStatus;

pub mod server;
mod sync;
mod vrrp;

/// The media type of [`Sample::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All there is to measure, at one time.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// The services, in the order of the definitions.
    pub services: Vec<ServiceSample>,
    /// Packets by verdict and reason.
    pub packets: Vec<ReasonCount>,
    /// Entries in the tables of connections.
    pub connections: u64,
    /// The definition file cannot be used, and the last good state runs on.
    pub is_stale: bool,
    /// Events of each kind since the daemon started.
    pub events: Vec<(EventKind, u64)>,
    /// Events that scripts, mail and webhooks did not tell of.
    pub dropped: Vec<(Medium, u64)>,
    /// The virtual routers, in the order of the definitions.
    pub vrrp: Vec<VrrpStatus>,
    /// What passes between directors, where there are several.
    pub sync: Option<Sync>,
}

/// A service and its reals.
#[derive(Clone, Debug)]
pub struct ServiceSample {
    /// What names it.
    pub endpoint: Endpoint,
    /// Its name for people.
    pub name: Option<String>,
    /// Its counters.
    pub stats: Stats,
    /// Its reals.
    pub reals: Vec<RealSample>,
}

/// A real of a service.
#[derive(Clone, Copy, Debug)]
pub struct RealSample {
    /// Its address.
    pub address: IpAddr,
    /// The weight that counts: 0 while it is drained.
    pub weight: u16,
    /// It is there, and its check, where it has one, says nothing against it.
    pub is_up: bool,
    /// Its counters.
    pub stats: Stats,
    /// How often its check succeeded and failed; `None` where it is not checked.
    pub checks: Option<(u64, u64)>,
}

impl Sample {
    /// As OpenMetrics text, with the end mark.
    #[expect(clippy::missing_panics_doc, reason = "it cannot panic")]
    pub fn text(self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        encode(&mut text, &registry).expect("writing to a string does not fail");
        text
    }

    /// What services are called: their names, or what names them where that is not one's alone.
    fn labels(&self) -> Vec<String> {
        let mut uses: HashMap<&str, u32> = HashMap::new();
        for name in self.services.iter().filter_map(|service| service.name.as_deref()) {
            *uses.entry(name).or_default() += 1;
        }
        let label = |service: &ServiceSample| match &service.name {
            Some(name) if uses[name.as_str()] == 1 => name.clone(),
            _ => service.endpoint.to_string(),
        };
        self.services.iter().map(label).collect()
    }

    fn encode_services(&self, out: &mut Families<'_>, labels: &[String]) -> fmt::Result {
        let rows = |value: fn(&Stats) -> u64| {
            labels.iter().zip(&self.services).map(move |(label, service)| {
                let Endpoint { protocol, address, port } = service.endpoint;
                let labels = [
                    ("service", label.clone()),
                    ("vip", address.to_string()),
                    ("port", port.to_string()),
                    ("protocol", protocol.name().to_owned()),
                ];
                (labels, value(&service.stats))
            })
        };
        out.counter("lbctl_service_connections", "Connections begun", rows(|s| s.connections))?;
        out.counter("lbctl_service_packets", "Packets from clients", rows(|s| s.packets))?;
        out.counter("lbctl_service_bytes", "Bytes from clients", rows(|s| s.bytes))
    }

    fn encode_reals(&self, out: &mut Families<'_>, labels: &[String]) -> fmt::Result {
        let reals = || {
            let services = labels.iter().zip(&self.services);
            services.flat_map(|(label, service)| {
                service.reals.iter().map(move |real| {
                    ([("service", label.clone()), ("real", real.address.to_string())], real)
                })
            })
        };
        let rows = |value: fn(&RealSample) -> u64| {
            reals().map(move |(labels, real)| (labels, value(real)))
        };
        let count = rows(|real| real.stats.connections);
        out.counter("lbctl_real_connections", "Connections given to the real", count)?;
        let count = rows(|real| real.stats.packets);
        out.counter("lbctl_real_packets", "Packets given to the real", count)?;
        let count = rows(|real| real.stats.bytes);
        out.counter("lbctl_real_bytes", "Bytes given to the real", count)?;
        let help = "Whether the real is there and not down by its check";
        out.gauge("lbctl_real_up", help, rows(|real| real.is_up.into()))?;
        out.gauge("lbctl_real_weight", "The real's weight", rows(|real| real.weight.into()))?;
        let checks = reals().filter_map(|(labels, real)| Some((labels, real.checks?)));
        let results = checks.flat_map(|([service, real], (successes, failures))| {
            [("success", successes), ("failure", failures)].map(|(result, count)| {
                ([service.clone(), real.clone(), ("result", result.to_owned())], count)
            })
        });
        out.counter("lbctl_health_checks", "Probes of the real", results)
    }

    fn encode_daemon(&self, out: &mut Families<'_>) -> fmt::Result {
        let packets = self.packets.iter().map(|count| {
            ([("verdict", count.verdict.clone()), ("reason", count.reason.clone())], count.packets)
        });
        out.counter("lbctl_packets", "Packets by what became of them, and why", packets)?;
        let help = "Connections that are remembered";
        out.value("lbctl_connections_entries", help, self.connections)?;
        let help = "Whether the definition file cannot be used";
        out.value("lbctl_config_stale", help, self.is_stale.into())?;
        let events = self.events.iter().map(|(kind, count)| ([("kind", kind.name())], *count));
        out.counter("lbctl_events", "Events since the daemon started", events)?;
        let dropped = self.dropped.iter().map(|(by, count)| ([("medium", by.name())], *count));
        let help = "Events that were not told, by whom they would have been";
        out.counter("lbctl_notify_dropped", help, dropped)?;
        out.info("lbctl_build", "The daemon's version", env!("CARGO_PKG_VERSION"))
    }
}

impl Collector for Sample {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Families(encoder);
        let labels = self.labels();
        self.encode_services(&mut out, &labels)?;
        self.encode_reals(&mut out, &labels)?;
        vrrp::encode(&self.vrrp, &mut out)?;
        if let Some(sync) = &self.sync {
            sync::encode(sync, &mut out)?;
        }
        self.encode_daemon(&mut out)
    }
}

/// Where families of metrics go.
struct Families<'a>(DescriptorEncoder<'a>);

type Labels<V, const N: usize> = [(&'static str, V); N];

impl Families<'_> {
    /// A counter; `_total` is added to its name.
    fn counter<V: AsRef<str>, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels<V, N>, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in rows {
            let labels = labels.each_ref().map(|(key, value)| (*key, value.as_ref()));
            ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn gauge<V: AsRef<str>, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels<V, N>, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in rows {
            let labels = labels.each_ref().map(|(key, value)| (*key, value.as_ref()));
            gauge(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// A gauge of one value, without labels.
    fn value(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        gauge(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    /// A version; `_info` is added to its name.
    fn info(&mut self, name: &str, help: &str, version: &str) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Info)?;
        family.encode_info(&[("version", version)])
    }
}

fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

#[cfg(test)]
#[path = "metrics/tests.rs"]
mod tests;
