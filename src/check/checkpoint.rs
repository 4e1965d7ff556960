//! Where a check leaves behind what it explored: a folder with a file for each part.
//!
//! A file is written whole under another name, brought to the disk, and only then named: a process that is ended at any
//! moment leaves whole files alone. Each bears a checksum, that of the file before it, and what it is of: the case, its
//! parameters, how it is explored, and the very program, since another build may hold another model under the same name.

use std::fs::{self, File, TryLockError};
use std::hash::Hasher;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use siphasher::sip::SipHasher13;

use super::face::AnyCheck;
use super::{Check, Options};
use crate::explore::{CheckpointError, Keeper};
use crate::model::{CheckedModel, Interface};

/// Where an exploration is left behind now and then, so that another process can go on with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    folder: PathBuf,
    every: Duration,
    resume: bool,
}

impl Checkpoint {
    /// Seconds from one part to the next unless something else is said.
    pub const EVERY_S: u64 = 60;

    /// A checkpoint below `folder`, in a folder of its own for each case. There must be none yet.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Checkpoint { folder: folder.into(), every: Duration::from_secs(Self::EVERY_S), resume: false }
    }

    /// Time from one part to the next, which is the most that is lost. Default 60 s.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// Goes on with what is there. Where nothing is, exploring begins at the beginning.
    #[must_use]
    pub fn resume(mut self) -> Self {
        self.resume = true;
        self
    }

    /// The keeper of a run that is told apart from others by `case`, a name, and by `details`, lines that say on what
    /// else its result depends: the bounds of its model, say.
    ///
    /// # Errors
    /// There is a checkpoint that is not to be gone on with, or another run uses the folder, or it cannot be written to.
    pub fn keeper(&self, case: &str, details: &str) -> Result<Arc<dyn Keeper>, CheckpointError> {
        Ok(Arc::new(self.open(case, details)?))
    }

    fn open(&self, case: &str, details: &str) -> Result<Folder, CheckpointError> {
        let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
        let name = |part: &str| part.replace(|letter| !plain(letter), "-").replace("..", "-");
        let path = case.split('/').map(name).fold(self.folder.clone(), |path, part| path.join(part));
        let failed = |error| io_error(&path, &error);
        fs::create_dir_all(&path).map_err(failed)?;
        let lock = File::create(path.join("lock")).map_err(failed)?;
        let began = Instant::now();
        while let Err(error) = lock.try_lock() {
            match error {
                TryLockError::WouldBlock if began.elapsed() < PATIENCE => std::thread::sleep(PATIENCE / 50),
                TryLockError::WouldBlock => return Err(CheckpointError::InUse { path: told(&path) }),
                TryLockError::Error(error) => return Err(io_error(&path, &error)),
            }
        }
        let program = program().as_ref().map_err(Clone::clone)?;
        let what = format!("case: {case}\n{details}program: {program}\n");
        let parts = numbered(&path)?;
        if !self.resume && !parts.is_empty() {
            return Err(CheckpointError::Occupied { path: told(&path) });
        }
        let state = State { what, kept: 0, checksum: 0, looked: Instant::now() };
        Ok(Folder { path, every: self.every, state: Mutex::new(state), _lock: lock })
    }
}

impl<M: CheckedModel, F: Interface<Model = M>> Check<M, F> {
    /// Leaves the exploration of the model behind now and then, so that another process can go on with it. What is judged
    /// and run alongside afterwards begins anew.
    #[must_use]
    pub fn checkpoint(mut self, checkpoint: Checkpoint) -> Self {
        self.plan.options.checkpoint = Some(checkpoint);
        self
    }
}

/// How long a folder that is in use is waited for: a process that was killed is gone only after a while.
const PATIENCE: Duration = Duration::from_secs(1);

/// The folder of one case.
struct Folder {
    path: PathBuf,
    every: Duration,
    state: Mutex<State>,
    /// Held until the process ends, however it does.
    _lock: File,
}

struct State {
    /// What the parts are of, a line each.
    what: String,
    /// Parts kept so far.
    kept: u64,
    /// Of the last of them.
    checksum: u64,
    looked: Instant,
}

/// What a file begins with: its format is 1.
const MAGIC: &[u8; 24] = b"counterpart checkpoint 1";
const PART: &str = "part";

impl Keeper for Folder {
    fn begin(&self, what: &str) -> Result<Vec<Vec<u8>>, CheckpointError> {
        self.state().what += what;
        let mut bodies = Vec::new();
        self.each_part(true, |body| bodies.push(body.to_vec()))?;
        self.state().looked = Instant::now();
        Ok(bodies)
    }

    fn is_due(&self) -> bool {
        self.state().looked.elapsed() >= self.every
    }

    fn keep(&self, part: &[u8]) -> Result<(), CheckpointError> {
        let mut state = self.state();
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(state.kept + 1).to_le_bytes());
        bytes.extend_from_slice(&state.checksum.to_le_bytes());
        bytes.extend_from_slice(&(state.what.len() as u64).to_le_bytes());
        bytes.extend_from_slice(state.what.as_bytes());
        bytes.extend_from_slice(part);
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        let file = self.file(state.kept + 1);
        written_whole(&self.path, &file, &bytes).map_err(|error| io_error(&file, &error))?;
        (state.kept, state.checksum, state.looked) = (state.kept + 1, checksum, Instant::now());
        Ok(())
    }
}

impl Folder {
    fn file(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:08}.{PART}"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands what the parts hold to `each`. `is_whole`: whether all is known that they have to be of, or there may be more.
    fn each_part(&self, is_whole: bool, mut each: impl FnMut(&[u8])) -> Result<(), CheckpointError> {
        for number in numbered(&self.path)? {
            let file = self.file(number);
            let bytes = fs::read(&file).map_err(|error| io_error(&file, &error))?;
            each(self.state().taken(&file, number, &bytes, is_whole)?);
        }
        Ok(())
    }
}

impl State {
    /// What the file of this number holds, which follows on the last one.
    fn taken<'a>(
        &mut self,
        file: &Path,
        number: u64,
        bytes: &'a [u8],
        is_whole: bool,
    ) -> Result<&'a [u8], CheckpointError> {
        let damaged = |what: &str| CheckpointError::Damaged { path: told(file), what: what.into() };
        let (bytes, sum) = bytes.split_last_chunk().ok_or_else(|| damaged("it is cut off"))?;
        if checksum(bytes) != u64::from_le_bytes(*sum) {
            return Err(damaged("its checksum is not that of its content"));
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it is of another format"))?;
        let (own, rest) = number_of(rest).ok_or_else(|| damaged("it is cut off"))?;
        let (before, rest) = number_of(rest).ok_or_else(|| damaged("it is cut off"))?;
        let (len, rest) = number_of(rest).ok_or_else(|| damaged("it is cut off"))?;
        let len = usize::try_from(len).map_err(|_| damaged("it is cut off"))?;
        let (what, body) = rest.split_at_checked(len).ok_or_else(|| damaged("it is cut off"))?;
        let theirs = String::from_utf8_lossy(what);
        if theirs != self.what && (is_whole || !theirs.starts_with(&self.what)) {
            let lines = theirs.lines().zip(self.what.lines()).find(|(theirs, ours)| theirs != ours);
            let (theirs, ours) = lines.unwrap_or((&theirs, &self.what));
            return Err(CheckpointError::Foreign { path: told(file), theirs: theirs.into(), ours: ours.into() });
        }
        if own != number || number != self.kept + 1 || before != self.checksum {
            return Err(damaged(&format!("it does not follow on part {}", self.kept)));
        }
        (self.kept, self.checksum) = (number, u64::from_le_bytes(*sum));
        Ok(body)
    }
}

impl AnyCheck {
    /// The keeper of this check, where the options ask for one.
    pub(super) fn keeper(&self, options: &Options) -> Result<Option<Arc<dyn Keeper>>, CheckpointError> {
        let Some(checkpoint) = &options.checkpoint else { return Ok(None) };
        checkpoint.keeper(&self.plan.name, &self.details()).map(Some)
    }

    /// Whether what is kept may be gone on with, as far as that is known before anything is explored. Tells how many parts
    /// there are.
    #[cfg(feature = "cli")]
    pub(super) fn kept_parts(&self, options: &Options) -> Result<u64, CheckpointError> {
        let Some(checkpoint) = &options.checkpoint else { return Ok(0) };
        let folder = checkpoint.open(&self.plan.name, &self.details())?;
        folder.each_part(false, |_| ())?;
        let kept = folder.state().kept;
        Ok(kept)
    }

    /// What the result depends on beside the case and the program. What the engine adds to it, it says itself.
    pub(super) fn details(&self) -> String {
        let parameters = self.model.parameters();
        parameters.iter().map(|(name, value)| format!("{name}: {}\n", value.replace('\n', " "))).collect()
    }
}

/// The numbers of the files in a folder, in their order. What was not named to its end does not count.
fn numbered(folder: &Path) -> Result<Vec<u64>, CheckpointError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| io_error(folder, &error))? {
        let path = entry.map_err(|error| io_error(folder, &error))?.path();
        if path.extension().is_some_and(|extension| extension == PART) {
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            let lacks = || CheckpointError::Damaged { path: told(&path), what: "its name has no number".into() };
            numbers.push(number.ok_or_else(lacks)?);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn written_whole(folder: &Path, file: &Path, bytes: &[u8]) -> io::Result<()> {
    let unnamed = folder.join("unfinished");
    let mut open = File::create(&unnamed)?;
    open.write_all(bytes)?;
    open.sync_all()?;
    drop(open);
    fs::rename(&unnamed, file)?;
    // Elsewhere a folder cannot be opened, and brings its names to the disk by itself.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn number_of(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), rest))
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    hasher.finish()
}

/// A digest of the program that runs.
fn program() -> &'static Result<String, CheckpointError> {
    static PROGRAM: OnceLock<Result<String, CheckpointError>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = std::env::current_exe().map_err(|error| io_error(Path::new("the program itself"), &error))?;
        let digest = || {
            let (mut file, mut hasher, mut room) = (File::open(&path)?, SipHasher13::new(), vec![0; 1 << 16]);
            loop {
                match file.read(&mut room)? {
                    0 => return Ok(hasher.finish()),
                    len => hasher.write(&room[..len]),
                }
            }
        };
        let digest = digest().map_err(|error: io::Error| io_error(&path, &error))?;
        Ok(format!("{} {digest:016x}", env!("CARGO_PKG_VERSION")))
    })
}

fn io_error(path: &Path, error: &io::Error) -> CheckpointError {
    CheckpointError::Io { path: told(path), why: error.to_string() }
}

fn told(path: &Path) -> String {
    path.display().to_string()
}
