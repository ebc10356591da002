//! Holds back whoever guesses passwords: after ten failures for one name, or from one address, within five minutes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::model::Micros;

/// Failures that are let through within [`WINDOW_MS`].
const FAILURES: usize = 10;
const WINDOW_MS: i64 = 5 * 60 * 1000;
/// Names and addresses that are remembered; beyond it the one whose last failure is oldest is forgotten.
const REMEMBERED: usize = 10_000;

/// What failures are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A sign-in name.
    Name(String),
    /// A network address; of IPv6 the /64, which one subscriber has.
    Address(IpAddr),
}

impl Subject {
    /// Of a peer's address.
    pub fn address(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Address(address),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => Self::Address(v4.into()),
                None => Self::Address(std::net::Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into()),
            },
        }
    }
}

/// Failed sign-ins of late.
#[derive(Default)]
pub struct Throttle(Mutex<HashMap<Subject, Vec<Micros>>>);

impl Throttle {
    /// Seconds until the next try is let through; none: now.
    pub fn wait_s(&self, subjects: &[Subject], now: Micros) -> Option<u64> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        subjects.iter().filter_map(|subject| Some(recent(failures.get(subject)?, now))).filter_map(|ages_ms| wait(&ages_ms)).max()
    }

    /// Notes a failure.
    pub fn failed(&self, subjects: &[Subject], now: Micros) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for subject in subjects {
            let times = failures.entry(subject.clone()).or_default();
            times.retain(|&at| now.ms_since(at) < WINDOW_MS);
            if times.len() >= FAILURES {
                times.remove(0);
            }
            times.push(now);
        }
        while failures.len() > REMEMBERED {
            let oldest = failures.iter().min_by_key(|(_, times)| times.last().copied()).map(|(subject, _)| subject.clone());
            let Some(oldest) = oldest else { break };
            failures.remove(&oldest);
        }
    }
}

/// Ages of the failures within the window, oldest first, in ms.
fn recent(times: &[Micros], now: Micros) -> Vec<i64> {
    times.iter().map(|&at| now.ms_since(at)).filter(|&age_ms| age_ms < WINDOW_MS).collect()
}

fn wait(ages_ms: &[i64]) -> Option<u64> {
    let oldest = ages_ms.first().filter(|_| ages_ms.len() >= FAILURES)?;
    Some(((WINDOW_MS - oldest).max(1000) / 1000) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_back_after_ten_failures_and_lets_go_after_five_minutes() {
        let throttle = Throttle::default();
        let subjects = [Subject::Name("eve".into()), Subject::address("::ffff:10.0.0.1".parse().unwrap())];
        let at = |s: i64| Micros(s * 1_000_000);
        for s in 0..10 {
            assert_eq!(throttle.wait_s(&subjects, at(s)), None, "second {s}");
            throttle.failed(&subjects, at(s));
        }
        assert_eq!(throttle.wait_s(&subjects[..1], at(10)), Some(290));
        assert_eq!(throttle.wait_s(&[Subject::address("10.0.0.1".parse().unwrap())], at(10)), Some(290));
        assert_eq!(throttle.wait_s(&[Subject::Name("bob".into())], at(10)), None);
        assert_eq!(throttle.wait_s(&subjects, at(301)), None);
    }

    #[test]
    fn forgets_the_oldest_beyond_its_bound() {
        let throttle = Throttle::default();
        for number in 0..=REMEMBERED as i64 {
            throttle.failed(&[Subject::Name(number.to_string())], Micros(number));
        }
        let failures = throttle.0.lock().unwrap();
        assert_eq!(failures.len(), REMEMBERED);
        assert!(!failures.contains_key(&Subject::Name("0".into())));
    }
}
