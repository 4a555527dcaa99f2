fn main() {
    let root = std::env::args().nth(1).unwrap();
    let t = std::time::Instant::now();
    let (
        mut n,
        mut g,
        mut inp,
        mut out,
        mut cr,
        mut cw,
        mut tools,
        mut turns,
        mut odd,
        mut orphan,
        mut strays,
    ) = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    let mut unknown = std::collections::BTreeMap::new();
    for path in posthog_llma::sources::claude_code::transcripts(root.as_ref()) {
        let files = posthog_llma::sources::claude_code::session_files(&path).unwrap();
        let reading = posthog_llma::sources::claude_code::read(&files, None).unwrap();
        let Some(s) = reading.session else {
            println!("nothing in {path:?}");
            continue;
        };
        n += 1;
        turns += s.turns.len();
        odd += s.oddities.malformed_lines;
        orphan += s.oddities.results_without_call;
        for (k, v) in &s.oddities.unknown_types {
            *unknown.entry(k.clone()).or_insert(0) += v;
        }
        for t in &s.turns {
            strays += t.stray_subagents.len();
        }
        for x in s.all_generations() {
            g += 1;
            inp += x.usage.input;
            out += x.usage.output;
            cr += x.usage.cache_read;
            cw += x.usage.cache_write;
            tools += x.tool_calls().count();
        }
    }
    println!(
        "{n} sessions {turns} turns {g} gens in {inp} out {out} cr {cr} cw {cw} tools {tools} odd {odd} orphan {orphan} strays {strays} {unknown:?} {:?}",
        t.elapsed()
    );
}
