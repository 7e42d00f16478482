//! How the numbers of virtual routers are read.

use serde::Deserializer;

use crate::config::file::read::Number;
use crate::config::rules::vrrp as rule;

pub(super) fn vrid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let expects = "a vrid, a whole number from 1 to 255";
    deserializer.deserialize_u64(Number { expects, rule: rule::vrid })
}

pub(super) fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let expects = "a version, 2 or 3";
    deserializer.deserialize_u64(Number { expects, rule: rule::version }).map(Some)
}

pub(super) fn priority<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let expects = "a priority, a whole number from 1 to 255";
    deserializer.deserialize_u64(Number { expects, rule: rule::priority }).map(Some)
}

pub(super) fn weight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i16>, D::Error> {
    let expects = "a weight, a whole number from -253 to 253";
    deserializer.deserialize_i64(Number { expects, rule: rule::weight }).map(Some)
}

pub(super) fn quorum<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let expects = "a quorum, a number of processes";
    deserializer.deserialize_u64(Number { expects, rule: rule::quorum }).map(Some)
}

pub(super) fn repeat<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let expects = "a number of repetitions";
    deserializer.deserialize_u64(Number { expects, rule: rule::repeat }).map(Some)
}

pub(super) fn refresh_repeat<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u8>, D::Error> {
    let expects = "a number of repetitions";
    deserializer.deserialize_u64(Number { expects, rule: rule::refresh_repeat }).map(Some)
}
