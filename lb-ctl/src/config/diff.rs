//! What would change from one desired state to another, for people and for machines.

use std::net::IpAddr;

use super::model::{Desired, Real, Service};

mod change;
mod notify;
mod property;
mod service;
mod vrrp;

pub use change::{Action, Change, Object, ServiceId};
pub use property::{Field, Properties};

/// All that differs from `old` to `new`: what goes first, then what changes and what comes, in
/// the order of `new`. The order of services, reals and interfaces itself is no difference.
pub fn diff(old: &Desired, new: &Desired) -> Vec<Change> {
    let mut changes = Vec::new();
    let interface = |name: &String| Object::Interface { interface: name.clone() };
    for name in old.interfaces.iter().filter(|name| !new.interfaces.contains(name)) {
        changes.push(remove(interface(name), Properties::default()));
    }
    for (endpoint, service) in &old.services {
        match new.services.get(endpoint) {
            None => whole_service(service, remove, &mut changes),
            Some(kept) => removed_reals(service, kept, &mut changes),
        }
    }
    changes.extend(vrrp::removed(old, new));
    for name in new.interfaces.iter().filter(|name| !old.interfaces.contains(name)) {
        changes.push(add(interface(name), Properties::default()));
    }
    for (endpoint, service) in &new.services {
        match old.services.get(endpoint) {
            None => whole_service(service, add, &mut changes),
            Some(earlier) => changed_service(earlier, service, &mut changes),
        }
    }
    changes.extend(vrrp::added_and_changed(old, new));
    let fields = notify::fields(&old.notify, &new.notify);
    if !fields.is_empty() {
        changes.push(Change { action: Action::Change { fields }, object: Object::Notify });
    }
    changes
}

const fn add(object: Object, properties: Properties) -> Change {
    Change { action: Action::Add(properties), object }
}

const fn remove(object: Object, properties: Properties) -> Change {
    Change { action: Action::Remove(properties), object }
}

fn whole_service(
    service: &Service,
    make: fn(Object, Properties) -> Change,
    changes: &mut Vec<Change>,
) {
    let properties = service::properties(service);
    changes.push(make(Object::Service(service.endpoint.into()), properties));
    for (address, real) in &service.reals {
        changes.push(make(real_object(service, *address), real_properties(*real)));
    }
}

fn removed_reals(old: &Service, new: &Service, changes: &mut Vec<Change>) {
    for (address, real) in old.reals.iter().filter(|(address, _)| !new.reals.contains_key(*address))
    {
        changes.push(remove(real_object(old, *address), real_properties(*real)));
    }
}

fn changed_service(old: &Service, new: &Service, changes: &mut Vec<Change>) {
    let fields = service::fields(old, new);
    if !fields.is_empty() {
        let object = Object::Service(new.endpoint.into());
        changes.push(Change { action: Action::Change { fields }, object });
    }
    for (address, real) in &new.reals {
        let object = real_object(new, *address);
        match old.reals.get(address) {
            None => changes.push(add(object, real_properties(*real))),
            Some(earlier) if earlier == real => {}
            Some(earlier) => {
                let fields = real_fields(*earlier, *real);
                changes.push(Change { action: Action::Change { fields }, object });
            }
        }
    }
}

fn real_fields(old: Real, new: Real) -> Vec<Field> {
    let mut fields = Vec::new();
    if old.weight != new.weight {
        fields.push(Field::Weight { from: old.weight, to: new.weight });
    }
    if old.drained != new.drained {
        fields.push(Field::Drain { from: old.drained, to: new.drained });
    }
    if old.disabled != new.disabled {
        fields.push(Field::Disable { from: old.disabled, to: new.disabled });
    }
    fields
}

fn real_object(service: &Service, address: IpAddr) -> Object {
    Object::Real { address, service: service.endpoint.into() }
}

fn real_properties(real: Real) -> Properties {
    Properties {
        weight: Some(real.weight),
        drain: Some(real.drained),
        disable: real.disabled.then_some(true),
        ..Properties::default()
    }
}

#[cfg(test)]
mod tests;
