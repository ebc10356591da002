//! Writes without events, one file per subject.

mod account;
mod forget;
mod log;
mod place;
mod session;

use std::time::Duration;

use async_trait::async_trait;

use super::backend::{Lane, SqlStore};
use super::{Direct, Held, LogLine, StoreError};
use crate::model::{Account, AccountId, ApiKey, ApiKeyId, Micros, PlaySession, PlaySessionId, SignIn, WorkerId};

#[async_trait]
impl Direct for SqlStore {
    async fn now(&self) -> Result<Micros, StoreError> {
        Ok(self.read().await?.now().await?)
    }

    async fn installation(&self) -> Result<String, StoreError> {
        Ok(self.installation.clone())
    }

    async fn add_account(&self, account: &Account) -> Result<bool, StoreError> {
        Ok(self.write(Lane::Rest, account.clone(), |tx, account| Box::pin(account::add(tx, account))).await?)
    }

    async fn account_by_name(&self, name: &str) -> Result<Option<Account>, StoreError> {
        Ok(account::by_name(&mut self.read().await?, name).await?)
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        Ok(account::all(&mut self.read().await?).await?)
    }

    async fn delete_account(&self, id: &AccountId) -> Result<bool, StoreError> {
        Ok(self.write(Lane::Rest, id.clone(), |tx, id| Box::pin(account::delete(tx, id))).await?)
    }

    async fn update_account(&self, account: &Account) -> Result<bool, StoreError> {
        Ok(self.write(Lane::Rest, account.clone(), |tx, account| Box::pin(account::update(tx, account))).await?)
    }

    async fn add_api_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        Ok(self.write(Lane::Rest, key.clone(), |tx, key| Box::pin(account::add_key(tx, key))).await?)
    }

    async fn api_key_by_secret(&self, secret_sha256: &str) -> Result<Option<ApiKey>, StoreError> {
        let (key, is_noted) = account::key_by_secret(&mut self.read().await?, secret_sha256).await?;
        if let Some(key) = &key
            && !is_noted
        {
            let noted = self.write(Lane::Rest, key.id.clone(), |tx, id| Box::pin(account::note_use(tx, id))).await;
            if let Err(error) = noted.map_err(StoreError::from) {
                tracing::warn!(%error, key = %key.id, "the use of an API key is not noted");
            }
        }
        Ok(key)
    }

    async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        Ok(account::all_keys(&mut self.read().await?).await?)
    }

    async fn delete_api_key(&self, id: &ApiKeyId) -> Result<bool, StoreError> {
        Ok(self.write(Lane::Rest, id.clone(), |tx, id| Box::pin(account::delete_key(tx, id))).await?)
    }

    async fn add_sign_in(&self, sign_in: &SignIn) -> Result<(), StoreError> {
        Ok(self.write(Lane::Rest, sign_in.clone(), |tx, sign_in| Box::pin(session::add_sign_in(tx, sign_in))).await?)
    }

    async fn sign_in(&self, cookie_sha256: &str) -> Result<Option<(SignIn, Account)>, StoreError> {
        Ok(session::sign_in(&mut self.read().await?, cookie_sha256).await?)
    }

    async fn delete_sign_in(&self, cookie_sha256: &str) -> Result<(), StoreError> {
        Ok(self.write(Lane::Rest, cookie_sha256.to_owned(), |tx, hash| Box::pin(session::delete_sign_in(tx, hash))).await?)
    }

    async fn open_play_session(&self, session: &PlaySession) -> Result<PlaySession, StoreError> {
        Ok(self.write(Lane::Rest, session.clone(), |tx, session| Box::pin(session::open(tx, session))).await?)
    }

    async fn play_session(&self, token_sha256: &str) -> Result<Option<PlaySession>, StoreError> {
        Ok(session::by_token(&mut self.read().await?, token_sha256).await?)
    }

    async fn renew_play_session(&self, id: &PlaySessionId, expires_at: Micros) -> Result<Option<PlaySession>, StoreError> {
        let renewal = (id.clone(), expires_at);
        Ok(self.write(Lane::Rest, renewal, |tx, (id, expires_at)| Box::pin(session::renew(tx, id, *expires_at))).await?)
    }

    async fn revoke_play_session(&self, id: &PlaySessionId) -> Result<bool, StoreError> {
        Ok(self.write(Lane::Rest, id.clone(), |tx, id| Box::pin(session::revoke(tx, id))).await?)
    }

    async fn hold(&self, name: &str, holder: &WorkerId, lease: Duration) -> Result<Option<Held>, StoreError> {
        let asked = (name.to_owned(), holder.clone(), lease);
        Ok(self.write(Lane::Ends, asked, |tx, (name, holder, lease)| Box::pin(place::hold(tx, name, holder, *lease))).await?)
    }

    async fn advance(&self, name: &str, fence: i64, position: &str) -> Result<bool, StoreError> {
        let step = (name.to_owned(), fence, position.to_owned());
        Ok(self
            .write(Lane::Rest, step, |tx, (name, fence, position)| Box::pin(place::advance(tx, name, *fence, position)))
            .await?)
    }

    async fn add_logs(&self, lines: &[LogLine]) -> Result<(), StoreError> {
        Ok(self.write(Lane::Rest, lines.to_vec(), |tx, lines| Box::pin(log::add(tx, lines))).await?)
    }

    async fn forget(&self, events_before: Micros, tasks_before: Micros) -> Result<u64, StoreError> {
        let before = (events_before, tasks_before);
        Ok(self.write(Lane::Rest, before, |tx, (events, tasks)| Box::pin(forget::forget(tx, *events, *tasks))).await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.write(Lane::Rest, (), |tx, ()| Box::pin(place::ping(tx))).await?;
        Ok(())
    }
}
