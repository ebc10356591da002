//! Who may do what over HTTP.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use weir::model::Role;
use weir::serve::{Limits, bind_unix, listen_unix, router};

use crate::harness::{PASSWORD, TestApp, problem};

/// Every operation of the API and the role that it needs. A new route fails the test until it is here.
const ROUTES: &str = "
    POST /auth/login none
    POST /auth/logout viewer
    GET /auth/me viewer
    GET /accounts admin
    POST /accounts admin
    PATCH /accounts/{id} admin
    DELETE /accounts/{id} admin
    GET /api-keys admin
    POST /api-keys admin
    DELETE /api-keys/{id} admin
    POST /vod/upload operator
    PUT /vod/upload/{upload_id} operator
    GET /vod viewer
    GET /vod/{id}/metadata viewer
    GET /vod/{id}/poster viewer
    GET /vod/{id}/original operator
    DELETE /vod/{id} operator
    GET /vod/{id}/manifest viewer
    POST /play/sessions/{id}/renew viewer
    DELETE /play/sessions/{id} viewer
    GET /play/{token}/{path} none
    OPTIONS /play/{token}/{path} none
    POST /videos/{id}/analyse operator
    GET /videos/{id}/analysis viewer
    GET /videos/{id}/findings viewer
    GET /videos/{id}/verdict viewer
    GET /models viewer
    POST /videos/{id}/label reviewer
    GET /videos/{id}/labels viewer
    GET /videos/{id}/tasks viewer
    GET /tasks viewer
    GET /tasks/{id} viewer
    POST /tasks/{id}/retry operator
    POST /tasks/{id}/cancel operator
    GET /overview viewer
    GET /events viewer
    GET /logs admin
    POST /feed/{topic} operator
    GET /health none
    GET /health/live none
    GET /health/ready none
    GET /openapi.json none
";

/// Every operation of the document: method, path, role.
fn operations() -> Vec<(Method, String, String)> {
    let document: Value = serde_json::from_str(&weir::serve::openapi::openapi_json()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let role = operation["x-weir-role"].as_str().unwrap_or("not declared").to_owned();
            operations.push((method, path.clone(), role));
        }
    }
    operations
}

#[test]
fn the_document_has_the_routes_and_roles_that_are_meant() {
    let mut found: Vec<String> = operations().iter().map(|(method, path, role)| format!("{method} {path} {role}")).collect();
    let mut meant: Vec<String> = ROUTES.trim().lines().map(|line| line.trim().to_owned()).collect();
    found.sort();
    meant.sort();
    assert_eq!(found, meant);
}

#[test]
fn the_kept_document_is_what_the_code_says() {
    assert!(
        include_str!("../../openapi.json") == weir::serve::openapi::openapi_json(),
        "openapi.json is old: `cargo run -- openapi > openapi.json`"
    );
}

/// Ids that are well formed and name nothing.
fn filled(path: &str) -> String {
    let id = match path.split('/').nth(1) {
        Some("accounts") => "acc-000000000001",
        Some("api-keys") => "key-000000000001",
        Some("tasks") => "task-000000000001",
        Some("play") => "play-000000000001",
        _ => "vod-000000000001",
    };
    let path = path.replace("{id}", id).replace("{upload_id}", "up-000000000001").replace("{topic}", "detections");
    path.replace("{token}", "none").replace("{path}", "master.m3u8")
}

#[tokio::test]
async fn every_route_is_for_its_role_and_those_above_it() {
    let app = TestApp::start().await;
    let rank = |role: &str| ["none", "viewer", "reviewer", "operator", "admin"].iter().position(|word| *word == role).unwrap();
    let mut checked = 0;
    for prefix in ["", "/api"] {
        for (method, path, needed) in operations() {
            for caller in ["none", "viewer", "reviewer", "operator", "admin"] {
                let mut request = app.anonymous(method.clone(), &format!("{prefix}{}", filled(&path)));
                if let Ok(role) = caller.parse::<Role>() {
                    request = request.bearer_auth(app.key(role));
                }
                let status = request.json(&json!({})).send().await.unwrap().status();
                let what = format!("{method} {prefix}{path} as {caller}: {status}");
                match (rank(caller) >= rank(&needed), caller) {
                    (true, _) => assert!(![401, 403, 405].contains(&status.as_u16()) && !status.is_server_error(), "{what}"),
                    (false, "none") => assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}"),
                    (false, _) => assert_eq!(status, StatusCode::FORBIDDEN, "{what}"),
                }
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 2 * 5 * ROUTES.trim().lines().count());
}

#[tokio::test]
async fn signing_in_needs_the_password_and_sets_a_guarded_cookie() {
    let app = TestApp::start().await;
    let login = |name: &str, password: &str| {
        app.anonymous(Method::POST, "/auth/login").json(&json!({ "name": name, "password": password }))
    };
    let response = login("operator", PASSWORD).send().await.unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("weir_session=") && cookie.contains("HttpOnly; SameSite=Lax; Path=/"), "{cookie}");
    let body: Value = response.json().await.unwrap();
    assert_eq!((body["account"]["name"].as_str(), body["account"]["role"].as_str()), (Some("operator"), Some("operator")));

    let wrong = problem(login("operator", "wrong horse").send().await.unwrap(), 401, "unauthenticated").await;
    let nobody = problem(login("nobody", PASSWORD).send().await.unwrap(), 401, "unauthenticated").await;
    assert_eq!(wrong, nobody, "the answer does not tell whether the name exists");

    let form = app.anonymous(Method::POST, "/auth/login").body("name=operator&password=x").send().await.unwrap();
    problem(form, 415, "unsupported").await;
}

#[tokio::test]
async fn a_cookie_changes_nothing_without_its_csrf_text() {
    let app = TestApp::start().await;
    let (cookie, csrf) = app.sign_in("operator").await;
    let send = |csrf: Option<String>, cookie: &str| {
        let mut request = app.anonymous(Method::POST, "/vod/upload?title=x").header("cookie", cookie).body("some bytes");
        if let Some(csrf) = csrf {
            request = request.header("x-csrf-token", csrf);
        }
        request.send()
    };
    problem(send(None, &cookie).await.unwrap(), 403, "csrf").await;
    problem(send(Some("0".repeat(64)), &cookie).await.unwrap(), 403, "csrf").await;
    let (_, of_another) = app.sign_in("admin").await;
    problem(send(Some(of_another), &cookie).await.unwrap(), 403, "csrf").await;
    assert_eq!(send(Some(csrf.clone()), &cookie).await.unwrap().status(), StatusCode::CREATED);
    problem(send(Some(csrf.clone()), "weir_session=0123").await.unwrap(), 401, "unauthenticated").await;

    let me = app.anonymous(Method::GET, "/auth/me").header("cookie", &cookie).send().await.unwrap();
    assert_eq!(me.json::<Value>().await.unwrap()["csrf"], csrf);
    let out =
        app.anonymous(Method::POST, "/auth/logout").header("cookie", &cookie).header("x-csrf-token", &csrf).send().await.unwrap();
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    let after = app.anonymous(Method::GET, "/auth/me").header("cookie", &cookie).send().await.unwrap();
    problem(after, 401, "unauthenticated").await;
}

#[tokio::test]
async fn guessing_passwords_is_held_back() {
    let app = TestApp::start().await;
    let login =
        |password: &str| app.anonymous(Method::POST, "/auth/login").json(&json!({ "name": "viewer", "password": password }));
    for _ in 0..10 {
        problem(login("wrong horse").send().await.unwrap(), 401, "unauthenticated").await;
    }
    let held = login(PASSWORD).send().await.unwrap();
    let wait: u64 = held.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
    problem(held, 429, "rate_limited").await;
    app.pass(301_000);
    assert_eq!(login(PASSWORD).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn accounts_are_made_changed_and_deleted() {
    let app = TestApp::start().await;
    let new = json!({ "name": "eve", "role": "reviewer", "password": "a long one" });
    let made: Value = app.post("/accounts", &new).await.json().await.unwrap();
    problem(app.post("/accounts", &new).await, 409, "conflict").await;
    problem(app.post("/accounts", &json!({ "name": "bob", "role": "viewer", "password": "short" })).await, 400, "bad_request")
        .await;
    problem(app.post("/accounts", &json!({ "name": "bob", "role": "king", "password": "a long one" })).await, 400, "bad_request")
        .await;

    let path = format!("/accounts/{}", made["id"].as_str().unwrap());
    let change = json!({ "role": "operator", "password": PASSWORD });
    let changed = app.request(Role::Admin, Method::PATCH, &path).json(&change).send().await.unwrap();
    assert_eq!(changed.json::<Value>().await.unwrap()["role"], "operator");
    let (cookie, csrf) = app.sign_in("eve").await;

    let listed = app.json("/accounts").await;
    assert!(listed.to_string().contains("eve") && !listed.to_string().contains("argon2"), "{listed}");
    let gone = app.request(Role::Admin, Method::DELETE, &path).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let after = app.anonymous(Method::POST, "/vod/upload").header("cookie", cookie).header("x-csrf-token", csrf).body("x");
    problem(after.send().await.unwrap(), 401, "unauthenticated").await;
}

#[tokio::test]
async fn an_admin_cannot_lock_themselves_out() {
    let app = TestApp::start().await;
    let (cookie, csrf) = app.sign_in("admin").await;
    let own =
        app.json("/accounts").await["items"].as_array().unwrap().iter().find(|one| one["name"] == "admin").unwrap()["id"].clone();
    let path = format!("/accounts/{}", own.as_str().unwrap());
    let ask = |method: Method| app.anonymous(method, &path).header("cookie", &cookie).header("x-csrf-token", &csrf);
    problem(ask(Method::DELETE).send().await.unwrap(), 409, "conflict").await;
    problem(ask(Method::PATCH).json(&json!({ "role": "viewer" })).send().await.unwrap(), 409, "conflict").await;
}

#[tokio::test]
async fn api_keys_show_their_secret_once_and_stop_when_deleted() {
    let app = TestApp::start().await;
    let made: Value =
        app.post("/api-keys", &json!({ "name": "camera", "role": "operator", "owner": "gate" })).await.json().await.unwrap();
    let secret = made["secret"].as_str().unwrap();
    let listed = app.json("/api-keys").await.to_string();
    assert!(listed.contains("camera") && !listed.contains(secret) && !listed.contains("sha256"), "{listed}");

    let upload = || app.anonymous(Method::POST, "/vod/upload").header("x-api-key", secret).body("bytes").send();
    let video: Value = upload().await.unwrap().json().await.unwrap();
    let metadata = app.json(&format!("/vod/{}/metadata", video["stream_id"].as_str().unwrap())).await;
    assert_eq!(metadata["owner"], "gate");

    let path = format!("/api-keys/{}", made["id"].as_str().unwrap());
    assert_eq!(app.request(Role::Admin, Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    problem(upload().await.unwrap(), 401, "unauthenticated").await;
}

#[tokio::test]
async fn the_local_socket_is_the_operators_and_nobody_elses() {
    use std::os::unix::fs::PermissionsExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let app = TestApp::start().await;
    let path = app.folder.path().join("weir.sock");
    let stop = app.app().stop.clone();
    let serving = {
        let (path, routes) = (path.clone(), router(app.app().clone()));
        let listener = bind_unix(&path).unwrap();
        tokio::spawn(async move { listen_unix(listener, &path, routes, Limits::default(), stop).await })
    };
    let mut stream = loop {
        match tokio::net::UnixStream::connect(&path).await {
            Ok(stream) => break stream,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    };
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    stream.write_all(b"GET /accounts HTTP/1.1\r\nhost: weir\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"operator\""), "{answer}");
    app.app().stop.cancel();
    serving.await.unwrap().unwrap();
    assert!(!path.exists());
}
