//! What can be asked over HTTP: the one table behind the server and its description. Pure.

use lb_common::limits;
use schemars::{Schema, SchemaGenerator};

use crate::config::store::MAX_BYTES;

mod table;

pub use table::ROUTES;

/// What a route does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// The state of the daemon.
    Status,
    /// Services and reals.
    List,
    /// Add a service.
    AddService,
    /// Change a service.
    EditService,
    /// Delete a service and its reals.
    DeleteService,
    /// Add a real.
    AddReal,
    /// Change a real.
    EditReal,
    /// Delete a real.
    DeleteReal,
    /// Check the reals of a service now.
    CheckNow,
    /// The tracked connections.
    Connections,
    /// The definitions as they run.
    Definition,
    /// Replace all definitions.
    Apply,
    /// What replacing all definitions would change.
    Diff,
    /// Read the definition file again.
    Reload,
    /// Delete every service.
    Clear,
    /// Set all counters to zero.
    Zero,
    /// Packets as they come, and what becomes of them.
    Trace,
    /// What happened.
    Events,
    /// All that is measured.
    Metrics,
    /// The virtual routers.
    Vrrp,
    /// Leave the addresses of a virtual router to another director.
    Handover,
    /// Take part again as before the handover.
    Resume,
    /// This interface, described.
    OpenApi,
}

/// An HTTP method.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Method {
    /// Read.
    Get,
    /// Add or act.
    Post,
    /// Replace.
    Put,
    /// Change in part.
    Patch,
    /// Delete.
    Delete,
}

impl Method {
    /// Its key in an OpenAPI document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// What a body holds.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON of a type of [`wire`](super::wire).
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// The text of a definition file.
    Definition,
    /// JSON of a type of [`wire`](super::wire), again and again, each on a line.
    Lines(fn(&mut SchemaGenerator) -> Schema),
    /// The first as JSON or, where that is asked for, the second again and again, each on a line.
    JsonOrLines(fn(&mut SchemaGenerator) -> Schema, fn(&mut SchemaGenerator) -> Schema),
    /// An OpenAPI document.
    Description,
    /// OpenMetrics text.
    Metrics,
}

/// A parameter of the query string.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its JSON type.
    pub kind: &'static str,
    /// What it does.
    pub description: &'static str,
}

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The HTTP method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// What it does.
    pub operation: Operation,
    /// The same in words.
    pub summary: &'static str,
    /// What the query string may hold; anything else is refused.
    pub query: &'static [Parameter],
    /// What is sent.
    pub request: Body,
    /// What is answered with status 200.
    pub response: Body,
}

impl Route {
    /// The names of the path's parameters, in order.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The longest body that is read, in bytes.
    pub const fn body_limit(&self) -> usize {
        match (self.request, self.operation) {
            (Body::Definition, _) => MAX_BYTES,
            (_, Operation::AddService | Operation::EditService) => SERVICE_BYTES,
            _ => PLAIN_BYTES,
        }
    }
}

const PLAIN_BYTES: usize = 64 << 10;

/// Room for all prefixes of sources there can be: the longest in quotes has 46 characters, commas
/// and blanks come on top.
const SERVICE_BYTES: usize = PLAIN_BYTES + 50 * limits::DEFAULT_SOURCES as usize;
