//! The service: HTTP in front of the store, the ledger and the pure crates. docs/http.md says what it promises,
//! docs/operator.md how it is run.
//!
//! | module | what for |
//! |---|---|
//! | [`config`] | file, environment and flags |
//! | [`endorsements`] | what vouches for evidence, from an offline directory |
//! | [`keyring`] | the service's own keys |
//! | [`opening`], [`server`] | the order of the start, and of the end |
//! | [`state`] | what handlers work with |
//! | [`access`] | the one table of routes, with who may call each |
//! | [`routes`], [`call`] | from the table to a handler |
//! | [`auth`] | who asks |
//! | [`problem`] | what is answered when something is not done |
//! | [`limits`], [`tls`], [`telemetry`] | the edge |
//! | [`background`], [`health`], [`info`], [`openapi`], [`published`] | what machines ask |
//! | [`projects`], [`tokens`], [`policies`], [`keys`] | administration |
//! | [`release`] | what agents ask, and what comes of it |
//! | [`provenance`] | what relying parties ask |
//! | [`reports`] | what auditors ask |
//! | [`governance`], [`policy_cache`] | changes as entries of the ledger; what is in force |

pub mod access;
pub mod auth;
pub mod background;
pub mod call;
pub mod config;
pub mod endorsements;
pub mod governance;
pub mod health;
pub mod info;
pub mod keyring;
pub mod keys;
pub mod limits;
pub mod openapi;
pub mod opening;
pub mod policies;
pub mod policy_cache;
pub mod problem;
pub mod projects;
pub mod provenance;
pub mod published;
pub mod release;
pub mod reports;
pub mod routes;
pub mod server;
mod shell;
pub mod state;
pub mod telemetry;
pub mod tls;
pub mod tokens;
pub mod wire;
