//! Who asks. In: an Authorization header; out: a [`Principal`] with roles in a project, or a problem 401. A bearer token
//! is one of ours (`pt_…`, [`token`]) or one of a configured OpenID Connect issuer ([`oidc`]).

pub mod oidc;
pub mod token;

use std::fmt;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// What somebody may do in a project.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs the service: keys, tokens, projects.
    Operator,
    /// Writes policies and puts them in force.
    PolicyOwner,
    /// Approves what needs a second person.
    Approver,
    /// Looks at everything, changes nothing.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Operator, Self::PolicyOwner, Self::Approver, Self::Auditor];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::PolicyOwner => "policy-owner",
            Self::Approver => "approver",
            Self::Auditor => "auditor",
        }
    }

    /// The role called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// For which projects somebody's roles hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    /// All of them, and the instance itself.
    Instance,
    /// This one.
    Project(String),
}

impl Scope {
    /// How it is written: the project's name, or `*`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Instance => "*",
            Self::Project(name) => name,
        }
    }

    /// Inverse of [`Scope::as_str`].
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text == "*" { Self::Instance } else { Self::Project(text.to_owned()) }
    }
}

/// Somebody who is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Principal {
    /// As records name them: `token:ID` or `oidc:ISSUER#SUBJECT`.
    pub name: String,
    /// Where their roles hold.
    pub scope: Scope,
    /// Their roles.
    pub roles: Vec<Role>,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// 401 with one of the codes `auth.…`.
pub(super) fn unauthorized(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
}

/// The bearer token of an Authorization header.
pub(super) fn bearer(header: Option<&str>) -> Result<&str, Problem> {
    let header = header.ok_or_else(|| unauthorized("auth.required", "send Authorization: Bearer TOKEN"))?;
    let (scheme, token) = header.split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(unauthorized("auth.scheme", "the one scheme is Bearer"));
    }
    Ok(token)
}
