//! What can be asked over HTTP: the one table behind the server and its description. Pure.

use lb_common::limits;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::wire;
use crate::config::store::MAX_BYTES;

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
    /// JSON of a type of [`wire`].
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// The text of a definition file.
    Definition,
    /// JSON of a type of [`wire`], again and again, each on a line.
    Lines(fn(&mut SchemaGenerator) -> Schema),
    /// An OpenAPI document.
    Description,
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

const ONLY: &[Parameter] = &[Parameter {
    name: "service",
    kind: "string",
    description: "Only this service, as `tcp/192.0.2.10:80` or `udp/[2001:db8::10]:53`.",
}];
const TRACE: &[Parameter] = &[
    ONLY[0],
    Parameter {
        name: "source",
        kind: "string",
        description: "Only packets from this address or network, as `198.51.100.0/24`.",
    },
    Parameter {
        name: "count",
        kind: "integer",
        description: "End after so many packets; without it, when the client goes.",
    },
    Parameter {
        name: "every",
        kind: "integer",
        description: "Only one of so many packets, on each CPU.",
    },
];
const FORCE: &[Parameter] = &[Parameter {
    name: "force",
    kind: "boolean",
    description: "Write over a definition file that was edited by hand since it was read.",
}];

const SERVICES: &str = "/v1/services";
const SERVICE: &str = "/v1/services/{protocol}/{endpoint}";
const REALS: &str = "/v1/services/{protocol}/{endpoint}/reals";
const REAL: &str = "/v1/services/{protocol}/{endpoint}/reals/{address}";

const fn json<T: JsonSchema>() -> Body {
    Body::Json(SchemaGenerator::subschema_for::<T>)
}

const fn reads(path: &'static str, operation: Operation, summary: &'static str) -> Route {
    Route {
        method: Method::Get,
        path,
        operation,
        summary,
        query: &[],
        request: Body::Empty,
        response: Body::Empty,
    }
}

const fn changes(
    method: Method,
    path: &'static str,
    operation: Operation,
    summary: &'static str,
    request: Body,
) -> Route {
    Route {
        method,
        path,
        operation,
        summary,
        query: FORCE,
        request,
        response: json::<wire::Changes>(),
    }
}

/// Every route of the daemon.
pub const ROUTES: &[Route] = &[
    Route {
        response: json::<wire::Status>(),
        ..reads("/v1/status", Operation::Status, "The state of the daemon")
    },
    Route {
        query: ONLY,
        response: json::<wire::List>(),
        ..reads(SERVICES, Operation::List, "Services and reals, with counters")
    },
    Route {
        query: ONLY,
        response: json::<wire::Connections>(),
        ..reads("/v1/connections", Operation::Connections, "The tracked connections")
    },
    Route {
        query: TRACE,
        response: Body::Lines(SchemaGenerator::subschema_for::<wire::TracedPacket>),
        ..reads(
            "/v1/trace",
            Operation::Trace,
            "Packets as they come, and what becomes of them, one JSON object a line; one client at \
             a time",
        )
    },
    Route {
        response: Body::Definition,
        ..reads("/v1/definition", Operation::Definition, "The definitions as they run")
    },
    Route {
        response: Body::Description,
        ..reads("/v1/openapi.json", Operation::OpenApi, "This document")
    },
    changes(
        Method::Post,
        SERVICES,
        Operation::AddService,
        "Add a service without reals",
        json::<wire::NewService>(),
    ),
    changes(
        Method::Patch,
        SERVICE,
        Operation::EditService,
        "Change a service",
        json::<wire::ServiceEdit>(),
    ),
    changes(
        Method::Delete,
        SERVICE,
        Operation::DeleteService,
        "Delete a service and its reals",
        Body::Empty,
    ),
    changes(
        Method::Post,
        REALS,
        Operation::AddReal,
        "Add a real to a service",
        json::<wire::NewReal>(),
    ),
    changes(
        Method::Patch,
        REAL,
        Operation::EditReal,
        "Change a real's weight, or drain it, or put it back",
        json::<wire::RealEdit>(),
    ),
    changes(
        Method::Delete,
        REAL,
        Operation::DeleteReal,
        "Delete a real from a service",
        Body::Empty,
    ),
    changes(
        Method::Put,
        "/v1/definition",
        Operation::Apply,
        "Replace all definitions",
        Body::Definition,
    ),
    changes(Method::Post, "/v1/clear", Operation::Clear, "Delete every service", Body::Empty),
    Route {
        query: &[],
        ..changes(
            Method::Post,
            "/v1/definition/diff",
            Operation::Diff,
            "What replacing all definitions would change",
            Body::Definition,
        )
    },
    Route {
        query: &[],
        ..changes(
            Method::Post,
            "/v1/reload",
            Operation::Reload,
            "Read the definition file again and apply the difference",
            Body::Empty,
        )
    },
    Route {
        query: &[],
        ..changes(
            Method::Post,
            "/v1/zero",
            Operation::Zero,
            "Set all counters to zero",
            Body::Empty,
        )
    },
];
