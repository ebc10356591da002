//! Opened models: each is loaded at its first use and kept, within a limit.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::batch::BatchLimits;
use super::clock::Clock;
use super::{GivenFile, ModelError, ModelFiles, Running, Session, runtime};
use crate::model::CacheStats;

/// The models of one process. Share it in an [`Arc`].
#[derive(Debug)]
pub struct Models {
    files: ModelFiles,
    running: Running,
    cache: Mutex<Cache>,
}

/// What is open, by model and file.
#[derive(Debug, Default)]
struct Cache {
    slots: HashMap<(String, String), Slot>,
    /// Counts uses; what has the lowest number was used longest ago.
    uses: u64,
    told: CacheStats,
    /// By model; they outlive it.
    clocks: BTreeMap<String, Arc<Clock>>,
}

/// One model's place. It has a lock of its own, so that a slow load holds up only those who want the same model.
#[derive(Debug, Default)]
struct Slot {
    opened: Arc<Mutex<Option<Arc<Session>>>>,
    used: u64,
    /// Of the file, when it is open.
    bytes: u64,
}

impl Models {
    /// The models below `directory`, each to be run on the CPU with `threads` threads, all of them kept. Nothing is loaded yet; the
    /// directory need not exist.
    pub fn open(directory: impl Into<PathBuf>, threads: usize) -> Self {
        Self::open_in(directory, Running::on_cpu(threads))
    }

    /// The models below `directory`, to be run in this way.
    pub fn open_in(directory: impl Into<PathBuf>, running: Running) -> Self {
        Self { files: ModelFiles::new(directory), running, cache: Mutex::default() }
    }

    /// Where the files are.
    pub fn files(&self) -> &ModelFiles {
        &self.files
    }

    /// Whether the files of `name` are here.
    pub fn has(&self, name: &str) -> bool {
        self.files.has(name)
    }

    /// Checks that ONNX Runtime and every model in `names` are here, by presence and size.
    ///
    /// # Errors
    /// [`ModelError::Missing`] for the first that is not, [`ModelError::Unknown`].
    pub fn require(&self, names: &[&str]) -> Result<(), ModelError> {
        let runtime = if self.running.library.is_some() { &[][..] } else { &[runtime::NAME] };
        for name in [runtime, names].concat() {
            self.files.registry().find(name)?;
            if !self.has(name) {
                return Err(ModelError::Missing { name: name.to_owned() });
            }
        }
        Ok(())
    }

    /// One digest for all of `names`, in hex: what an analysis' result key says of its models.
    ///
    /// # Errors
    /// [`ModelError::Unknown`].
    pub fn digest(&self, name: &str) -> Result<String, ModelError> {
        self.files.digest(name)
    }

    /// The ONNX file `file` of the model `name`: opened now, or before.
    ///
    /// # Errors
    /// [`ModelError::Missing`] (of the model, or of ONNX Runtime), [`ModelError::Digest`], [`ModelError::Unknown`], [`ModelError::Load`].
    pub fn session(&self, name: &str, file: &str) -> Result<Arc<Session>, ModelError> {
        let bytes = self.files.registry().find(name)?.file(file)?.bytes;
        self.opened(name, file, bytes, || self.open_file(name, &self.files.file(name, file)?))
    }

    /// A model that the configuration names: opened now, or before. Once the file changed, it is another model.
    ///
    /// # Errors
    /// As for [`session`](Self::session).
    pub fn given(&self, file: &GivenFile) -> Result<Arc<Session>, ModelError> {
        let name = file.path().display().to_string();
        let bytes = file.path().metadata().map_or(0, |metadata| metadata.len());
        self.opened(&name, &file.digest()?, bytes, || self.open_file(&name, file.path()))
    }

    /// How the cache did so far.
    pub fn stats(&self) -> CacheStats {
        let cache = self.cache();
        let open = cache.slots.values().filter(|slot| slot.bytes > 0);
        let runs = cache.clocks.iter().map(|(name, clock)| (name.clone(), clock.runs())).collect();
        CacheStats { loaded: open.clone().count() as u64, bytes: open.map(|slot| slot.bytes).sum(), runs, ..cache.told }
    }

    fn opened(
        &self,
        name: &str,
        file: &str,
        bytes: u64,
        open: impl FnOnce() -> Result<Session, ModelError>,
    ) -> Result<Arc<Session>, ModelError> {
        let key = (name.to_owned(), file.to_owned());
        let place = self.cache().place(&key);
        let mut opened = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = opened.as_ref() {
            self.cache().told.hits += 1;
            return Ok(session.clone());
        }
        self.cache().told.misses += 1;
        self.make_room(bytes);
        let session = Arc::new(open()?);
        *opened = Some(session.clone());
        self.cache().slots.entry(key).or_default().bytes = bytes.max(1);
        Ok(session)
    }

    /// Closes what was used longest ago until `wanted` more bytes fit. Where everything is in use the limit is passed: the pool's
    /// memory limit stands behind it.
    fn make_room(&self, wanted: u64) {
        let mut cache = self.cache();
        loop {
            let bytes: u64 = cache.slots.values().map(|slot| slot.bytes).sum();
            if bytes.saturating_add(wanted) <= self.running.limit_bytes {
                return;
            }
            let idle = |(name, _): &(String, String), slot: &Slot| {
                slot.bytes > 0 && !self.running.pinned.contains(name) && slot.is_idle()
            };
            let oldest = cache.slots.iter().filter(|(key, slot)| idle(key, slot)).min_by_key(|(_, slot)| slot.used);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { return };
            // Its session goes when the last of its users lets go of it.
            let closed = cache.slots.remove(&key);
            cache.told.evictions += u64::from(closed.is_some());
        }
    }

    fn open_file(&self, name: &str, path: &Path) -> Result<Session, ModelError> {
        let environment = runtime::environment(&self.files, self.running.library.as_deref())?;
        let limits = BatchLimits { most: self.running.batch_most, memory_bytes: self.running.memory_bytes };
        let clock = self.cache().clocks.entry(name.to_owned()).or_default().clone();
        Ok(Session::new(name, runtime::open(&environment, name, path, &self.running)?, limits, clock))
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    /// The place of a model, which now was used last.
    fn place(&mut self, key: &(String, String)) -> Arc<Mutex<Option<Arc<Session>>>> {
        self.uses += 1;
        let slot = self.slots.entry(key.clone()).or_default();
        slot.used = self.uses;
        slot.opened.clone()
    }
}

impl Slot {
    /// Nobody but the cache holds the session, and nobody is about to.
    fn is_idle(&self) -> bool {
        let free = Arc::strong_count(&self.opened) == 1;
        let opened = self.opened.try_lock();
        free && opened.is_ok_and(|opened| opened.as_ref().is_some_and(|session| Arc::strong_count(session) == 1))
    }
}
