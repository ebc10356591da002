//! The API as a document, and the routes that it is made from.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::header;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, PathItem, SecurityRequirement};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{
    Server, accounts, analysis, api_keys, auth, events, feed, health, labels, logs, models, overview, play, play_sessions, tasks,
};
use super::{uploads, videos};
use crate::model::UploadId;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "weir",
        description = "A self-hosted video platform. Every route is also there below `/api`. Errors are `application/problem+json` with a \
                       stable `code`. `x-weir-role` says which role a route needs: none (anyone), viewer, reviewer, operator, admin; \
                       each role may do what the ones before it may."
    ),
    components(schemas(analysis::Detail, logs::LogLevel, UploadId)),
    modifiers(&Access)
)]
struct Api;

/// The ways to say who is asking.
struct Access;

impl Modify for Access {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key.")).build();
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
        let cookie = ApiKeyValue::with_description(
            super::identity::COOKIE,
            "A sign-in; changing requests repeat its CSRF text in X-CSRF-Token.",
        );
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        let none: [&str; 0] = [];
        document.security = Some(vec![SecurityRequirement::new("key", none), SecurityRequirement::new("cookie", none)]);
    }
}

/// Every route of the API with its documentation.
pub(super) fn routes() -> OpenApiRouter<Arc<Server>> {
    OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(auth::login))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(accounts::list, accounts::add))
        .routes(routes!(accounts::change, accounts::remove))
        .routes(routes!(api_keys::list, api_keys::add))
        .routes(routes!(api_keys::remove))
        .routes(routes!(uploads::upload))
        .routes(routes!(uploads::fill))
        .routes(routes!(videos::list))
        .routes(routes!(videos::one))
        .routes(routes!(videos::poster))
        .routes(routes!(videos::original))
        .routes(routes!(videos::remove))
        .routes(routes!(play::manifest))
        .routes(routes!(play_sessions::renew))
        .routes(routes!(play_sessions::revoke))
        .routes(routes!(play::play, play::preflight))
        .routes(routes!(analysis::analyse))
        .routes(routes!(analysis::analysis))
        .routes(routes!(analysis::findings))
        .routes(routes!(analysis::verdict))
        .routes(routes!(models::list))
        .routes(routes!(labels::label))
        .routes(routes!(labels::list))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::one))
        .routes(routes!(tasks::of_video))
        .routes(routes!(tasks::retry))
        .routes(routes!(tasks::cancel))
        .routes(routes!(overview::overview))
        .routes(routes!(events::events))
        .routes(routes!(logs::logs))
        .routes(routes!(feed::announce))
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(document))
}

/// The OpenAPI document.
pub fn openapi() -> Document {
    let mut document = routes().into_openapi();
    // axum writes a path's rest as `{*path}`, OpenAPI as `{path}`.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    for (path, item) in &mut document.paths.paths {
        name_operations(path, item);
    }
    document
}

/// Names a path's operations after method and path, for example `get_vod_id_metadata`: ids must be unique in the document, and
/// handlers of different modules share names such as `list`.
fn name_operations(path: &str, item: &mut PathItem) {
    let words: Vec<&str> = path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let operations = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("options", &mut item.options),
        ("patch", &mut item.patch),
    ];
    for (method, operation) in operations {
        if let Some(operation) = operation {
            operation.operation_id = Some(format!("{method}_{}", words.join("_")));
        }
    }
}

/// The document as it is kept in the repository.
pub fn openapi_json() -> String {
    openapi().to_pretty_json().unwrap_or_default() + "\n"
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "health",
    extensions(("x-weir-role" = json!("none"))),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json"))
)]
async fn document() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(openapi_json);
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

/// Swagger UI, from files compiled in. It writes styles into its elements, which the policy of the other pages forbids.
pub(super) fn swagger() -> Router {
    let policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
    let ui = SwaggerUi::new("/docs").config(Config::from("/openapi.json"));
    Router::from(ui)
        .route("/api/docs", get(|| async { Redirect::permanent("/docs/") }))
        .layer(map_response(move |response: Response| async move { ([(header::CONTENT_SECURITY_POLICY, policy)], response) }))
}
