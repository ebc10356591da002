//! Plain data that every other module speaks: no I/O, no async, no dependency on any other module.

pub mod access;
pub mod analysis;
pub mod event;
pub mod fact;
pub mod fact_event;
pub mod finding;
pub mod id;
pub mod key;
pub mod media;
pub mod page;
pub mod task;
pub mod time;
pub mod verdict;
pub mod video;

pub use access::{Account, ApiKey, PlaySession, Role, SignIn};
pub use analysis::{AnalyserResult, AnalyserStatus, CacheStats, ModelRuns, OLD_DESCRIPTION, ResultKey};
pub use event::{Cursor, Event, Topic};
pub use fact::{EventForm, Fact, Guard, Personal};
pub use finding::{Finding, Span};
pub use id::{AccountId, ApiKeyId, IdError, PlaySessionId, TaskId, UploadId, VideoId, WorkerId};
pub use key::Key;
pub use media::{AudioTrack, MediaInfo, Rendition, VideoTrack};
pub use page::{Page, PageToken};
pub use task::{Lease, NewTask, Task, TaskEnd, TaskKind, TaskState};
pub use time::Micros;
pub use verdict::{Evidence, HumanLabel, Modality, Verdict};
pub use video::{Analysis, Decision, Video, VideoStatus};
