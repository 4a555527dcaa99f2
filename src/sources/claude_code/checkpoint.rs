//! The place from which a later reading of the same session continues.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::pace::Pace;
use super::paths::{AgentFile, SessionFiles};
use super::requests::RequestState;
use super::surroundings::Standing;
use crate::fingerprint;
use crate::session::{Earlier, Generation, Recording, Session, Skipped, Turn};

/// Version of the format of checkpoints. Raise it with every change of the contents or their
/// meaning: a checkpoint of another version is ignored, and its session is read from the start.
/// Checkpoints without a version are older than 1.
const FORMAT: u32 = 7;

/// Bytes before a checkpoint that its fingerprint covers.
const GUARDED: u64 = 4096;

/// The extent of a reading: which lines and files were read, and where turns begin.
#[derive(Debug)]
pub(super) struct Extent {
    transcript: PathBuf,
    /// The place of every turn in the main transcript.
    pub(super) marks: Vec<Mark>,
    /// Sizes of subagents' files that were read, now or earlier, in bytes.
    agent_bytes: BTreeMap<String, u64>,
    pub(super) has_custom_title: bool,
    /// Unusable lines of each agent's file.
    skipped: BTreeMap<String, Skipped>,
    /// Whether the session continues after the part that was read.
    pub(super) is_part: bool,
    /// Subagent transcripts that could not be read, with the reason.
    pub(super) unreadable: Vec<(PathBuf, String)>,
    /// Transcripts of other sessions that own lines in this one's transcript; these lines are
    /// omitted here.
    pub(super) others: Vec<PathBuf>,
}

/// The place from which a reading must continue to see a turn with everything that its first
/// response received; that may be before the turn itself.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    /// Identity of the turn.
    pub(super) turn: String,
    pub(super) offset: u64,
    /// Number of statements of the books before that place, in the part that was read.
    pub(super) statements: usize,
    /// Unusable lines before that place, in the part that was read.
    pub(super) skipped: Skipped,
    /// The settings that apply at that place.
    pub(super) standing: Standing,
    /// Time of the last line with a time.
    pub(super) last_time: Option<DateTime<Utc>>,
    /// The state of the recorded working time.
    pub(super) pace: Pace,
    /// The state of the request records.
    pub(super) place: Option<RequestState>,
}

/// Everything a later reading needs to continue where the last turn of this one began. It only
/// saves time: when it does not match the files, they are read whole.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// [`FORMAT`] of the program that made it.
    format: u32,
    /// Offset in the transcript at which reading continues, in bytes.
    pub(super) offset: u64,
    /// Fingerprint of the bytes before it.
    guard: u64,
    pub(super) last_time: Option<DateTime<Utc>>,
    pub(super) standing: Standing,
    pub(super) has_custom_title: bool,
    pub(super) pace: Pace,
    pub(super) place: Option<RequestState>,
    /// Sizes of subagents' files that belong to earlier turns, in bytes.
    agent_bytes: BTreeMap<String, u64>,
    pub(super) earlier: Earlier,
}

/// The field that all formats have.
#[derive(Deserialize)]
struct Numbered {
    format: u32,
}

impl Extent {
    /// The extent at the start of a reading that continues from `checkpoint`.
    pub(super) fn begin(files: &SessionFiles, checkpoint: &Checkpoint) -> Self {
        Self {
            transcript: files.transcript.clone(),
            marks: Vec::new(),
            agent_bytes: checkpoint.agent_bytes.clone(),
            has_custom_title: checkpoint.has_custom_title,
            skipped: BTreeMap::new(),
            is_part: false,
            unreadable: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Adds an agent's file that was read, with the number of its unusable lines.
    pub(super) fn note_agent(&mut self, agent: &AgentFile, skipped: Skipped) {
        self.agent_bytes.insert(agent.id.clone(), agent.bytes);
        self.skipped.insert(agent.id.clone(), skipped);
    }

    /// Removes from a part everything that may still change, and returns the place where the next
    /// one begins. `None` when nothing would be left: the part has to be read again, together with
    /// more. For `ours` see [`Extent::checkpoint_of`].
    pub(super) fn cut_down(
        &self,
        session: &mut Session,
        ours: &dyn Fn(&Generation) -> bool,
    ) -> Option<Checkpoint> {
        let (at, mark) = self.place(session, ours).filter(|(at, _)| *at > 0)?;
        let checkpoint = self.checkpoint_at(at, mark, session, ours)?;
        session.turns.truncate(at);
        session.statements.truncate(mark.statements);
        session.is_part = true;
        Some(checkpoint)
    }

    /// The checkpoint from which the next reading costs only what is new. `ours` distinguishes the
    /// generations of this session from those copied from another. `None` while there is nothing to
    /// skip.
    pub(super) fn checkpoint_of(
        &self,
        session: &Session,
        ours: &dyn Fn(&Generation) -> bool,
    ) -> Option<Checkpoint> {
        let (at, mark) = self.place(session, ours)?;
        self.checkpoint_at(at, mark, session, ours)
    }

    fn checkpoint_at(
        &self,
        at: usize,
        mark: &Mark,
        session: &Session,
        ours: &dyn Fn(&Generation) -> bool,
    ) -> Option<Checkpoint> {
        let (settled, open) = session.turns.split_at(at);
        let mut earlier = session.earlier.clone();
        earlier.started_at = Some(session.started_at);
        earlier.ended_at = Some(session.ended_at);
        earlier.title.clone_from(&session.title);
        earlier.lineage.clone_from(&session.lineage);
        earlier.first_prompt = session.first_prompt().map(str::to_owned);
        let books = session.reconcile_until(settled, mark.statements, ours);
        for unlisted in &books.unlisted {
            earlier.totals.add_unlisted(unlisted);
        }
        earlier.balance = books.balance;
        for turn in settled {
            earlier.absorb(turn, ours);
        }
        let mut agent_bytes = self.agent_bytes.clone();
        for (_, subagent) in open.iter().flat_map(Turn::all_subagents) {
            agent_bytes.remove(&subagent.id);
        }
        let settled_agents = agent_bytes.keys().filter_map(|id| self.skipped.get(id));
        for skipped in settled_agents.chain([&mark.skipped]) {
            earlier.skipped = earlier.skipped.plus(*skipped);
        }
        Some(Checkpoint {
            format: FORMAT,
            offset: mark.offset,
            guard: guard_before(&self.transcript, mark.offset).ok()?,
            last_time: mark.last_time,
            standing: mark.standing.clone(),
            has_custom_title: self.has_custom_title,
            pace: mark.pace.clone(),
            place: mark.place.clone(),
            agent_bytes,
            earlier,
        })
    }

    /// The turn with which the next reading begins. Nothing before it may still change, and it or a
    /// later one contains the answer that the trace shows.
    fn place(
        &self,
        session: &Session,
        ours: &dyn Fn(&Generation) -> bool,
    ) -> Option<(usize, &Mark)> {
        let turns = &session.turns;
        let settled = turns.iter().take_while(|turn| turn.is_settled()).count();
        let answered = turns
            .iter()
            .rposition(|turn| turn.is_shown(ours) && turn.answer().is_some())?;
        let latest = settled.min(answered);
        let mark_of = |turn: &Turn| self.marks.iter().find(|mark| mark.turn == turn.id);
        // Not every turn has a place to continue from.
        let mut marked = turns.get(..=latest)?.iter();
        let latest = marked.rposition(|turn| mark_of(turn).is_some())?;
        let mark = mark_of(turns.get(latest)?)?;
        // Messages before the turn may be turns too, which no response answered.
        let first = turns[..latest]
            .iter()
            .position(|turn| mark_of(turn).is_some_and(|earlier| earlier.offset >= mark.offset));
        let first = first.unwrap_or(latest);
        // A line from another transcript has the offset of the next line of this one, and comes
        // before it.
        let mark_of_first = turns.get(first).and_then(mark_of);
        let mark_of_first = mark_of_first.filter(|earlier| earlier.offset == mark.offset);
        Some((first, mark_of_first.unwrap_or(mark)))
    }
}

impl Checkpoint {
    /// The checkpoint with `replace` applied to every text of the session in it, and without those
    /// that are not recorded.
    pub(super) fn replacing(
        mut self,
        recording: Recording,
        replace: &mut dyn FnMut(String) -> String,
    ) -> Self {
        let earlier = &mut self.earlier;
        let prompt = earlier.first_prompt.take();
        let prompt = prompt.filter(|_| recording.inputs());
        earlier.first_prompt = prompt.map(&mut *replace);
        // The agent derives the title from prompts and answers.
        let title = earlier.title.take();
        let title = title.filter(|_| recording == Recording::Full);
        earlier.title = title.map(&mut *replace);
        self
    }

    /// The checkpoint as JSON; `None` when it cannot be serialised.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    /// Reads a stored checkpoint; `None` when it has another format or is damaged.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // The version first: fields of another format may have the same names and other meanings.
        let Numbered { format } = serde_json::from_slice(bytes).ok()?;
        if format != FORMAT {
            return None;
        }
        serde_json::from_slice(bytes).ok()
    }

    /// Whether the files are those that it was made from, unchanged up to its place.
    pub(super) fn fits(&self, files: &SessionFiles) -> bool {
        let has_settled = |id: &String| {
            let mut agents = files.agents.iter();
            agents.any(|agent| agent.id == *id && self.has_settled(agent))
        };
        self.agent_bytes.keys().all(has_settled)
            && guard_before(&files.transcript, self.offset).is_ok_and(|guard| guard == self.guard)
    }

    /// Whether an agent's file is unchanged since.
    pub(super) fn has_settled(&self, agent: &AgentFile) -> bool {
        self.agent_bytes.get(&agent.id) == Some(&agent.bytes)
    }
}

/// Fingerprint of the last bytes before `offset`, which differs in a file that was rewritten.
fn guard_before(path: &Path, offset: u64) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let length = offset.min(GUARDED);
    file.seek(SeekFrom::Start(offset - length))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(fingerprint::of(&[&offset.to_le_bytes(), &bytes]))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sources::claude_code::lists::{List, Lists};
    use crate::sources::claude_code::messages::MessageHash;

    /// A checkpoint of each format, by number, with a value in every field.
    fn kept() -> BTreeMap<u32, Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/checkpoints");
        let numbered = |path: PathBuf| {
            let number = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            (number, fs::read(path).unwrap().trim_ascii().to_vec())
        };
        let files = fs::read_dir(folder).unwrap();
        files.map(|file| numbered(file.unwrap().path())).collect()
    }

    #[test]
    fn the_form_of_a_checkpoint_changes_with_its_number_alone() {
        let kept = kept();
        let file = format!("fixtures/checkpoints/{FORMAT}.json");
        let bytes = kept.get(&FORMAT);
        let bytes = bytes.unwrap_or_else(|| panic!("{file}: add an example of the new format"));
        let rule = format!("{file} is not to be changed: raise FORMAT and add the next file");
        let checkpoint: Checkpoint = serde_json::from_slice(bytes).expect(&rule);
        let written = checkpoint.to_bytes().unwrap();
        let [written, bytes] = [&written, bytes].map(|it| String::from_utf8_lossy(it));
        assert_eq!(written, bytes, "{rule}");
    }

    #[test]
    fn a_checkpoint_of_another_format_is_not_read() {
        for (number, bytes) in kept() {
            let read = Checkpoint::from_bytes(&bytes);
            assert_eq!(read.is_some(), number == FORMAT, "{number}");
        }
        for bytes in ["", "{}", r#"{"format":1}"#, r#"{"format":"1"}"#] {
            assert!(Checkpoint::from_bytes(bytes.as_bytes()).is_none());
        }
    }

    #[test]
    fn the_hashes_in_a_checkpoint_are_the_same_for_ever() {
        let checkpoint = Checkpoint::from_bytes(&kept()[&FORMAT]).unwrap();
        assert!(checkpoint.earlier.knows("msg_1") && !checkpoint.earlier.knows("msg_2"));

        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "abcd").unwrap();
        assert_eq!(guard_before(file.path(), 3).unwrap(), checkpoint.guard);

        let list = Lists::default().extended(List::EMPTY, MessageHash([1; 16]));
        let place = serde_json::to_value(&checkpoint.place).unwrap();
        assert_eq!(serde_json::to_value(list).unwrap(), place["list"]);
    }
}
