//! One session as a single HTML file that opens anywhere.

use anyhow::bail;

use super::contract::Embedded;
use super::door::Door;
use super::files;
use super::here::{Here, Scope, key};
use super::line::{Line, View};
use super::record::Record;
use super::service::Service;
use crate::config::Config;
use crate::host::Host;
use crate::sources::SessionRef;

/// Placeholders in the template.
const STYLE: &str = "/*posthog-llma:style*/";
const SCRIPT: &str = "/*posthog-llma:script*/";
const DATA: &str = "<!--posthog-llma:data-->";

/// A file, with facts to show about it.
pub(crate) struct OneFile {
    /// Its content.
    pub(crate) html: String,
    /// Number of its events.
    pub(crate) events: usize,
    /// Number of secrets replaced in its events.
    pub(crate) secrets: u64,
    /// Paths that could not be read.
    pub(crate) unreadable: Vec<String>,
    /// Why the redaction marks are valid for this run only, if they are.
    pub(crate) note: Option<String>,
}

/// Builds the file of a session. A session that is left alone is not written: a file leaves the
/// machine more easily than a page.
///
/// # Errors
/// When the session cannot be read, or is left alone.
pub(crate) fn one_file(
    found: &SessionRef,
    config: &Config,
    host: &Host,
) -> anyhow::Result<OneFile> {
    let scope = Scope {
        folder: None,
        session: Some(found.clone()),
    };
    let service = Service::new(Door::closed(), Here::of(config, host, scope)?);
    let key = key(found, &found.session_key());
    let transcripts = std::slice::from_ref(found);
    let record = service.record(&key);
    if record.begin(transcripts, &service.here) {
        record.build(transcripts, &service.here);
    }
    check(&record, found)?;
    let session = service.alone(&key, found);
    let mut data = serde_json::to_vec(&Embedded {
        machine: service.machine(),
        session,
    })?;
    let mut built = record.lock();
    for n in 0..built.places.len() {
        let Some((place, event)) = built.event(n)? else {
            continue;
        };
        data.push(b'\n');
        let folder = built.folder.clone();
        let line = Line {
            n,
            kind: place.kind,
            agent: Some(found.agent),
            folder: folder.as_deref(),
            view: View::Full,
        };
        line.write(&event, &mut data)?;
    }
    Ok(OneFile {
        html: filled(&String::from_utf8(data)?),
        events: built.total(),
        secrets: built.secrets(),
        unreadable: built
            .unreadable
            .iter()
            .map(|it| format!("cannot read {}: {}", it.path, it.reason))
            .collect(),
        note: service.here.prospect.note.clone(),
    })
}

fn check(record: &Record, found: &SessionRef) -> anyhow::Result<()> {
    let built = record.lock();
    if let Some(reason) = built.refused.as_ref().or(built.left_alone.as_ref()) {
        bail!("no file is written of a session that is left alone: {reason}");
    }
    if let Some(failure) = &built.failure {
        bail!("{failure}");
    }
    if built.total() == 0 {
        bail!("nothing in {}", found.locator);
    }
    Ok(())
}

/// The template with style, data and script.
fn filled(data: &str) -> String {
    // In JSON, `<` occurs only in strings: once it is escaped, no text can end the element.
    let data = data.replace('<', "\\u003c");
    let mut html = String::with_capacity(data.len() + files::SCRIPT.len() * 2);
    let mut rest = files::SINGLE;
    for (mark, content) in [
        (STYLE, files::STYLE),
        (DATA, &data),
        (SCRIPT, files::SCRIPT),
    ] {
        if let Some((before, after)) = rest.split_once(mark) {
            html.push_str(before);
            html.push_str(content);
            rest = after;
        }
    }
    html + rest
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_policy_of_the_file_allows_its_script_and_style_and_no_other() {
        let html = filled("{\"text\":\"</script><script>alert(1)</script>\"}");
        for (kind, text) in [("script", files::SCRIPT), ("style", files::STYLE)] {
            let hash = STANDARD.encode(Sha256::digest(text.as_bytes()));
            assert!(
                html.contains(&format!("{kind}-src 'sha256-{hash}'")),
                "{kind}"
            );
            assert!(html.contains(&format!("<{kind}>{text}</{kind}>")), "{kind}");
        }
        assert_eq!(html.matches("<script").count(), 2);
        assert!(html.contains(r#""\u003c/script>\u003cscript>alert(1)\u003c/script>""#));
        assert!(!html.contains("posthog-llma:"));
    }
}
