use futures::stream;

use super::*;

const LIMITS: PutLimits = PutLimits { max_bytes: 1 << 30, reserve_bytes: 0 };

fn open() -> (tempfile::TempDir, Blobs) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&BlobUrl::File(folder.path().join("blobs"))).unwrap();
    (folder, blobs)
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

fn parts(parts: Vec<Result<&'static [u8], &'static str>>) -> impl Stream<Item = Result<Bytes, &'static str>> + Unpin {
    stream::iter(parts.into_iter().map(|part| part.map(Bytes::from_static)))
}

#[tokio::test]
async fn stores_what_came_with_its_digest_and_reads_ranges() {
    let (_folder, blobs) = open();
    let name = key("vod-raw/up-1/source");
    let stored = blobs.put_stream(&name, parts(vec![Ok(b"hello "), Ok(b"weir")]), LIMITS).await.unwrap();
    assert_eq!(stored.size_bytes, 10);
    assert_eq!(stored.sha256, hex::encode(Sha256::digest(b"hello weir")));
    let middle: Vec<Bytes> = blobs.stream(&name, Some(6..10)).await.unwrap().try_collect().await.unwrap();
    assert_eq!(middle.concat(), b"weir");
    assert_eq!(blobs.size(&name).await.unwrap(), 10);
}

#[tokio::test]
async fn a_source_that_breaks_or_is_too_large_leaves_nothing() {
    let (folder, blobs) = open();
    let name = key("vod-raw/up-2/source");
    let broken = blobs.put_stream(&name, parts(vec![Ok(b"half"), Err("connection reset")]), LIMITS).await;
    assert!(matches!(broken, Err(BlobError::Source(_))), "{broken:?}");
    let limits = PutLimits { max_bytes: 3, reserve_bytes: 0 };
    let large = blobs.put_stream(&name, parts(vec![Ok(b"half")]), limits).await;
    assert!(matches!(large, Err(BlobError::TooLarge { limit: 3 })), "{large:?}");
    let reserve = PutLimits { max_bytes: 3, reserve_bytes: u64::MAX };
    let full = blobs.put_stream(&name, parts(vec![]), reserve).await;
    assert!(matches!(full, Err(BlobError::DiskFull { .. })), "{full:?}");
    assert!(matches!(blobs.size(&name).await, Err(BlobError::Missing(_))));
    let files = walk(folder.path());
    assert!(files.is_empty(), "left behind: {files:?}");
}

#[tokio::test]
async fn deletes_a_folder_and_only_it() {
    let (_folder, blobs) = open();
    for name in ["vod-raw/up-1/source", "vod-raw/up-12/source", "manifests/a/b"] {
        blobs.put(&key(name), Bytes::from_static(b"x")).await.unwrap();
    }
    assert_eq!(blobs.delete_folder(&key("vod-raw/up-1")).await.unwrap(), 1);
    let left: Vec<Listed> = blobs.list("vod-raw").try_collect().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].key.as_str(), "vod-raw/up-12/source");
    blobs.delete(&key("vod-raw/up-1/source")).await.unwrap();
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(walk(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}
