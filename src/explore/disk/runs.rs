//! Sorted runs: lists of records in files, written once from the first to the last, read again in that order.
//!
//! Records are a few words, and lie in a file as these. What outgrows its memory is sorted piece by piece, and the
//! pieces are merged when they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Something that is a few words of 64 bits.
pub(super) trait Record: Copy + Ord {
    const WORDS: usize;

    fn word(&self, at: usize) -> u64;
    fn of(word: impl Fn(usize) -> u64) -> Self;
    /// Whether both stand for one, of which the first is kept.
    fn is_same(&self, other: &Self) -> bool;
}

/// A state that is known.
impl<const N: usize> Record for [u64; N] {
    const WORDS: usize = N;

    #[inline]
    fn word(&self, at: usize) -> u64 {
        self[at]
    }

    #[inline]
    fn of(word: impl Fn(usize) -> u64) -> Self {
        std::array::from_fn(word)
    }

    #[inline]
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}

/// A state, and the step that it was found by. In the order of states, and of one state in that of steps.
impl<const N: usize> Record for ([u64; N], u64) {
    const WORDS: usize = N + 1;

    #[inline]
    fn word(&self, at: usize) -> u64 {
        if at < N { self.0[at] } else { self.1 }
    }

    #[inline]
    fn of(word: impl Fn(usize) -> u64) -> Self {
        (std::array::from_fn(&word), word(N))
    }

    #[inline]
    fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// The same in the order of steps.
impl<const N: usize> Record for (u64, [u64; N]) {
    const WORDS: usize = N + 1;

    #[inline]
    fn word(&self, at: usize) -> u64 {
        if at == 0 { self.0 } else { self.1[at - 1] }
    }

    #[inline]
    fn of(word: impl Fn(usize) -> u64) -> Self {
        (word(0), std::array::from_fn(|at| word(at + 1)))
    }

    #[inline]
    fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// Bytes that are read and written at a time.
const BLOCK_BYTES: usize = 1 << 14;

/// Records in a block.
const fn block_of(words: usize) -> usize {
    BLOCK_BYTES / (8 * words)
}

/// A folder for files that are removed when they are not needed any more.
pub(super) struct Folder {
    path: PathBuf,
    next: u64,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Folder { path: path.into(), next: 0 }
    }

    /// A file for reading and writing. It has no name any more where the system allows that, and ends with its last user.
    pub(super) fn file(&mut self) -> io::Result<File> {
        let path = self.path.join(format!("{}.run", self.next));
        self.next += 1;
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        if cfg!(unix) {
            std::fs::remove_file(&path)?;
        }
        Ok(file)
    }
}

/// Writes records one after the other.
pub(super) struct Writer {
    file: File,
    room: Vec<u8>,
    len: usize,
}

impl Writer {
    pub(super) fn new(file: File) -> Self {
        Writer { file, room: Vec::with_capacity(2 * BLOCK_BYTES), len: 0 }
    }

    #[inline]
    pub(super) fn push<R: Record>(&mut self, record: &R) -> io::Result<()> {
        for at in 0..R::WORDS {
            self.room.extend_from_slice(&record.word(at).to_le_bytes());
        }
        self.len += 1;
        if self.room.len() >= BLOCK_BYTES { self.flush() } else { Ok(()) }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.room)?;
        self.room.clear();
        Ok(())
    }

    /// The file, at its beginning, and how many records it holds.
    pub(super) fn done(mut self) -> io::Result<(File, usize)> {
        self.flush()?;
        self.file.rewind()?;
        Ok((self.file, self.len))
    }
}

/// Reads records one after the other.
pub(super) struct Reader<R> {
    file: File,
    room: Vec<u8>,
    block: Vec<R>,
    at: usize,
    left: usize,
}

impl<R: Record> Reader<R> {
    /// Reads so many records from where `file` stands.
    pub(super) fn new(file: File, len: usize) -> Self {
        Reader { file, room: Vec::new(), block: Vec::new(), at: 0, left: len }
    }

    #[inline]
    pub(super) fn next(&mut self) -> io::Result<Option<R>> {
        if self.at == self.block.len() {
            if self.left == 0 {
                return Ok(None);
            }
            self.load()?;
        }
        self.at += 1;
        Ok(Some(self.block[self.at - 1]))
    }

    fn load(&mut self) -> io::Result<()> {
        let count = block_of(R::WORDS).min(self.left);
        self.left -= count;
        self.at = 0;
        load(&mut self.file, count, &mut self.room, &mut self.block)
    }
}

/// Fills `block` with the next records of `file`.
fn load<R: Record>(file: &mut File, count: usize, room: &mut Vec<u8>, block: &mut Vec<R>) -> io::Result<()> {
    room.resize(count * 8 * R::WORDS, 0);
    file.read_exact(room)?;
    let word = |bytes: &[u8], at: usize| bytes[8 * at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    block.clear();
    block.extend(room.chunks_exact(8 * R::WORDS).map(|bytes| R::of(|at| word(bytes, at))));
    Ok(())
}

/// A run of which it is known where each block begins, so that what is looked for in ascending order need not be read
/// past.
pub(super) struct Indexed<R> {
    file: File,
    pub(super) len: usize,
    /// The first record of each block.
    firsts: Vec<R>,
    room: Vec<u8>,
    block: Vec<R>,
    /// One more than the number of the block that is loaded.
    loaded: usize,
    at: usize,
}

impl<R: Record> Indexed<R> {
    /// Begins once more at the first record.
    pub(super) fn rewind(&mut self) {
        (self.loaded, self.at) = (0, 0);
        self.block.clear();
    }

    /// Whether `record` is there. Each that is asked about lies behind the one before.
    #[inline]
    pub(super) fn has(&mut self, record: &R) -> io::Result<bool> {
        if self.firsts.get(self.loaded).is_some_and(|first| first <= record) {
            self.go_to(record)?;
        }
        while self.block.get(self.at).is_some_and(|other| other < record) {
            self.at += 1;
        }
        Ok(self.block.get(self.at) == Some(record))
    }

    #[cold]
    fn go_to(&mut self, record: &R) -> io::Result<()> {
        let behind = self.firsts[self.loaded..].partition_point(|first| first <= record);
        let block = self.loaded + behind - 1;
        let first = block * block_of(R::WORDS);
        self.file.seek(io::SeekFrom::Start((first * 8 * R::WORDS) as u64))?;
        load(&mut self.file, block_of(R::WORDS).min(self.len - first), &mut self.room, &mut self.block)?;
        (self.loaded, self.at) = (block + 1, 0);
        Ok(())
    }

    /// All of it in order.
    fn read(mut self) -> io::Result<Reader<R>> {
        self.file.rewind()?;
        Ok(Reader::new(self.file, self.len))
    }

    /// A run of what is in both.
    pub(super) fn merged(self, other: Self, folder: &mut Folder) -> io::Result<Self> {
        let (mut left, mut right) = (self.read()?, other.read()?);
        let mut to = IndexedWriter::new(folder.file()?);
        let (mut one, mut two) = (left.next()?, right.next()?);
        loop {
            match (one, two) {
                (Some(first), Some(second)) if first > second => {
                    to.push(&second)?;
                    two = right.next()?;
                }
                (Some(first), _) => {
                    to.push(&first)?;
                    one = left.next()?;
                }
                (None, Some(second)) => {
                    to.push(&second)?;
                    two = right.next()?;
                }
                (None, None) => return to.done(),
            }
        }
    }
}

/// Writes an [`Indexed`] run.
pub(super) struct IndexedWriter<R> {
    to: Writer,
    firsts: Vec<R>,
}

impl<R: Record> IndexedWriter<R> {
    pub(super) fn new(file: File) -> Self {
        IndexedWriter { to: Writer::new(file), firsts: Vec::new() }
    }

    #[inline]
    pub(super) fn push(&mut self, record: &R) -> io::Result<()> {
        if self.to.len.is_multiple_of(block_of(R::WORDS)) {
            self.firsts.push(*record);
        }
        self.to.push(record)
    }

    pub(super) fn done(self) -> io::Result<Indexed<R>> {
        let (file, len) = self.to.done()?;
        Ok(Indexed { file, len, firsts: self.firsts, room: Vec::new(), block: Vec::new(), loaded: 0, at: 0 })
    }
}

/// Sorts more than it has memory for.
pub(super) struct Sorter<R> {
    kept: Vec<R>,
    kept_max: usize,
    runs: Vec<(File, usize)>,
}

impl<R: Record> Sorter<R> {
    /// With so many bytes of memory.
    pub(super) fn new(bytes: usize) -> Self {
        Sorter { kept: Vec::new(), kept_max: (bytes / (8 * R::WORDS)).max(1), runs: Vec::new() }
    }

    #[inline]
    pub(super) fn push(&mut self, record: R, folder: &mut Folder) -> io::Result<()> {
        if self.kept.len() == self.kept_max {
            self.write(folder)?;
        }
        self.kept.push(record);
        Ok(())
    }

    #[cold]
    fn write(&mut self, folder: &mut Folder) -> io::Result<()> {
        self.sort();
        let mut run = Writer::new(folder.file()?);
        self.kept.drain(..).try_for_each(|record| run.push(&record))?;
        self.runs.push(run.done()?);
        Ok(())
    }

    fn sort(&mut self) {
        self.kept.sort_unstable();
        self.kept.dedup_by(|later, first| first.is_same(later));
    }

    /// Hands everything to `each`, in order, and of what is the same the first. Nothing is left.
    pub(super) fn drain(
        &mut self,
        folder: &mut Folder,
        mut each: impl FnMut(&mut Folder, &R) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.runs.is_empty() {
            self.sort();
            return self.kept.drain(..).try_for_each(|record| each(folder, &record));
        }
        self.write(folder)?;
        let mut runs: Vec<_> = self.runs.drain(..).map(|(file, len)| Reader::new(file, len)).collect();
        let mut heads = BinaryHeap::with_capacity(runs.len());
        for (index, run) in runs.iter_mut().enumerate() {
            heads.extend(run.next()?.map(|head| Reverse((head, index))));
        }
        let mut last: Option<R> = None;
        while let Some(mut head) = heads.peek_mut() {
            let Reverse((record, index)) = *head;
            match runs[index].next()? {
                Some(next) => *head = Reverse((next, index)),
                None => _ = std::collections::binary_heap::PeekMut::pop(head),
            }
            if !last.is_some_and(|last| last.is_same(&record)) {
                each(folder, &record)?;
                last = Some(record);
            }
        }
        Ok(())
    }
}
