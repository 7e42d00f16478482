//! The kernel's tables as the controller sees and changes them. Needs root; makes its own network
//! namespaces.

#[cfg(test)]
mod bed;
#[cfg(test)]
mod neigh;
#[cfg(test)]
mod realserver;
#[cfg(test)]
mod vip;
