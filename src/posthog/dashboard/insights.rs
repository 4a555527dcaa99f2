//! The queries of the dashboard.

use super::{Display, Insight};

/// All queries, in the order in which the dashboard shows them.
pub const INSIGHTS: &[Insight] = &[
    Insight {
        name: "Cost by day",
        description: "In dollars. PostHog computes the cost of a call from its tokens, unless the \
                      agent states it.",
        display: Display::Bars {
            x: "day",
            y: &["cost"],
        },
        query: "\
SELECT
    toStartOfDay(timestamp) AS day,
    round(sum(toFloat(properties.$ai_total_cost_usd)), 2) AS cost
FROM events
WHERE event IN ('$ai_generation', '$ai_embedding')
    AND properties.$ai_lib = 'posthog-llma'
    AND {filters}
GROUP BY day
ORDER BY day",
    },
    Insight {
        name: "Cost by model",
        description: "Tokens outside the cache, read from it and written to it. A model without a \
                      price costs nothing here.",
        display: Display::Table,
        query: "\
SELECT
    properties.$ai_model AS model,
    round(sum(toFloat(properties.$ai_total_cost_usd)), 2) AS cost,
    count() AS calls,
    sum(toInt(properties.$ai_input_tokens)) AS input,
    sum(toInt(properties.$ai_output_tokens)) AS output,
    sum(toInt(properties.$ai_cache_read_input_tokens)) AS cache_read,
    sum(toInt(properties.$ai_cache_creation_input_tokens)) AS cache_written
FROM events
WHERE event IN ('$ai_generation', '$ai_embedding')
    AND properties.$ai_lib = 'posthog-llma'
    AND {filters}
GROUP BY model
ORDER BY cost DESC
LIMIT 50",
    },
    Insight {
        name: "Cost by project",
        description: "The 25 most expensive ones.",
        display: Display::Bars {
            x: "project",
            y: &["cost"],
        },
        query: "\
SELECT
    coalesce(nullIf(properties.$ai_project_name, ''), 'no project') AS project,
    round(sum(toFloat(properties.$ai_total_cost_usd)), 2) AS cost
FROM events
WHERE event IN ('$ai_generation', '$ai_embedding')
    AND properties.$ai_lib = 'posthog-llma'
    AND {filters}
GROUP BY project
ORDER BY cost DESC
LIMIT 25",
    },
    Insight {
        name: "Cost by branch",
        description: "By the branch of the moment: a session that changes branches counts for each. \
                      Work outside a repository has a row of its own.",
        display: Display::Table,
        query: "\
SELECT
    coalesce(nullIf(properties.$ai_git_repo, ''), 'no repository') AS repository,
    coalesce(nullIf(properties.$ai_git_branch, ''), 'no branch') AS branch,
    round(sum(toFloat(properties.$ai_total_cost_usd)), 2) AS cost,
    uniq(properties.$ai_session_id) AS sessions,
    count() AS calls
FROM events
WHERE event IN ('$ai_generation', '$ai_embedding')
    AND properties.$ai_lib = 'posthog-llma'
    AND {filters}
GROUP BY repository, branch
ORDER BY cost DESC
LIMIT 100",
    },
    Insight {
        name: "Latency of calls",
        description: "In seconds, from the request to the end of the answer; half of the calls are \
                      faster than p50. The first token is known of some agents only.",
        display: Display::Table,
        query: "\
SELECT
    properties.$ai_model AS model,
    count() AS calls,
    round(quantile(0.5)(toFloat(properties.$ai_latency)), 1) AS p50,
    round(quantile(0.95)(toFloat(properties.$ai_latency)), 1) AS p95,
    round(quantile(0.5)(toFloat(properties.$ai_time_to_first_token)), 2) AS first_token_p50
FROM events
WHERE event = '$ai_generation'
    AND properties.$ai_lib = 'posthog-llma'
    AND {filters}
GROUP BY model
ORDER BY calls DESC
LIMIT 50",
    },
    Insight {
        name: "Failed calls",
        description: "Calls that the provider refused or broke off, by HTTP status.",
        display: Display::Table,
        query: "\
SELECT
    properties.$ai_model AS model,
    coalesce(nullIf(toString(properties.$ai_http_status), ''), 'none') AS status,
    count() AS calls,
    max(timestamp) AS last
FROM events
WHERE event = '$ai_generation'
    AND toString(properties.$ai_is_error) = 'true'
    AND properties.$ai_lib = 'posthog-llma'
    AND {filters}
GROUP BY model, status
ORDER BY calls DESC
LIMIT 50",
    },
    Insight {
        name: "Tools",
        description: "How often each failed, its time in seconds where that is known, and for how \
                      many minutes it waited for a person.",
        display: Display::Table,
        query: "\
SELECT
    properties.$ai_span_name AS tool,
    count() AS calls,
    countIf(toString(properties.$ai_is_error) = 'true') AS failed,
    round(100 * failed / calls, 1) AS failed_percent,
    round(quantile(0.5)(toFloat(properties.$ai_latency)), 1) AS p50,
    round(quantile(0.95)(toFloat(properties.$ai_latency)), 1) AS p95,
    round(sum(toFloat(properties.permission_wait_seconds)) / 60, 1) AS waited_minutes
FROM events
WHERE event = '$ai_span'
    AND properties.$ai_span_type = 'tool'
    AND properties.$ai_lib = 'posthog-llma'
    AND {filters}
GROUP BY tool
ORDER BY calls DESC
LIMIT 100",
    },
    Insight {
        name: "Working and waiting",
        description: "Hours in which agents worked, and in which they waited for a person. Needs the \
                      spans of turns, which a setting can switch off.",
        display: Display::Lines {
            x: "day",
            y: &["worked_hours", "waited_hours"],
        },
        query: "\
SELECT
    toStartOfDay(timestamp) AS day,
    round(sum(toFloat(properties.$ai_latency)) / 3600, 2) AS worked_hours,
    round(sum(toFloat(properties.waited_seconds)) / 3600, 2) AS waited_hours
FROM events
WHERE event = '$ai_span'
    AND properties.$ai_span_type = 'turn'
    AND properties.$ai_lib = 'posthog-llma'
    AND {filters}
GROUP BY day
ORDER BY day",
    },
    Insight {
        name: "Adoption",
        description: "People and sessions by week.",
        display: Display::Lines {
            x: "week",
            y: &["people", "sessions"],
        },
        query: "\
SELECT
    toStartOfWeek(timestamp) AS week,
    uniq(distinct_id) AS people,
    uniq(properties.$ai_session_id) AS sessions
FROM events
WHERE event = '$ai_generation'
    AND properties.$ai_lib = 'posthog-llma'
    AND {filters}
GROUP BY week
ORDER BY week",
    },
    Insight {
        name: "Agents",
        description: "Which agents are used, and by how many people. A session without a person \
                      counts as one.",
        display: Display::Table,
        query: "\
SELECT
    properties.$ai_framework AS agent,
    uniq(distinct_id) AS people,
    uniq(properties.$ai_session_id) AS sessions,
    uniq(properties.$ai_project_name) AS projects,
    round(sum(toFloat(properties.$ai_total_cost_usd)), 2) AS cost
FROM events
WHERE event = '$ai_generation'
    AND properties.$ai_lib = 'posthog-llma'
    AND {filters}
GROUP BY agent
ORDER BY sessions DESC",
    },
    Insight {
        name: "Input from the cache",
        description: "Percent of the input tokens that the provider had in its cache, of calls that \
                      report cached tokens apart from input.",
        display: Display::Lines {
            x: "day",
            y: &["cached_percent"],
        },
        query: "\
SELECT
    toStartOfDay(timestamp) AS day,
    round(100 * sum(toInt(properties.$ai_cache_read_input_tokens)) / (
        sum(toInt(properties.$ai_input_tokens))
        + sum(coalesce(toInt(properties.$ai_cache_read_input_tokens), 0))
        + sum(coalesce(toInt(properties.$ai_cache_creation_input_tokens), 0))
    ), 1) AS cached_percent
FROM events
WHERE event = '$ai_generation'
    AND toString(properties.$ai_cache_reporting_exclusive) = 'true'
    AND properties.$ai_lib = 'posthog-llma'
    AND {filters}
GROUP BY day
ORDER BY day",
    },
    Insight {
        name: "Changes to files",
        description: "Lines that the agents' own tools added and removed, by project; changes by \
                      shell commands are not counted.",
        display: Display::Bars {
            x: "project",
            y: &["added", "removed"],
        },
        query: "\
SELECT
    coalesce(nullIf(properties.$ai_project_name, ''), 'no project') AS project,
    sum(toInt(properties.lines_added)) AS added,
    sum(toInt(properties.lines_removed)) AS removed
FROM events
WHERE event = '$ai_span'
    AND properties.$ai_span_type = 'tool'
    AND properties.$ai_lib = 'posthog-llma'
    AND {filters}
GROUP BY project
HAVING added > 0 OR removed > 0
ORDER BY added DESC
LIMIT 25",
    },
];
