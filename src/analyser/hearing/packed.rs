//! Samples as 16-bit numbers in bytes: half of what they take as floats, in memory and in a saved state. For `#[serde(with = "packed")]`.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};

/// The nearest 16-bit number to a sample of −1 to 1; 0 for what is no number.
pub(in crate::analyser) fn pack(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}

/// The sample of a 16-bit number.
pub(in crate::analyser) fn unpack(packed: i16) -> f32 {
    f32::from(packed) / 32_768.0
}

pub(in crate::analyser) fn serialize<S: Serializer>(samples: &[i16], serializer: S) -> Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    serializer.serialize_bytes(&bytes)
}

pub(in crate::analyser) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<i16>, D::Error> {
    deserializer.deserialize_bytes(Bytes)
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<i16>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("samples of two bytes each")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        let (samples, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(E::invalid_length(bytes.len(), &self));
        }
        Ok(samples.iter().map(|sample| i16::from_le_bytes(*sample)).collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element::<u8>()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::state;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct State {
        #[serde(with = "super")]
        sound: Vec<i16>,
    }

    #[test]
    fn samples_come_back_and_take_two_bytes_each() {
        let sound = State { sound: (0..10_000).map(|i| (i * 37 % 65_536 - 32_768) as i16).collect() };
        let saved = state::save(&sound).unwrap();
        assert!(saved.len() < 20_020);
        assert_eq!(state::restore::<State>(&saved).unwrap(), sound);
        assert!(state::restore::<State>(&saved[..saved.len() - 1]).is_err());
    }

    #[test]
    fn what_is_out_of_range_is_bounded() {
        assert_eq!([1.0, -1.0, 9.0, f32::NAN, 0.5].map(pack), [32_767, -32_768, 32_767, 0, 16_384]);
        assert!((unpack(pack(0.25)) - 0.25).abs() < f32::EPSILON);
    }
}
