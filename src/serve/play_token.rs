//! Playback addresses: a signed text that says which video, and when it was issued.
//!
//! `base64url(version, issued, nonce, video) . base64url(HMAC-SHA256)`. Nothing is stored when an address is issued.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::identity::sha256_hex;
use crate::model::{Micros, PlaySessionId, VideoId};

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;
/// Version, microseconds, nonce.
const HEAD_BYTES: usize = 1 + 8 + NONCE_BYTES;
/// Longer texts are no tokens: the longest video id, encoded, and the code.
const TOKEN_BYTES: usize = 256;
/// Keeps this use of the secret apart from any other.
const PURPOSE: &[u8] = b"weir play address\0";

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The video.
    pub video: VideoId,
    /// When the address was issued.
    pub issued: Micros,
}

/// A new token.
pub fn issue(secret: &[u8; 32], ticket: &Ticket, nonce: [u8; NONCE_BYTES]) -> String {
    let mut payload = vec![VERSION];
    payload.extend_from_slice(&ticket.issued.0.to_be_bytes());
    payload.extend_from_slice(&nonce);
    payload.extend_from_slice(ticket.video.as_str().as_bytes());
    let code = signer(secret, &payload).finalize().into_bytes();
    format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(&payload), BASE64_URL_SAFE_NO_PAD.encode(code))
}

/// What the token says, when it was signed with this secret.
pub fn read(secret: &[u8; 32], token: &str) -> Option<Ticket> {
    if token.len() > TOKEN_BYTES {
        return None;
    }
    let (payload, code) = token.split_once('.')?;
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    let code = BASE64_URL_SAFE_NO_PAD.decode(code).ok()?;
    signer(secret, &payload).verify_slice(&code).ok()?;
    let (head, video) = payload.split_at_checked(HEAD_BYTES)?;
    let (version, head) = head.split_first()?;
    let issued = head.first_chunk::<8>()?;
    let video = std::str::from_utf8(video).ok()?.parse().ok()?;
    (*version == VERSION).then_some(Ticket { video, issued: Micros(i64::from_be_bytes(*issued)) })
}

/// The form in which a token is kept: nobody who reads the database can play with it.
pub fn digest(token: &str) -> String {
    sha256_hex(token.as_bytes())
}

/// The id of the session that a token opens, known before it is opened; it does not give the token away.
pub fn session_id(token: &str) -> PlaySessionId {
    use sha2::Digest;
    let digest = Sha256::digest([b"weir play session\0", token.as_bytes()].concat());
    let mut bytes = [0; 12];
    bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    PlaySessionId::from_random(bytes)
}

fn signer(secret: &[u8; 32], payload: &[u8]) -> Hmac<Sha256> {
    // HMAC fills a short key up with zeros to the block of its hash.
    let mut block = [0; 64];
    block.iter_mut().zip(secret).for_each(|(to, from)| *to = *from);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(PURPOSE);
    mac.update(payload);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Random;

    #[test]
    fn reads_what_it_signed_and_nothing_else() {
        let random = Random::seeded(3);
        let ticket = Ticket { video: random.video(), issued: Micros(1_754_000_000_000_000) };
        let token = issue(&[7; 32], &ticket, random.bytes());
        assert_eq!(read(&[7; 32], &token), Some(ticket.clone()));
        assert_eq!(read(&[8; 32], &token), None, "another secret");
        assert_ne!(issue(&[7; 32], &ticket, random.bytes()), token, "two addresses differ");
        for at in 0..token.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            // The last character of a base64 text may carry unused bits; the decoder refuses those that are not zero.
            assert_eq!(read(&[7; 32], &other), None, "{at}");
        }
        for bad in ["", ".", "a.b", &"a".repeat(300)] {
            assert_eq!(read(&[7; 32], bad), None);
        }
    }
}
