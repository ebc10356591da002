//! ffmpeg and ffprobe as child processes, frame and PCM readers, playlist writers.

pub mod frame;
