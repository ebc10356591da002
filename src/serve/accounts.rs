//! Accounts of people.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::NAME_CHARS;
use super::error::{Answer, Problem, ProblemBody};
use super::extract::{Id, Input};
use super::identity::{Caller, Who};
use super::wire::{List, Moment};
use super::{Ctx, Server};
use crate::model::{Account, AccountId, Role};

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountAnswer {
    /// Its id.
    pub id: AccountId,
    /// Sign-in name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Moment,
}

impl From<Account> for AccountAnswer {
    fn from(account: Account) -> Self {
        Self { id: account.id, name: account.name, role: account.role, created_at: Moment(account.created_at) }
    }
}

/// A new account.
#[derive(Deserialize, ToSchema)]
pub struct NewAccount {
    /// Sign-in name, 1 to 100 characters, unique.
    name: String,
    /// What it may do.
    role: Role,
    /// At least 8 characters.
    password: String,
}

/// What changes.
#[derive(Deserialize, ToSchema)]
pub struct AccountChange {
    /// Another role.
    role: Option<Role>,
    /// Another password.
    password: Option<String>,
}

/// All accounts.
#[utoipa::path(
    get, path = "/accounts", tag = "access",
    extensions(("x-weir-role" = json!("admin"))),
    responses((status = 200, body = List<AccountAnswer>))
)]
pub async fn list(State(server): Ctx) -> Answer<Json<List<AccountAnswer>>> {
    let accounts = server.app.store.accounts().await?;
    Ok(Json(List::whole(accounts.into_iter().map(AccountAnswer::from).collect())))
}

/// Make an account.
#[utoipa::path(
    post, path = "/accounts", tag = "access", request_body = NewAccount,
    extensions(("x-weir-role" = json!("admin"))),
    responses((status = 201, body = AccountAnswer), (status = 400, body = ProblemBody), (status = 409, body = ProblemBody))
)]
pub async fn add(State(server): Ctx, Input(new): Input<NewAccount>) -> Answer<(StatusCode, Json<AccountAnswer>)> {
    check_name(&new.name)?;
    let account = Account {
        id: server.app.random.account(),
        password_hash: server.passwords.hash(new.password, &server.app.random).await?,
        name: new.name,
        role: new.role,
        created_at: server.app.store.now().await?,
    };
    if !server.app.store.add_account(&account).await? {
        return Err(Problem::conflict(format!("an account has the name `{}`", account.name)));
    }
    Ok((StatusCode::CREATED, Json(account.into())))
}

/// Change role or password of an account. Its sign-ins stay.
#[utoipa::path(
    patch, path = "/accounts/{id}", tag = "access", request_body = AccountChange,
    params(("id" = AccountId, Path)),
    extensions(("x-weir-role" = json!("admin"))),
    responses((status = 200, body = AccountAnswer), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody))
)]
pub async fn change(
    State(server): Ctx,
    caller: Caller,
    Id(id): Id<AccountId>,
    Input(change): Input<AccountChange>,
) -> Answer<Json<AccountAnswer>> {
    let mut account = account(&server, &id).await?;
    if let Some(role) = change.role {
        if is_self(&caller, &id) && role != account.role {
            return Err(Problem::conflict("nobody changes their own role; ask another admin"));
        }
        account.role = role;
    }
    if let Some(password) = change.password {
        account.password_hash = server.passwords.hash(password, &server.app.random).await?;
    }
    if !server.app.store.update_account(&account).await? {
        return Err(Problem::not_found(format!("no account `{id}`")));
    }
    Ok(Json(account.into()))
}

/// Delete an account and end its sign-ins.
#[utoipa::path(
    delete, path = "/accounts/{id}", tag = "access",
    params(("id" = AccountId, Path)),
    extensions(("x-weir-role" = json!("admin"))),
    responses((status = 204), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody))
)]
pub async fn remove(State(server): Ctx, caller: Caller, Id(id): Id<AccountId>) -> Answer<StatusCode> {
    if is_self(&caller, &id) {
        return Err(Problem::conflict("nobody deletes their own account; ask another admin"));
    }
    if !server.app.store.delete_account(&id).await? {
        return Err(Problem::not_found(format!("no account `{id}`")));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// An admin who locks themselves out could leave an installation without any admin.
fn is_self(caller: &Caller, id: &AccountId) -> bool {
    matches!(&caller.who, Who::Person { account, .. } if account.id == *id)
}

/// With its hash, which the answer of `accounts()` may leave out: it is read again by its name.
async fn account(server: &Server, id: &AccountId) -> Answer<Account> {
    let missing = || Problem::not_found(format!("no account `{id}`"));
    let listed = server.app.store.accounts().await?.into_iter().find(|account| account.id == *id).ok_or_else(missing)?;
    server.app.store.account_by_name(&listed.name).await?.ok_or_else(missing)
}

fn check_name(name: &str) -> Answer<()> {
    let length = name.chars().count();
    if length == 0 || length > NAME_CHARS || name.trim() != name || name.chars().any(char::is_control) {
        return Err(Problem::bad_request(format!(
            "`name` has 1 to {NAME_CHARS} characters, no space at its ends and no control characters"
        )));
    }
    Ok(())
}
