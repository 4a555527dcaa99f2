//! Speed of scanning text for secrets.
//!
//! Generated text by default; `POSTHOG_LLMA_BENCH_TEXT` may name a file of real
//! session text. Run with `cargo bench --bench redact`.

use divan::Bencher;
use divan::counter::BytesCount;
use posthog_llma::redact::{Counts, RedactionKey, Redactor};

fn main() {
    divan::main();
}

const LENGTH: usize = 4 << 20;

/// Lines of the kinds that sessions consist of: prose, code, paths, logs, JSON.
const LINES: &[&str] = &[
    "I'll read the configuration first, then change how the retry policy counts its attempts.\n",
    "    let response = client.get(url).header(\"accept\", \"application/json\").send().await?;\n",
    "   142\t\tif err := s.store.Flush(ctx, batch); err != nil {\n",
    "src/pipeline/worker.rs:88:13: warning: unused variable: `attempt`\n",
    "{\"type\":\"assistant\",\"message\":{\"usage\":{\"input_tokens\":1204,\"output_tokens\":88}}}\n",
    "test tokenizer::splits_on_whitespace ... ok\n",
    "2026-03-01T12:00:00Z INFO request finished status=200 key=user:42 took=12ms\n",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 (HEAD -> main, origin/main)\n",
    "| token | the kind of token the parser expects | pass `--strict` to fail on others |\n",
    "\n",
];

fn session_text() -> String {
    if let Some(path) = std::env::var_os("POSTHOG_LLMA_BENCH_TEXT") {
        return std::fs::read_to_string(path)
            .expect("POSTHOG_LLMA_BENCH_TEXT names a file of text");
    }
    let mut text = String::with_capacity(LENGTH + 128);
    let mut index = 7_usize;
    while text.len() < LENGTH {
        index = index
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text.push_str(LINES[(index >> 33) % LINES.len()]);
    }
    text
}

fn redactor() -> Redactor {
    Redactor::new(RedactionKey::new([7; 32]))
}

#[divan::bench]
fn session(bencher: Bencher) {
    let (redactor, text) = (redactor(), session_text());
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| redactor.text(&text, &mut Counts::default()));
}

/// The program redacts messages and results one by one, most far shorter than a megabyte, and
/// only those with a secret are copied and read again. Paragraphs come close to that.
#[divan::bench]
fn session_strings(bencher: Bencher) {
    let (redactor, text) = (redactor(), session_text());
    let strings: Vec<&str> = text.split("\n\n").collect();
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        for string in &strings {
            divan::black_box(redactor.text(string, &mut Counts::default()));
        }
    });
}

#[divan::bench]
fn base64_image(bencher: Bencher) {
    let redactor = redactor();
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = 7_u64;
    let text: String = (0..LENGTH)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            char::from(alphabet[(state >> 58) as usize])
        })
        .collect();
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| redactor.text(&text, &mut Counts::default()));
}

#[divan::bench]
fn one_secret_a_line(bencher: Bencher) {
    let redactor = redactor();
    let text = "DATABASE_PASSWORD=hunter2x and some words after it\n".repeat(LENGTH / 512);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| redactor.text(&text, &mut Counts::default()));
}

/// Text that looks like a secret and is not: by its beginning, or by the name before it.
#[divan::bench]
fn lookalikes(bencher: Bencher) {
    const LINES: &str = "cache_key = \"node-9fceb02d0ae598e95dc970b74767f19372d61af8\"\n\
        gitea commit: 9fceb02d0ae598e95dc970b74767f19372d61af8\n\
        import { hf_SponsoredProductsCampaignNegativeKeywordV1 } from './api';\n\
        flagKey: 'enable-new-dashboard-v2-rollout', sk_learn_pipeline_with_steps_v2\n\
        key_findings_of_the_report_2024, org_chart_of_engineering, s.handleUploadPack(w, req)\n";
    let redactor = redactor();
    let text = LINES.repeat(LENGTH / LINES.len());
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| redactor.text(&text, &mut Counts::default()));
}

/// Text of nothing but beginnings of secrets: none may cost ten times as much as `session`.
#[divan::bench(args = [
    "token=",
    "{\"token\":",
    "password: |\n",
    "-----BEGIN PRIVATE KEY-----",
    "<key>password</key>",
    "Authorization: x=\"",
    "kind: Secret\n",
    "curl -u ",
    "\\\"token\\\":\\\"",
    "token: ",
    "password=\"'",
    "password: Optional[",
    "name: password\n",
    "\"name\":\"password\",",
    ":5432:",
    "a,token\n",
    "sentry: ",
    "://a:",
    "mysql -p",
])]
fn hostile(bencher: Bencher, beginning: &str) {
    let redactor = redactor();
    let text = beginning.repeat((LENGTH / 4) / beginning.len());
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| redactor.text(&text, &mut Counts::default()));
}

/// The same with eight hexadecimal digits after each beginning, never the same twice: nothing
/// repeats, and most of the texts are secrets.
#[divan::bench(args = [
    "sshpass -p ",
    "mysql -p",
    "datadog_key=",
    "password ",
    "token\t",
    "apiKey: ",
    "secret = ",
    "password=",
    "--token ",
    "token: ",
    "Authorization: x=\"",
    "{\"token\":",
])]
fn hostile_with_values(bencher: Bencher, beginning: &str) {
    let redactor = redactor();
    let lines = (0_u32..).take((LENGTH / 4) / (beginning.len() + 9));
    let lines =
        lines.map(|number| format!("{beginning}{:08x}\n", number.wrapping_mul(2_654_435_761)));
    let text = lines.collect::<Vec<_>>().concat();
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| redactor.text(&text, &mut Counts::default()));
}

/// Settings files and command lines with a secret on every third line.
#[divan::bench]
fn settings_and_commands(bencher: Bencher) {
    const LINES: &[&str] = &[
        "DB_PASSWORD=hunterino\nDB_HOST=localhost\nDB_PORT=5432\n",
        "- name: API_TOKEN\n  value: swordfish-and-more\n- name: MODE\n",
        "mysql -u root -pswordfish app\nls -l\ngit status\n",
        "{\"name\": \"DB_PASSWORD\", \"value\": \"hunterino\"}\n{\"name\": \"MODE\"}\n{}\n",
        "curl -u bob:hunterino https://api.test\ncurl https://api.test\necho done\n",
    ];
    let redactor = redactor();
    let text = LINES.concat().repeat(LENGTH / 4096);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| redactor.text(&text, &mut Counts::default()));
}
