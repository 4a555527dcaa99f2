//! The redactors of a run: one with the user's rules, and one for each project with further rules.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};

use crate::consent::{Exceptions, RulesFile};
use crate::redact::{RedactionKey, Redactor, UserRules};
use crate::sources::regular;

/// Maximum size of a file of rules, in bytes.
const LARGEST: u64 = 1 << 20;

/// The redactors of a run.
#[derive(Debug)]
pub struct Redactors {
    key: RedactionKey,
    users: Vec<UserRules>,
    usual: Arc<Redactor>,
    of_projects: Mutex<HashMap<Vec<RulesFile>, Arc<Redactor>>>,
}

impl Redactors {
    /// Reads the user's rules. `key` keys the marks.
    ///
    /// # Errors
    /// When a file cannot be used: nothing is sent with fewer rules than the user asked for.
    pub fn open(rules: &[RulesFile], key: RedactionKey) -> anyhow::Result<Self> {
        let users: Vec<_> = rules.iter().map(read).collect::<anyhow::Result<_>>()?;
        let usual = Redactor::with_user_rules(key.clone(), UserRules::joined(users.clone()));
        Ok(Self {
            key,
            users,
            usual: Arc::new(usual),
            of_projects: Mutex::default(),
        })
    }

    /// The redactor with only the user's rules.
    #[must_use]
    pub const fn usual(&self) -> &Arc<Redactor> {
        &self.usual
    }

    /// The redactor with the rules of a project in addition to the user's.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn with(&self, rules: &[RulesFile]) -> anyhow::Result<Arc<Redactor>> {
        if rules.is_empty() {
            return Ok(Arc::clone(&self.usual));
        }
        let of_projects = self.of_projects.lock();
        let mut of_projects = of_projects.unwrap_or_else(PoisonError::into_inner);
        if let Some(redactor) = of_projects.get(rules) {
            return Ok(Arc::clone(redactor));
        }
        let mut files = self.users.clone();
        for file in rules {
            files.push(read(file)?);
        }
        let joined = UserRules::joined(files);
        let redactor = Arc::new(Redactor::with_user_rules(self.key.clone(), joined));
        of_projects.insert(rules.to_vec(), Arc::clone(&redactor));
        Ok(redactor)
    }
}

fn read(file: &RulesFile) -> anyhow::Result<UserRules> {
    let path = file.path.display();
    let rules = rules(&file.path);
    let rules = rules.with_context(|| format!("POSTHOG_LLMA_REDACT_FILE: cannot use {path}"))?;
    Ok(match file.exceptions {
        Exceptions::Apply => rules,
        Exceptions::Ignored => rules.without_exceptions(),
    })
}

fn rules(path: &Path) -> anyhow::Result<UserRules> {
    // Relative to the current folder, the file might be a project's.
    if path.is_relative() {
        bail!("name it by its whole path");
    }
    let text = String::from_utf8(regular::read_small(path, LARGEST)?)?;
    // Editors of Windows put a byte order mark before the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(UserRules::parse(text)?)
}
