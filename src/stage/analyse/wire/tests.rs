use proptest::prelude::*;

use super::*;
use crate::stage::analyse::ladder::Ease;

fn any_head() -> impl Strategy<Value = ToPool> {
    let track =
        prop_oneof![Just(Track::Small), Just(Track::Large), Just(Track::Detail), Just(Track::Audio), Just(Track::Findings)];
    let times = prop::collection::vec((any::<u64>(), any::<i64>()), 0..20);
    prop_oneof![
        (any::<u64>(), prop::collection::vec(".{0,40}", 0..4)).prop_map(|(job, analysers)| ToPool::Begin {
            job,
            media: Box::default(),
            analysers: analysers.into_iter().map(|name| Asked { name, ease: Ease::default() }).collect(),
        }),
        (any::<u64>(), track, any::<u32>(), any::<u32>(), times).prop_map(|(job, track, width, height, frames)| ToPool::Frames {
            job,
            track,
            width,
            height,
            frames
        }),
        (any::<u64>(), any::<i64>()).prop_map(|(job, time_ms)| ToPool::Audio { job, time_ms }),
        any::<u64>().prop_map(|job| ToPool::End { job }),
        any::<u64>().prop_map(|job| ToPool::Cancel { job }),
    ]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

proptest! {
    #[test]
    fn messages_come_out_as_they_went_in(messages in prop::collection::vec((any_head(), prop::collection::vec(any::<u8>(), 0..200)), 0..6)) {
        let mut bytes = Vec::new();
        for (head, payload) in &messages {
            write(&mut bytes, head, payload).unwrap();
        }
        let mut blocking = bytes.as_slice();
        let mut seen = Vec::new();
        while let Some(message) = read::<ToPool>(&mut blocking).unwrap() {
            seen.push(message);
        }
        prop_assert_eq!(&seen, &messages);
        let seen_async = runtime().block_on(async {
            let (mut from, mut seen) = (bytes.as_slice(), Vec::new());
            while let Some(message) = read_async::<ToPool>(&mut from).await.unwrap() {
                seen.push(message);
            }
            seen
        });
        prop_assert_eq!(&seen_async, &messages);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut from = bytes.as_slice();
        while let Ok(Some(_)) = read::<ToPool>(&mut from) {}
        let mut from = bytes.as_slice();
        while let Ok(Some(_)) = read::<FromPool>(&mut from) {}
    }

    #[test]
    fn pictures_fit_their_header_or_are_refused(
        width in any::<u32>(), height in any::<u32>(), small in (1_u32..20, 1_u32..20),
        count in 0_usize..5, payload in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let times: Vec<(u64, i64)> = (0..count).map(|at| (at as u64, 40 * at as i64)).collect();
        for (width, height) in [(width, height), small] {
            let fits = u128::from(width) * u128::from(height) * 3 * count as u128 == payload.len() as u128 && !payload.is_empty();
            prop_assert_eq!(frames_of(width, height, &times, &payload).is_ok(), fits);
        }
        let (width, height) = small;
        let pixels = vec![7; (width * height * 3) as usize * count];
        if let Ok(frames) = frames_of(width, height, &times, &pixels) {
            let head = frames_head(3, Track::Large, &frames).unwrap();
            prop_assert_eq!(head, ToPool::Frames { job: 3, track: Track::Large, width, height, frames: times });
        } else {
            prop_assert_eq!(count, 0);
        }
    }

    #[test]
    fn sound_comes_out_as_it_went_in(samples in prop::collection::vec(-1.0_f32..1.0, 0..200), time_ms in any::<i64>()) {
        let pcm = Pcm { time_ms, samples: samples.clone().into() };
        let bytes = pcm_bytes(&pcm);
        let back = pcm_of(time_ms, &bytes).unwrap();
        prop_assert_eq!(&back.samples[..], &samples[..]);
        prop_assert_eq!(back.time_ms, time_ms);
        prop_assert!(bytes.is_empty() || pcm_of(time_ms, &bytes[1..]).is_err());
    }
}

#[test]
fn a_length_over_its_bound_is_refused_before_it_is_read() {
    for (head, payload) in [(u32::MAX, 0), (HEAD_MAX_BYTES as u32 + 1, 0), (2, PAYLOAD_MAX_BYTES as u32 + 1)] {
        let bytes = [head.to_le_bytes(), payload.to_le_bytes()].concat();
        assert!(matches!(read::<ToPool>(&mut bytes.as_slice()), Err(WireError::Refused(_))), "{head} {payload}");
    }
    assert!(matches!(opening(&ToPool::End { job: 1 }, PAYLOAD_MAX_BYTES + 1), Err(WireError::Refused(_))));
}

#[test]
fn a_batch_of_unequal_pictures_is_refused() {
    let picture = |width: u32| Frame::new(0, 0, width, 1, vec![0; width as usize * 3]);
    assert!(frames_head(1, Track::Small, &[picture(1), picture(2)]).is_err());
    assert!(frames_head(1, Track::Small, &[]).is_err());
}
