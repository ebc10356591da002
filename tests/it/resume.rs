//! A pass that is saved and resumed at any point gives what an undisturbed one gives: every analyser, on one film, in the order in which
//! they stand on each other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use weir::analyser::{self, Analyser, Frame, Options, Pcm, Sampling, Summary};
use weir::infer::Models;
use weir::model::{Finding, MediaInfo};

use crate::analysers::decode;
use crate::program::ffmpeg;
use crate::support::{models, pieces, sound};

/// Points at which a pass is saved, per analyser; at each run another number of them.
const RUNS: usize = 3;
const SEED: u64 = 7;

/// Eight seconds: three shots, a tone that comes and goes, and a text.
fn film(folder: &Path) -> PathBuf {
    let path = folder.join("film.mp4");
    let graph = "testsrc2=s=320x240:r=25:d=3[a];mandelbrot=s=320x240:r=25,trim=end=3,setpts=PTS-STARTPTS[b];color=c=navy:s=320x240:r=25:d=2,\
                 drawtext=text='SALE TODAY':font=DejaVu Sans:fontsize=40:fontcolor=white:x=30:y=100[c];[a][b][c]concat=n=3,format=yuv420p[v]";
    let tone = "sine=f=220:d=8,volume='if(lt(mod(t,2),1.2),0.6,0)':eval=frame";
    let all = ["-f", "lavfi", "-i", tone, "-filter_complex", graph, "-map", "[v]", "-map", "0:a", "-c:v", "libx264"];
    let encoding = ["-preset", "ultrafast", "-c:a", "aac", "-t", "8"];
    ffmpeg(&[&all[..], &encoding[..]].concat(), &path);
    path
}

/// What a pass is given at a time.
enum Given {
    Picture(Frame),
    Sound(Pcm),
    Found(&'static str, Vec<Finding>),
}

type Found = (Vec<Finding>, Summary);

/// One run; the pass is saved and resumed before each place of `cuts`.
fn run(analyser: &dyn Analyser, info: &MediaInfo, models: &Arc<Models>, given: &[Given], cuts: &[usize]) -> Found {
    let mut pass = analyser.begin(info, models).unwrap();
    let mut found = Vec::new();
    for place in 0..=given.len() {
        if cuts.contains(&place) {
            pass = analyser.resume(info, models, &pass.save().unwrap()).unwrap();
        }
        match given.get(place) {
            Some(Given::Picture(frame)) => pass.frames(std::slice::from_ref(frame), &mut found).unwrap(),
            Some(Given::Sound(pcm)) => pass.audio(pcm, &mut found).unwrap(),
            Some(Given::Found(of, findings)) => pass.findings(of, findings, &mut found).unwrap(),
            None => {}
        }
    }
    let summary = pass.finish(&mut found).unwrap();
    (found, summary)
}

/// Those that come after others behind them.
fn in_order() -> Vec<Box<dyn Analyser>> {
    let mut left = analyser::all(&Options::default()).unwrap();
    let mut ordered: Vec<Box<dyn Analyser>> = Vec::new();
    while !left.is_empty() {
        let waiting: Vec<&str> = left.iter().map(|analyser| analyser.spec().name).collect();
        let free = left.iter().position(|analyser| !analyser.spec().after.iter().any(|name| waiting.contains(name)));
        ordered.push(left.remove(free.expect("no circle")));
    }
    ordered
}

#[test]
fn a_pass_that_is_saved_at_any_point_gives_what_an_undisturbed_one_gives() {
    let folder = tempfile::tempdir().unwrap();
    let file = film(folder.path());
    let heard = sound(&file);
    let mut found_by: BTreeMap<&'static str, Vec<Finding>> = BTreeMap::new();
    let mut random = StdRng::seed_from_u64(SEED);
    let mut looked = 0;
    for analyser in in_order() {
        let spec = analyser.spec();
        let Some(models) = models(spec.models) else { continue };
        let (info, frames) = match spec.sampling {
            Sampling::Audio | Sampling::Findings => (decode(&file, Sampling::Sampled { fps: 0.5 }).0, Vec::new()),
            sampling => decode(&file, sampling),
        };
        let mut given: Vec<Given> = frames.into_iter().map(Given::Picture).collect();
        if spec.sampling == Sampling::Audio {
            given.extend(pieces(&heard).into_iter().map(Given::Sound));
        }
        let before = spec.after.iter().filter_map(|name| Some(Given::Found(name, found_by.get(name)?.clone())));
        given.extend(before);
        let whole = run(&*analyser, &info, &models, &given, &[]);
        for number in 1..=RUNS {
            let cuts: Vec<usize> = (0..number * number).map(|_| random.random_range(0..=given.len())).collect();
            assert_eq!(run(&*analyser, &info, &models, &given, &cuts), whole, "{}, cut at {cuts:?}", spec.name);
        }
        let mut found = whole.0;
        found.sort_by_key(|finding| (finding.start_ms, finding.end_ms));
        found_by.insert(spec.name, found);
        looked += 1;
    }
    assert!(looked > 5, "{looked} analysers need no model");
}
