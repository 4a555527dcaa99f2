//! Batches made at random.

use std::sync::Arc;

use posthog_llma::otlp::{
    Attributes, Id, LogRecord, Resource, Scope, Span, SpanEvent, SpanKind, SpanLink, Status,
    StatusCode, Telemetry, Value,
};
use proptest::array::uniform;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Configuration with this number of cases. A case that fails is shown, not stored.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Telemetry of a few spans and log records.
pub(crate) fn any_telemetry() -> impl Strategy<Value = Telemetry> {
    (vec(spans(), 0..4), vec(logs(), 0..3)).prop_map(|(spans, logs)| Telemetry {
        spans,
        logs,
        ..Telemetry::default()
    })
}

fn ids<const N: usize>() -> impl Strategy<Value = Id<N>> {
    uniform::<_, N>(any::<u8>()).prop_filter_map("zeros", Id::from_bytes)
}

fn texts() -> impl Strategy<Value = String> {
    const SPECIAL: [&str; 8] = [
        "",
        "\"",
        "\\u0000",
        "\u{0}\n",
        "é😀",
        "{\"a\":[1]}",
        "NaN",
        "\u{2028}",
    ];
    prop_oneof![
        "[a-z._]{1,12}",
        select(&SPECIAL[..]).prop_map(str::to_owned),
        ".{0,40}"
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaves = prop_oneof![
        Just(Value::Null),
        texts().prop_map(Value::Text),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Double),
        select(
            &[
                0.0,
                -0.0,
                1.0,
                0.1,
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
                1e300
            ][..]
        )
        .prop_map(Value::Double),
        (0_u64..70).prop_map(Value::Bytes),
    ];
    leaves.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((texts(), inner), 0..4).prop_map(|fields| Value::Map(fields.into_iter().collect())),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    vec((texts(), values()), 0..4).prop_map(|fields| fields.into_iter().collect())
}

fn shared() -> impl Strategy<Value = (Arc<Resource>, Arc<Scope>)> {
    (attributes(), texts(), texts(), attributes()).prop_map(|(of_resource, name, version, it)| {
        let scope = Scope {
            name,
            version,
            attributes: it,
        };
        (
            Arc::new(Resource {
                attributes: of_resource,
            }),
            Arc::new(scope),
        )
    })
}

fn spans() -> impl Strategy<Value = Span> {
    const KINDS: [SpanKind; 6] = [
        SpanKind::Unspecified,
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ];
    const CODES: [StatusCode; 3] = [StatusCode::Unset, StatusCode::Ok, StatusCode::Error];
    let events =
        (any::<u64>(), texts(), attributes()).prop_map(|(time, name, attributes)| SpanEvent {
            time,
            name,
            attributes,
        });
    let links = (ids(), ids(), attributes()).prop_map(|(trace_id, span_id, attributes)| SpanLink {
        trace_id,
        span_id,
        attributes,
    });
    let status = (select(&CODES[..]), texts()).prop_map(|(code, message)| Status { code, message });
    let head = (
        shared(),
        ids(),
        ids(),
        option::of(ids()),
        texts(),
        select(&KINDS[..]),
    );
    let body = (attributes(), vec(events, 0..3), vec(links, 0..2), status);
    let numbers = uniform::<_, 3>(any::<u32>());
    (head, uniform::<_, 2>(any::<u64>()), body, numbers).prop_map(
        |((shared, trace_id, span_id, parent_span_id, name, kind), [start, end], body, numbers)| {
            let (resource, scope) = shared;
            let (attributes, events, links, status) = body;
            let [flags, dropped_attributes, dropped_events] = numbers;
            Span {
                resource,
                scope,
                trace_id,
                span_id,
                parent_span_id,
                name,
                kind,
                start,
                end,
                attributes,
                events,
                links,
                status,
                flags,
                dropped_attributes,
                dropped_events,
            }
        },
    )
}

fn logs() -> impl Strategy<Value = LogRecord> {
    let head = (shared(), option::of(ids()), option::of(ids()));
    let texts = (texts(), texts(), values(), attributes());
    // A record always has its time of observation.
    (
        head,
        any::<u64>(),
        1..=u64::MAX,
        0..25,
        texts,
        uniform::<_, 2>(any::<u32>()),
    )
        .prop_map(
            |((shared, trace_id, span_id), time, observed, severity, texts, numbers)| {
                let (resource, scope) = shared;
                let (severity_text, event_name, body, attributes) = texts;
                let [flags, dropped_attributes] = numbers;
                LogRecord {
                    resource,
                    scope,
                    trace_id,
                    span_id,
                    time,
                    observed,
                    severity,
                    severity_text,
                    event_name,
                    body,
                    attributes,
                    flags,
                    dropped_attributes,
                }
            },
        )
}
