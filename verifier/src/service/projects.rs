//! Projects: tenants of one instance. In: a name; out: a project, whose rows nobody of another project sees.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{call::Call, problem::Problem, wire};
use crate::store::{StoreError, on};

/// A project to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// Its name: a to z, 0 to 9 and hyphens, at most 63.
    name: String,
}

/// A project.
#[derive(Serialize, ToSchema)]
pub struct Project {
    /// Its name.
    name: String,
    /// How often its policies and keys have changed.
    epoch: i64,
    /// When it was added, RFC 3339.
    created: Option<String>,
}

/// All projects.
#[derive(Serialize, ToSchema)]
pub struct ProjectList {
    /// By name.
    projects: Vec<Project>,
}

/// `GET /v1/projects`
///
/// # Errors
/// 503.
pub async fn list(call: Call) -> Result<HttpResponse, Problem> {
    const LIST: &str = "-- project_list\nSELECT name, epoch, created FROM project ORDER BY name LIMIT 10000";
    let rows: Vec<(String, i64, i64)> = on!(call.state.store.db(), pool => sqlx::query_as(LIST).fetch_all(pool).await)?;
    let project = |(name, epoch, created)| Project { name, epoch, created: wire::time(created) };
    Ok(HttpResponse::Ok().json(ProjectList { projects: rows.into_iter().map(project).collect() }))
}

/// `POST /v1/projects`
///
/// # Errors
/// 400 for a name that is none, 409 for one that is taken, 503.
pub async fn add(call: Call) -> Result<HttpResponse, Problem> {
    const ADD: &str =
        "-- project_add\nINSERT INTO project (name, created) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    let NewProject { name } = call.json()?;
    wire::check_name(&name)?;
    let (now, new) = (call.now(), name.clone());
    let add = call.state.store.run_tx("project_add", |tx| {
        let new = new.clone();
        Box::pin(async move {
            let rows = on!(&mut tx.on, tx => {
                sqlx::query(ADD).bind(new).bind(now).execute(&mut **tx).await?.rows_affected()
            });
            Ok::<_, StoreError>(rows)
        })
    });
    if add.await? == 0 {
        return Err(Problem::conflict("project.exists", "there is a project of that name"));
    }
    tracing::info!(project = name, who = call.who(), "project added");
    Ok(HttpResponse::Created().json(Project { name, epoch: 0, created: wire::time(now) }))
}

/// Whether there is a project `name`.
///
/// # Errors
/// 404 with `project.unknown`; 503.
pub async fn require(call: &Call) -> Result<(), Problem> {
    const FIND: &str = "-- project_find\nSELECT COUNT(*) FROM project WHERE name = $1";
    let found: i64 = on!(call.state.store.db(), pool => {
        sqlx::query_scalar(FIND).bind(&call.project).fetch_one(pool).await
    })?;
    if found > 0 { Ok(()) } else { Err(Problem::not_found("project")) }
}
