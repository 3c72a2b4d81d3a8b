//! Registration. In: the table of routes; out: an actix configuration in which every row is served, every other method
//! of its path is 405, and every other path 404.

use std::collections::BTreeMap;

use actix_web::{
    HttpRequest,
    guard::{self, Guard},
    http::{Method, StatusCode, header},
    middleware::{Compress, Condition},
    web::{self, Data, Payload, ServiceConfig},
};

use super::{
    access::{ROUTES, Route},
    call,
    problem::Problem,
    shell,
    state::State,
};

/// Registers every row of the table.
pub fn register(config: &mut ServiceConfig) {
    let mut paths: BTreeMap<&str, Vec<&'static Route>> = BTreeMap::new();
    for route in ROUTES {
        paths.entry(route.path).or_default().push(route);
    }
    for (path, routes) in paths {
        let mut resource = web::resource(path);
        let mut allowed = Vec::new();
        for route in routes {
            allowed.push(route.method.as_str());
            if route.method == Method::GET {
                allowed.push("HEAD");
            }
            let handler = move |state: Data<State>, request: HttpRequest, payload: Payload| {
                call::answer(route, state, request, payload)
            };
            resource = resource.route(web::route().guard(matches(&route.method)).to(handler));
        }
        let allowed = allowed.join(", ");
        let not_allowed = move |request: HttpRequest| {
            let allowed = allowed.clone();
            async move {
                let problem = Problem::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "route.method",
                    format!("this route has the methods {allowed}"),
                );
                let mut response = shell::problem(&request, &problem);
                if let Ok(value) = header::HeaderValue::from_str(&allowed) {
                    response.headers_mut().insert(header::ALLOW, value);
                }
                response
            }
        };
        // Only what holds no secret is compressed: the length of a compressed answer tells of its content.
        let compress = Condition::new(path.starts_with("/ledger/"), Compress::default());
        config.service(resource.default_service(web::route().to(not_allowed)).wrap(compress));
    }
}

/// A method; HEAD goes where GET goes.
fn matches(method: &Method) -> impl Guard + use<> {
    let is_get = *method == Method::GET;
    let method = method.clone();
    guard::fn_guard(move |context| {
        let asked = &context.head().method;
        *asked == method || is_get && *asked == Method::HEAD
    })
}
