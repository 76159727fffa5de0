//! In a build without the feature `rate` there is no rate limit, and no value that stands for one.

use super::settings::Rate;
use crate::store::Micros;

/// There is none.
#[derive(Debug)]
pub(super) enum Limiter {}

impl Limiter {
    pub(super) fn new(settings: Rate, _: Micros) -> Self {
        match settings {}
    }

    pub(super) fn settings(&self) -> Rate {
        match *self {}
    }

    pub(super) fn take(&mut self, _: Micros) -> bool {
        match *self {}
    }

    pub(super) fn next(&self) -> Option<Micros> {
        match *self {}
    }
}
