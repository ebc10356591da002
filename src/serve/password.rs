//! Passwords: argon2id, off the async threads, a few at a time because each takes 19 MiB and tens of milliseconds.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use super::error::{Answer, Code, Problem};
use crate::source::Random;

/// Shortest password.
pub const MIN_CHARS: usize = 8;
/// Longest password.
pub const MAX_BYTES: usize = 1024;
const AT_ONCE: usize = 2;
/// A sign-in that waits longer than this is sent away.
const WAIT: Duration = Duration::from_secs(5);
/// Verified in place of a hash that is not there, so that an unknown name takes as long as a wrong password. It is the hash of
/// random bytes that nobody kept.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXRoaW5ncmFuZG9t$JuNTzIWQLKzb4GW3P1eG+sJYtGbMhtGDtQUmcyGHyMc";

/// Hashes and verifies passwords.
pub struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Passwords {
    /// The hash of a new password, in PHC form.
    ///
    /// # Errors
    /// `bad_request` for a password that is too short or too long, `rate_limited` when too many wait.
    pub async fn hash(&self, password: String, random: &Random) -> Answer<String> {
        check(&password).map_err(Problem::bad_request)?;
        let salt = random.bytes::<16>();
        self.work(move || hash_blocking(&password, &salt)).await?.map_err(|error| Problem::down(&error))
    }

    /// Whether the password is the one of the hash; a hash that is not there is never matched.
    ///
    /// # Errors
    /// `rate_limited` when too many wait.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Answer<bool> {
        self.work(move || {
            let known = hash.is_some();
            let text = hash.unwrap_or_else(|| NOBODY.to_owned());
            let Ok(parsed) = PasswordHash::new(&text) else { return false };
            Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
        let busy = || Problem::new(Code::RateLimited, "too many sign-ins at once").retry_after(WAIT.as_secs());
        let turn =
            tokio::time::timeout(WAIT, Arc::clone(&self.0).acquire_owned()).await.map_err(|_| busy())?.map_err(|_| busy())?;
        let done = tokio::task::spawn_blocking(move || {
            let result = job();
            drop(turn);
            result
        });
        done.await.map_err(|error| Problem::down(&error))
    }
}

fn check(password: &str) -> Result<(), String> {
    if password.chars().count() < MIN_CHARS || password.len() > MAX_BYTES {
        return Err(format!("a password has at least {MIN_CHARS} characters and at most {MAX_BYTES} bytes"));
    }
    Ok(())
}

/// The argon2id hash in PHC form, for callers without an async runtime (the first account of an installation).
///
/// # Errors
/// When the password is too short or too long.
pub fn hash_password(password: &str, random: &Random) -> Result<String, String> {
    check(password)?;
    hash_blocking(password, &random.bytes::<16>())
}

fn hash_blocking(password: &str, salt: &[u8]) -> Result<String, String> {
    let hash: PasswordHash =
        Argon2::default().hash_password_with_salt(password.as_bytes(), salt).map_err(|error| error.to_string())?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn verifies_its_own_hashes_and_nothing_else() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse".into(), &Random::seeded(1)).await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("wrong horse".into(), Some(hash)).await.unwrap());
        assert!(!passwords.verify("correct horse".into(), None).await.unwrap());
        assert!(passwords.hash("short".into(), &Random::seeded(1)).await.is_err());
        PasswordHash::new(NOBODY).unwrap();
    }
}
