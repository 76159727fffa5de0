//! What is the Postgres store's own: workers, roles, schemas, connections that break; and the contract, which it keeps like the
//! others. Each test has a schema of its own, on a server that the tests of this process share.

mod support;

mod broken;
mod contract;
mod fence;
mod news;
mod pauses;
mod schemas;
mod steps;
