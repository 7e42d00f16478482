//! The table of routes.

use schemars::{JsonSchema, SchemaGenerator};

use super::{Body, Method, Operation, Parameter, Route};
use crate::api::wire;

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
const EVENTS: &[Parameter] = &[
    ONLY[0],
    Parameter {
        name: "instance",
        kind: "string",
        description: "Only this virtual router and its group.",
    },
    Parameter {
        name: "count",
        kind: "integer",
        description: "No more than so many of the past; without it all of them, or none with \
                      follow.",
    },
    Parameter {
        name: "follow",
        kind: "boolean",
        description: "Then those that come, one JSON object a line, until the client goes.",
    },
];
const FORCE: &[Parameter] = &[Parameter {
    name: "force",
    kind: "boolean",
    description: "Write over a definition file that was edited by hand since it was read.",
}];

const ONE_REAL: &[Parameter] = &[Parameter {
    name: "real",
    kind: "string",
    description: "Only this real of the service, by its address.",
}];

const ONE_ROUTER: &[Parameter] = &[Parameter {
    name: "instance",
    kind: "string",
    description: "Only this virtual router, with those of its group.",
}];

const SERVICES: &str = "/v1/services";
const SERVICE: &str = "/v1/services/{protocol}/{endpoint}";
const REALS: &str = "/v1/services/{protocol}/{endpoint}/reals";
const CHECK: &str = "/v1/services/{protocol}/{endpoint}/check";
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
        query: EVENTS,
        response: Body::JsonOrLines(
            SchemaGenerator::subschema_for::<wire::Events>,
            SchemaGenerator::subschema_for::<wire::Event>,
        ),
        ..reads("/v1/events", Operation::Events, "What happened, the oldest first")
    },
    Route {
        response: Body::Metrics,
        ..reads("/v1/metrics", Operation::Metrics, "All that is measured, for Prometheus")
    },
    Route {
        response: json::<wire::Vrrp>(),
        ..reads("/v1/vrrp", Operation::Vrrp, "The virtual routers, and what was counted of them")
    },
    Route {
        method: Method::Post,
        query: ONE_ROUTER,
        response: json::<wire::Vrrp>(),
        ..reads(
            "/v1/vrrp/handover",
            Operation::Handover,
            "Leave the addresses to another director, for as long as there is one; how things \
             stand once that was said",
        )
    },
    Route {
        method: Method::Post,
        query: ONE_ROUTER,
        response: json::<wire::Vrrp>(),
        ..reads("/v1/vrrp/resume", Operation::Resume, "Take part again as before the handover")
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
        "Change a real's weight, or drain or disable it, or put it back",
        json::<wire::RealEdit>(),
    ),
    changes(
        Method::Delete,
        REAL,
        Operation::DeleteReal,
        "Delete a real from a service",
        Body::Empty,
    ),
    Route {
        method: Method::Post,
        query: ONE_REAL,
        response: json::<wire::Checked>(),
        ..reads(CHECK, Operation::CheckNow, "Check the reals of a service now")
    },
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
