//! Finds the messages of requests in a file.
//!
//! A request names its messages by hash. A message with its own line (`api-request-blob`) is found
//! by the hash in that line. All others consist of consecutive lines of one author, and are found
//! by hashing these. Only the place of a message is kept in memory: it is read again when a call
//! turns out to have added it.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::content::{LineFacts, blocks};
use super::prompt;
use super::wire::Line;
use crate::session::{Message, Role};
use crate::sources::jsonl;
use crate::sources::lenient::{Text, payload};

/// The first 16 bytes of the SHA-256 of a message: role and content as JSON with sorted keys and
/// without spaces, content as blocks (checked against 2.1.329).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct MessageHash(pub(super) [u8; 16]);

impl MessageHash {
    /// Parses a hash; `None` when it has another form.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.get(..32).filter(|_| text.len() == 64)?;
        let number = u128::from_str_radix(digits, 16).ok()?;
        Some(Self(number.to_be_bytes()))
    }

    fn of(role: &str, content: &[Value]) -> Option<Self> {
        let mut message = json!({ "role": role, "content": content });
        message.sort_all_objects();
        let hash = Sha256::digest(serde_json::to_vec(&message).ok()?);
        hash.first_chunk().copied().map(Self)
    }
}

/// The place of an object in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// Offset of its line, in bytes.
    pub(super) offset: u64,
    /// Length of the line, in bytes.
    pub(super) length: usize,
    /// Number of objects before it on the line.
    pub(super) before: usize,
}

impl Spot {
    /// The place of the first object of a line.
    pub(super) const fn of(line: &jsonl::Line<'_>) -> Self {
        Self {
            offset: line.offset,
            length: line.bytes.len(),
            before: 0,
        }
    }
}

/// The author of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// The user, or a tool.
    User,
    /// The model, in the response with this id.
    Model(String),
    /// The agent, in the model's name.
    Agent,
}

/// The messages of one file.
#[derive(Debug, Default)]
pub(super) struct Messages {
    path: PathBuf,
    file: Option<File>,
    places: HashMap<MessageHash, Vec<Spot>>,
    /// Messages that are responses, or parts of them.
    responses: HashSet<MessageHash>,
    /// Consecutive lines of one author, since the last response whose request is known.
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    speaker: Speaker,
    spots: Vec<Spot>,
    /// The hash of the lines, with their number at that time.
    hashed: Option<(usize, MessageHash)>,
}

impl Messages {
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            ..Self::default()
        }
    }

    /// Adds a message with its own line.
    pub(super) fn written(&mut self, hash: MessageHash, spot: Spot) {
        self.places.insert(hash, vec![spot]);
    }

    /// Adds a line of the conversation.
    pub(super) fn said(&mut self, speaker: Speaker, spot: Spot) {
        match self.runs.last_mut() {
            Some(run) if run.speaker == speaker => run.spots.push(spot),
            _ => self.runs.push(Run {
                speaker,
                spots: vec![spot],
                hashed: None,
            }),
        }
    }

    /// Hashes the messages up to here, which a request contains.
    pub(super) fn find_said(&mut self) {
        let mut runs = std::mem::take(&mut self.runs);
        for run in &mut runs {
            self.find(run);
        }
        self.runs = runs;
    }

    /// Removes the lines of a request that was answered.
    pub(super) fn forget_said(&mut self) {
        self.runs.clear();
    }

    /// The responses, or parts of them, since the last answered request.
    pub(super) fn answers(&mut self) -> Vec<MessageHash> {
        let mut runs = std::mem::take(&mut self.runs);
        let models = runs
            .iter_mut()
            .filter(|run| matches!(run.speaker, Speaker::Model(_)));
        let answers = models.filter_map(|run| self.find(run)).collect();
        self.runs = runs;
        answers
    }

    /// Marks a message as a response.
    pub(super) fn answered(&mut self, hash: MessageHash) {
        self.responses.insert(hash);
    }

    pub(super) fn is_response(&self, hash: MessageHash) -> bool {
        self.responses.contains(&hash)
    }

    /// Reads a message again; `None` when it is in no line.
    pub(super) fn read(&mut self, hash: MessageHash, facts: &LineFacts<'_>) -> Option<Message> {
        let mut said = Message {
            role: Role::User,
            content: Vec::new(),
        };
        for spot in self.places.get(&hash)?.clone() {
            self.at(spot, |object| {
                let line: Line<'_> = payload(Some(object))?;
                let message = line.message.as_ref()?;
                said.role = match message.role.as_ref().map(Text::as_str) {
                    Some("assistant") => Role::Assistant,
                    Some("system") => Role::System,
                    _ => Role::User,
                };
                let content = blocks(&message.content, facts);
                said.content.extend(match said.role {
                    Role::User => prompt::with_reports(content, prompt::is_report(&line)),
                    Role::Assistant | Role::System => content,
                });
                Some(())
            })?;
        }
        Some(said)
    }

    /// Calls `take` with the object at a place.
    pub(super) fn at<T>(
        &mut self,
        spot: Spot,
        take: impl FnOnce(&RawValue) -> Option<T>,
    ) -> Option<T> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::open(&self.path).ok()?),
        };
        file.seek(SeekFrom::Start(spot.offset)).ok()?;
        let mut bytes = vec![0; spot.length];
        file.read_exact(&mut bytes).ok()?;
        let line = jsonl::Line {
            offset: spot.offset,
            bytes: &bytes,
            is_terminated: true,
            is_oversized: false,
        };
        let (mut before, mut take, mut taken) = (0, Some(take), None);
        jsonl::objects(&line.text(), |object: &RawValue| {
            if before == spot.before
                && let Some(take) = take.take()
            {
                taken = take(object);
            }
            before += 1;
        });
        taken
    }

    fn find(&mut self, run: &mut Run) -> Option<MessageHash> {
        if let Some((_, hash)) = run.hashed.filter(|(lines, _)| *lines == run.spots.len()) {
            return Some(hash);
        }
        let role = match run.speaker {
            Speaker::User => "user",
            Speaker::Model(_) | Speaker::Agent => "assistant",
        };
        let mut content = Vec::new();
        for spot in &run.spots {
            content.extend(self.at(*spot, raw_blocks)?);
        }
        let hash = MessageHash::of(role, &content)?;
        run.hashed = Some((run.spots.len(), hash));
        self.places.entry(hash).or_insert_with(|| run.spots.clone());
        if matches!(run.speaker, Speaker::Model(_)) {
            self.responses.insert(hash);
        }
        Some(hash)
    }
}

/// The content of a line, as it was sent.
fn raw_blocks(object: &RawValue) -> Option<Vec<Value>> {
    #[derive(Deserialize)]
    struct Sent {
        message: Said,
    }
    #[derive(Deserialize)]
    struct Said {
        content: Value,
    }
    let sent: Sent = payload(Some(object))?;
    match sent.message.content {
        Value::Array(blocks) => Some(blocks),
        Value::String(text) => Some(vec![json!({ "type": "text", "text": text })]),
        _ => None,
    }
}
