//! One process opens a data folder: it holds `DIR/lock`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

/// The lock of a data folder, held as long as this value lives.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

/// What asking for the lock gave.
#[derive(Debug)]
pub(super) enum Asked {
    /// It is ours.
    Ours(FolderLock),
    /// Another process holds it.
    Held {
        /// That process, as it wrote itself down.
        process: String,
    },
}

/// Asks for the lock of `data`, and makes the folder when it is not there.
///
/// # Errors
/// When the folder or the lock file cannot be made.
pub(super) fn ask(data: &Path) -> std::io::Result<Asked> {
    std::fs::create_dir_all(data)?;
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(data.join("lock"))?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            write!(file, "{}", std::process::id())?;
            Ok(Asked::Ours(FolderLock { _file: file }))
        }
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            Read::by_ref(&mut file).take(20).read_to_string(&mut process)?;
            Ok(Asked::Held { process })
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_asker_learns_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = ask(folder.path()).unwrap();
        assert!(matches!(first, Asked::Ours(_)));
        let Asked::Held { process } = ask(folder.path()).unwrap() else { panic!("not held") };
        assert_eq!(process, std::process::id().to_string());
        drop(first);
        assert!(matches!(ask(folder.path()).unwrap(), Asked::Ours(_)));
    }
}
