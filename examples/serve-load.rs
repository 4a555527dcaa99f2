//! Measures `serve`: spans per second, the time of its answers, and its memory; with an empty inbox
//! and with many waiting spans. Client and receiver share the machine.
//!
//! ```text
//! serve-load PROGRAM json|protobuf SECONDS WAITING
//! ```
//!
//! The program is started with the environment of this one, in a state directory of its own.
//! `WAITING` is the number of waiting spans in the second half.

#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use posthog_llma::inbox::Reader;
use posthog_llma::otlp::Encoding;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Number of spans that an SDK sends at once.
const SPANS: usize = 512;
/// Number of spans of a trace.
const TRACE: usize = 8;
/// Number of connections that send as fast as they can.
const CLIENTS: usize = 4;
/// Spans per second at which answers are timed: half of what a receiver has to manage.
const PACE: usize = 10_000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [program, encoding, seconds, waiting] = &arguments[..] else {
        return Err("usage: serve-load PROGRAM json|protobuf SECONDS WAITING".into());
    };
    let encoding = match encoding.as_str() {
        "json" => Encoding::Json,
        "protobuf" => Encoding::Protobuf,
        other => return Err(format!("{other} is neither json nor protobuf").into()),
    };
    let time = Duration::from_secs(seconds.parse()?);
    measure(program, encoding, time, waiting.parse()?)
}

fn measure(program: &str, encoding: Encoding, time: Duration, waiting: usize) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let (mut child, address) = start(program, directory.path())?;
    let template = Template::new(encoding);
    println!(
        "{}, {} kB a request of {SPANS} spans; load {}",
        encoding.content_type(),
        template.body.len() / 1000,
        load()?
    );
    let measured = measure_all(&child, directory.path(), address, &template, time, waiting);
    let started = Instant::now();
    child.kill()?;
    child.wait()?;
    println!("ended in {:.0?}", started.elapsed());
    measured
}

fn measure_all(
    child: &Child,
    directory: &Path,
    address: SocketAddr,
    template: &Template,
    time: Duration,
    waiting: usize,
) -> Result<()> {
    for wanted in [0, waiting] {
        let reader = Reader::open(directory)?.ok_or("there is no inbox")?;
        let held = reader.status()?.waiting.spans;
        let missing = wanted.saturating_sub(usize::try_from(held)?);
        if missing > 0 {
            run(address, template, Run::Number(missing / SPANS))?;
        }
        let status = reader.status()?;
        println!(
            "-- {} spans of {} traces wait, {} traces mapped, {} MB on disk",
            status.waiting.spans,
            status.waiting.traces,
            status.mapped.traces,
            status.bytes / 1_000_000
        );
        for (name, how) in [("paced", Run::Paced(time)), ("fast", Run::Fast(time))] {
            let before = [cpu(child.id())?, cpu(std::process::id())?];
            let result = run(address, template, how)?;
            let used = [
                cpu(child.id())? - before[0],
                cpu(std::process::id())? - before[1],
            ];
            println!("{name}: {result}");
            println!(
                "  processor time: receiver {:.1} s, client {:.1} s",
                used[0], used[1]
            );
        }
        println!("memory: {}; load {}", memory(child.id())?, load()?);
    }
    Ok(())
}

fn start(program: &str, directory: &Path) -> Result<(Child, SocketAddr)> {
    let mut child = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("POSTHOG_LLMA_STATE_DIR", directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let address = line.split(['/', ',']).nth(2).ok_or("it is not ready")?;
    Ok((child, address.parse()?))
}

/// The pace of requests.
#[derive(Clone, Copy)]
enum Run {
    /// One request per interval, whether the last was answered or not.
    Paced(Duration),
    /// For this time, each client one request after the other.
    Fast(Duration),
    /// This number of requests, each client one after the other.
    Number(usize),
}

fn run(address: SocketAddr, template: &Template, run: Run) -> Result<String> {
    let started = Instant::now();
    let sent = AtomicUsize::new(0);
    let times = Mutex::new(Vec::new());
    let interval = Duration::from_secs(1) * u32::try_from(SPANS)? / u32::try_from(PACE)?;
    thread::scope(|scope| {
        let client = || -> Result<()> {
            let mut client = Client::connect(address, template.clone())?;
            loop {
                let number = sent.fetch_add(1, Ordering::Relaxed);
                // The time of a request includes waiting for its turn.
                let begun = match run {
                    Run::Paced(time) => {
                        let due = started + interval * u32::try_from(number)?;
                        if due - started > time {
                            return Ok(());
                        }
                        thread::sleep(due.saturating_duration_since(Instant::now()));
                        due
                    }
                    Run::Fast(time) if started.elapsed() > time => return Ok(()),
                    Run::Number(limit) if number >= limit => return Ok(()),
                    Run::Fast(_) | Run::Number(_) => Instant::now(),
                };
                client.send()?;
                let mut times = times.lock().map_err(|_| "a client failed")?;
                times.push(begun.elapsed());
            }
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        for client in clients {
            client.join().map_err(|_| "a client failed")??;
        }
        Result::Ok(())
    })?;
    let elapsed = started.elapsed();
    let mut times = times.into_inner()?;
    times.sort_unstable();
    let percentile = |hundredths: usize| times[(times.len() - 1) * hundredths / 100];
    Ok(format!(
        "{:.0} spans/s, {} requests, answers p50 {:.1?} p99 {:.1?} max {:.1?}",
        f64::from(u32::try_from(times.len() * SPANS)?) / elapsed.as_secs_f64(),
        times.len(),
        percentile(50),
        percentile(99),
        percentile(100),
    ))
}

struct Client {
    stream: BufReader<TcpStream>,
    template: Template,
    random: Rng,
}

impl Client {
    fn connect(address: SocketAddr, template: Template) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            template,
            random: Rng::new(),
        })
    }

    fn send(&mut self) -> Result<()> {
        self.template.renew(&mut self.random);
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\n\
             Content-Length: {}\r\n\r\n",
            self.template.encoding.content_type(),
            self.template.body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(&self.template.body)?;
        let (mut first, mut length) = (String::new(), 0);
        self.stream.read_line(&mut first)?;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some(("content-length", value)) => length = value.parse()?,
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        if first.starts_with("HTTP/1.1 200") {
            return Ok(());
        }
        Err(format!("{first} {}", String::from_utf8_lossy(&body)).into())
    }
}

/// A request with replaceable ids.
#[derive(Clone)]
struct Template {
    encoding: Encoding,
    body: Vec<u8>,
    /// The places of its ids.
    places: Vec<(usize, Place)>,
}

/// The kind of an id.
#[derive(Clone, Copy)]
enum Place {
    Trace(usize),
    Span(usize),
}

impl Template {
    fn new(encoding: Encoding) -> Self {
        let spans = (0..SPANS).map(|span| match encoding {
            Encoding::Json => json_span(span),
            Encoding::Protobuf => protobuf_span(span),
        });
        let spans: Vec<Vec<u8>> = spans.collect();
        let body = match encoding {
            Encoding::Json => {
                let resource =
                    r#"{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]}"#;
                let head = format!(
                    r#"{{"resourceSpans":[{{"resource":{resource},"scopeSpans":[{{"scope":{{"name":"ai"}},"spans":["#
                );
                [head.as_bytes(), &spans.join(&b","[..]), b"]}]}]}"].concat()
            }
            Encoding::Protobuf => {
                let spans: Vec<u8> = spans.iter().flat_map(|span| field(2, span)).collect();
                let scope = field(1, &field(1, b"ai"));
                let resource = field(1, &field(1, &attribute("service.name", "shop")));
                field(1, &[resource, field(2, &[scope, spans].concat())].concat())
            }
        };
        let mut template = Self {
            encoding,
            body,
            places: Vec::new(),
        };
        template.find_places();
        template
    }

    fn find_places(&mut self) {
        let mut from = 0;
        for span in 0..SPANS {
            let root = span / TRACE * TRACE;
            let mut wanted = vec![
                (mark(0xaa, span / TRACE, 16), Place::Trace(span / TRACE)),
                (mark(0xbb, span, 8), Place::Span(span)),
            ];
            if span != root {
                wanted.push((mark(0xbb, root, 8), Place::Span(root)));
            }
            for (mark, place) in wanted {
                let mark = self.written(&mark);
                let mut windows = self.body[from..].windows(mark.len());
                let at = from + windows.position(|it| it == mark).unwrap_or_default();
                self.places.push((at, place));
                from = at + mark.len();
            }
        }
    }

    /// An id as the encoding writes it.
    fn written(&self, id: &[u8]) -> Vec<u8> {
        match self.encoding {
            Encoding::Json => hex(id).into_bytes(),
            Encoding::Protobuf => id.to_vec(),
        }
    }

    /// Replaces all ids with new ones.
    fn renew(&mut self, random: &mut Rng) {
        let traces: Vec<[u8; 16]> = (0..SPANS / TRACE)
            .map(|_| random.u128(1..).to_be_bytes())
            .collect();
        let spans: Vec<[u8; 8]> = (0..SPANS).map(|_| random.u64(1..).to_be_bytes()).collect();
        for (at, place) in std::mem::take(&mut self.places) {
            let id = match place {
                Place::Trace(trace) => self.written(&traces[trace]),
                Place::Span(span) => self.written(&spans[span]),
            };
            self.body[at..at + id.len()].copy_from_slice(&id);
            self.places.push((at, place));
        }
    }
}

/// An id that occurs nowhere else.
fn mark(kind: u8, number: usize, length: usize) -> Vec<u8> {
    let mut id = vec![kind; length];
    id[length - 4..].copy_from_slice(&u32::try_from(number).unwrap_or(0).to_be_bytes());
    id
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// Attributes of a call of a model: messages as JSON text, counts, settings.
fn attributes(span: usize) -> Vec<(String, String)> {
    let message = format!(
        "[{{\"role\":\"user\",\"content\":[{{\"type\":\"text\",\"text\":\"{}\"}}]}}]",
        "Which of the orders of last week are late, and why? ".repeat(9)
    );
    let mut attributes = vec![("gen_ai.input.messages".to_owned(), message)];
    for number in 0..12 {
        let count = (number * 97 + span).to_string();
        attributes.push((format!("gen_ai.usage.detail_{number}"), count));
        attributes.push((format!("ai.setting.{number}"), "openai.chat".to_owned()));
    }
    attributes
}

fn json_span(span: usize) -> Vec<u8> {
    let root = span / TRACE * TRACE;
    let parent = if span == root {
        String::new()
    } else {
        format!(r#""parentSpanId":"{}","#, hex(&mark(0xbb, root, 8)))
    };
    let attributes = attributes(span).into_iter().map(|(key, value)| {
        let value = serde_json::Value::from(value);
        format!(r#"{{"key":"{key}","value":{{"stringValue":{value}}}}}"#)
    });
    format!(
        r#"{{"traceId":"{}","spanId":"{}",{parent}"name":"chat gpt-5","kind":3,"startTimeUnixNano":"1795812916677000000","endTimeUnixNano":"1795812918677150911","attributes":[{}],"status":{{"code":0}},"flags":257}}"#,
        hex(&mark(0xaa, span / TRACE, 16)),
        hex(&mark(0xbb, span, 8)),
        attributes.collect::<Vec<_>>().join(","),
    )
    .into_bytes()
}

fn protobuf_span(span: usize) -> Vec<u8> {
    let root = span / TRACE * TRACE;
    let mut fields = field(1, &mark(0xaa, span / TRACE, 16));
    fields.extend(field(2, &mark(0xbb, span, 8)));
    if span != root {
        fields.extend(field(4, &mark(0xbb, root, 8)));
    }
    fields.extend(field(5, b"chat gpt-5"));
    for (key, value) in attributes(span) {
        fields.extend(field(9, &attribute(&key, &value)));
    }
    fields
}

fn attribute(key: &str, value: &str) -> Vec<u8> {
    let value = field(2, &field(1, value.as_bytes()));
    [field(1, key.as_bytes()), value].concat()
}

/// A field of bytes in protobuf.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut field = vec![(number << 3) | 2];
    let mut length = content.len();
    while length >= 0x80 {
        field.extend(u8::try_from(length & 0x7f).map(|low| low | 0x80));
        length >>= 7;
    }
    field.extend(u8::try_from(length));
    field.extend_from_slice(content);
    field
}

/// Memory of the receiver, now and at most.
fn memory(process: u32) -> Result<String> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|it| it.parse().ok()).unwrap_or(0) / 1000
    };
    Ok(format!(
        "{} MB, at most {} MB",
        line("VmRSS:"),
        line("VmHWM:")
    ))
}

/// Seconds of a processor that a process has used.
fn cpu(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("no such process")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = [11, 12].map(|place| fields.get(place).and_then(|it| it.parse::<f64>().ok()));
    Ok(ticks.into_iter().flatten().sum::<f64>() / 100.0)
}

/// Number of processes that wanted a processor in the last minute.
fn load() -> Result<String> {
    let load = std::fs::read_to_string("/proc/loadavg")?;
    Ok(load.split(' ').next().unwrap_or_default().to_owned())
}
