//! The probes of checks against the servers that they are for, and against servers that do wrong.
//! Needs root; makes its own network namespaces.

#[cfg(test)]
mod bed;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod dns;
#[cfg(test)]
mod exec;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod faulty;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod http;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod nginx;
#[cfg(test)]
mod packets;
#[cfg(test)]
mod smtp;
#[cfg(test)]
mod tls;
