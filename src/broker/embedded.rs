//! The embedded broker: one append file per partition, an fsync per publish.
//!
//! A record is `[length u32][crc32 u32][key length u16][key][value]`, little endian; the checksum covers what follows it. A record's
//! position is its number in the file. A torn tail (a crash in the middle of a write) is cut off when the partition is opened.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::{Broker, BrokerError, MESSAGE_MAX_BYTES, Message, Partition};
use crate::model::Topic;

const HEADER_BYTES: usize = 10;
const KEY_MAX_BYTES: usize = 1024;
/// A look-up point every so many records keeps reads from scanning the file.
const INDEX_STEP: usize = 64;

/// Append files under one folder.
pub struct Embedded {
    logs: Arc<Vec<(Topic, i32, Mutex<Log>)>>,
}

impl Embedded {
    /// Opens, or makes, every partition's file.
    ///
    /// # Errors
    /// When the folder or a file cannot be used.
    pub fn open(folder: &Path) -> Result<Self, BrokerError> {
        std::fs::create_dir_all(folder).map_err(|error| down(folder, &error))?;
        let mut logs = Vec::new();
        for &topic in Topic::ALL {
            for partition in 0..topic.partitions() {
                let path = folder.join(format!("{topic}-{partition}.log"));
                let log = Log::open(path.clone()).map_err(|error| down(&path, &error))?;
                logs.push((topic, partition, Mutex::new(log)));
            }
        }
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| down(folder, &error))?;
        Ok(Self { logs: Arc::new(logs) })
    }
}

#[async_trait]
impl Broker for Embedded {
    async fn publish(&self, topic: Topic, messages: &[Message]) -> Result<Vec<(i32, i64)>, BrokerError> {
        for message in messages {
            if message.value.len() > MESSAGE_MAX_BYTES || message.key.len() > KEY_MAX_BYTES {
                let size = message.value.len();
                return Err(BrokerError::Refused(format!(
                    "{size} bytes; a message takes at most {MESSAGE_MAX_BYTES}, its key {KEY_MAX_BYTES}"
                )));
            }
        }
        let (logs, messages) = (Arc::clone(&self.logs), messages.to_vec());
        blocking(move || append_all(&logs, topic, &messages)).await
    }

    async fn partitions(&self, topic: Topic) -> Result<Vec<Partition>, BrokerError> {
        let of_topic = self.logs.iter().filter(|(name, ..)| *name == topic);
        Ok(of_topic
            .map(|(_, partition, log)| Partition { topic, partition: *partition, first: 0, next: locked(log).next })
            .collect())
    }

    async fn read(&self, topic: Topic, partition: i32, after: Option<i64>, max: usize) -> Result<Vec<Message>, BrokerError> {
        let logs = Arc::clone(&self.logs);
        blocking(move || {
            let log = find(&logs, topic, partition)?;
            let mut log = locked(log);
            let path = log.path.clone();
            log.read(after.map_or(0, |position| position.saturating_add(1)), max).map_err(|error| down(&path, &error))
        })
        .await
    }
}

/// Appends each message to the partition of its key, then syncs each partition that was touched.
fn append_all(logs: &[(Topic, i32, Mutex<Log>)], topic: Topic, messages: &[Message]) -> Result<Vec<(i32, i64)>, BrokerError> {
    let mut places = vec![(0, 0); messages.len()];
    for partition in 0..topic.partitions() {
        let chosen: Vec<usize> = (0..messages.len()).filter(|&at| partition_of(topic, &messages[at].key) == partition).collect();
        if chosen.is_empty() {
            continue;
        }
        let mut log = locked(find(logs, topic, partition)?);
        let path = log.path.clone();
        let batch: Vec<&Message> = chosen.iter().map(|&at| &messages[at]).collect();
        let first = log.append(&batch).map_err(|error| down(&path, &error))?;
        for (offset, at) in chosen.into_iter().enumerate() {
            places[at] = (partition, first + offset as i64);
        }
    }
    Ok(places)
}

fn partition_of(topic: Topic, key: &str) -> i32 {
    let digest = Sha256::digest(key.as_bytes());
    i32::from(digest[0]) % topic.partitions()
}

fn find(logs: &[(Topic, i32, Mutex<Log>)], topic: Topic, partition: i32) -> Result<&Mutex<Log>, BrokerError> {
    logs.iter()
        .find(|(name, number, _)| *name == topic && *number == partition)
        .map(|(_, _, log)| log)
        .ok_or_else(|| BrokerError::Refused(format!("`{topic}` has no partition {partition}")))
}

fn locked(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

fn down(path: &Path, error: &std::io::Error) -> BrokerError {
    BrokerError::Down(format!("`{}`: {error}", path.display()))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, BrokerError> + Send + 'static) -> Result<T, BrokerError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| BrokerError::Down(error.to_string()))?
}

/// One partition's file.
struct Log {
    path: PathBuf,
    file: File,
    /// Bytes that hold whole records.
    end: u64,
    next: i64,
    /// Byte position of every [`INDEX_STEP`]th record.
    index: Vec<u64>,
}

impl Log {
    fn open(path: PathBuf) -> std::io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        let mut log = Self { path, file, end: 0, next: 0, index: Vec::new() };
        let mut reader = BufReader::new(log.file.try_clone()?);
        reader.seek(SeekFrom::Start(0))?;
        while let Some((_, bytes)) = read_record(&mut reader)? {
            log.passed(bytes);
        }
        if log.file.metadata()?.len() > log.end {
            tracing::warn!(file = %log.path.display(), kept_bytes = log.end, "cut off a torn record");
            log.file.set_len(log.end)?;
            log.file.sync_all()?;
        }
        Ok(log)
    }

    fn passed(&mut self, bytes: u64) {
        if (self.next as usize).is_multiple_of(INDEX_STEP) {
            self.index.push(self.end);
        }
        self.end += bytes;
        self.next += 1;
    }

    /// Appends and syncs; a failed write leaves the file as it was.
    fn append(&mut self, messages: &[&Message]) -> std::io::Result<i64> {
        let first = self.next;
        let records: Vec<Vec<u8>> = messages.iter().map(|message| encode(message)).collect();
        let written = self.file.write_all(&records.concat()).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.file.set_len(self.end)?;
            return Err(error);
        }
        for record in &records {
            self.passed(record.len() as u64);
        }
        Ok(first)
    }

    fn read(&mut self, from: i64, max: usize) -> std::io::Result<Vec<Message>> {
        let from = from.max(0);
        if from >= self.next {
            return Ok(Vec::new());
        }
        let step = from as usize / INDEX_STEP;
        let mut reader = BufReader::new(self.file.try_clone()?);
        reader.seek(SeekFrom::Start(self.index.get(step).copied().unwrap_or(0)))?;
        let mut position = (step * INDEX_STEP) as i64;
        let mut found = Vec::new();
        while found.len() < max && position < self.next {
            let Some((message, _)) = read_record(&mut reader)? else { break };
            if position >= from {
                found.push(Message { offset: position, ..message });
            }
            position += 1;
        }
        Ok(found)
    }
}

fn encode(message: &Message) -> Vec<u8> {
    let mut body = Vec::with_capacity(message.key.len() + message.value.len() + 2);
    body.extend_from_slice(&(message.key.len() as u16).to_le_bytes());
    body.extend_from_slice(message.key.as_bytes());
    body.extend_from_slice(&message.value);
    let mut record = Vec::with_capacity(body.len() + 8);
    record.extend_from_slice(&(body.len() as u32).to_le_bytes());
    record.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
    record.extend_from_slice(&body);
    record
}

/// The next whole record and its length in bytes; none at the end or at a torn or damaged record.
fn read_record(reader: &mut impl Read) -> std::io::Result<Option<(Message, u64)>> {
    let mut header = [0; HEADER_BYTES];
    if !filled(reader, &mut header)? {
        return Ok(None);
    }
    let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
    let checksum = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
    let key_length = usize::from(u16::from_le_bytes([header[8], header[9]]));
    if length < key_length + 2 || length > MESSAGE_MAX_BYTES + KEY_MAX_BYTES + 2 {
        return Ok(None);
    }
    let mut body = vec![0; length];
    body[..2].copy_from_slice(&header[8..]);
    if !filled(reader, &mut body[2..])? || crc32fast::hash(&body) != checksum {
        return Ok(None);
    }
    let Ok(key) = String::from_utf8(body[2..2 + key_length].to_vec()) else { return Ok(None) };
    let message = Message { offset: 0, key, value: body[2 + key_length..].to_vec() };
    Ok(Some((message, length as u64 + 8)))
}

/// Fills the buffer; `false` when the file ends first.
fn filled(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(key: &str, value: &[u8]) -> Message {
        Message { offset: 0, key: key.to_owned(), value: value.to_vec() }
    }

    #[tokio::test]
    async fn passes_the_suite() {
        let folder = tempfile::tempdir().unwrap();
        crate::broker::conformance::conforms(|| Embedded::open(folder.path())).await;
    }

    #[tokio::test]
    async fn a_torn_tail_is_cut_off_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let broker = Embedded::open(folder.path()).unwrap();
        let (partition, _) = broker.publish(Topic::Verdicts, &[message("a", b"one"), message("a", b"two")]).await.unwrap()[0];
        drop(broker);
        let path = folder.path().join(format!("verdicts-{partition}.log"));
        let whole = std::fs::read(&path).unwrap();
        for cut in 1..whole.len() / 2 {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let broker = Embedded::open(folder.path()).unwrap();
            assert_eq!(broker.read(Topic::Verdicts, partition, None, 10).await.unwrap().len(), 1, "cut {cut}");
            broker.publish(Topic::Verdicts, &[message("a", b"again")]).await.unwrap();
            let read = broker.read(Topic::Verdicts, partition, Some(0), 10).await.unwrap();
            assert_eq!((read[0].offset, read[0].value.as_slice()), (1, b"again".as_slice()));
        }
    }
}
