//! Monitoring, logging, analytics and incident response.

use super::{Provider, inside, near, prefix, provider, word};
use crate::redact::text::format::{
    ALNUM, BASE64, DIGIT, HEX, LOWER, LOWER_ALNUM, PAD, URL64, UUID, WORD, text,
};
use crate::redact::values::checks::with_digit;

pub(super) const PROVIDERS: &[Provider] = &[
    // A project key (`phc_`) is public by design: it is in every web page.
    provider(
        "posthog.com/docs/api",
        &[
            prefix("posthog-personal-key", "phx_", &[URL64.at_least(40)]),
            prefix("posthog-secret-key", "phs_", &[ALNUM.at_least(40)]),
            prefix("posthog-oauth-token", "pha_", &[ALNUM.at_least(40)]),
            prefix("posthog-oauth-refresh-token", "phr_", &[ALNUM.at_least(40)]),
        ],
    ),
    provider(
        "docs.datadoghq.com/account_management/api-app-keys",
        &[
            near("datadog-app-key", &["datadog", "dd_app"], &[HEX.n(40)]),
            near(
                "datadog-key",
                &["datadog", "dd_api", "dd-api"],
                &[HEX.n(32)],
            ),
            prefix("datadog-app-key", "ddapp_", &[ALNUM.at_least(34)]),
        ],
    ),
    provider(
        "docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys",
        &[
            prefix("newrelic-user-key", "NRAK-", &[ALNUM.at_least(27)]),
            prefix("newrelic-insert-key", "NRII-", &[URL64.at_least(32)]),
            prefix("newrelic-query-key", "NRIQ-", &[URL64.at_least(32)]),
            prefix("newrelic-browser-key", "NRJS-", &[ALNUM.at_least(19)]),
            prefix("newrelic-admin-key", "NRAA-", &[ALNUM.at_least(27)]),
            inside("newrelic-license-key", LOWER_ALNUM.n(36), "NRAL", &[]),
        ],
    ),
    provider(
        "docs.sentry.io/account/auth-tokens",
        &[
            prefix(
                "sentry-org-token",
                "sntrys_",
                &[BASE64.and_also("_=").at_least(60)],
            ),
            prefix("sentry-user-token", "sntryu_", &[ALNUM.at_least(64)]),
            prefix("sentry-integration-token", "sntryi_", &[ALNUM.at_least(64)]),
            near("sentry-token", &["sentry"], &[HEX.n(64)]),
        ],
    ),
    provider(
        "grafana.com/docs/grafana/latest/administration",
        &[
            prefix(
                "grafana-service-token",
                "glsa_",
                &[ALNUM.n(32), text("_"), ALNUM.at_least(8)],
            ),
            prefix("grafana-cloud-token", "glc_", &[BASE64.at_least(32), PAD]),
            prefix("grafana-key", "eyJrIjoi", &[BASE64.at_least(40), PAD]),
        ],
    ),
    provider(
        "docs.honeycomb.io",
        &[
            word("honeycomb-key", "hcaik_", &[ALNUM.at_least(58)]),
            word("honeycomb-key", "hcbik_", &[ALNUM.at_least(58)]),
            word("honeycomb-key", "hcxik_", &[ALNUM.at_least(58)]),
            near("honeycomb-key", &["honeycomb"], &[ALNUM.n(22)]),
        ],
    ),
    provider(
        "docs.dynatrace.com",
        &[word(
            "dynatrace-token",
            "dt0",
            &[
                LOWER.n(1),
                DIGIT.n(2),
                text("."),
                ALNUM.between(8, 24),
                text("."),
                ALNUM.at_least(64),
            ],
        )],
    ),
    provider(
        "docs.splunk.com",
        &[near("splunk-token", &["splunk"], UUID)],
    ),
    provider(
        "help.sumologic.com",
        &[
            near("sumologic-key", &["sumo"], &[ALNUM.n(64)]),
            near(
                "sumologic-access-id",
                &["sumo"],
                &[text("su"), LOWER_ALNUM.n(12)],
            ),
        ],
    ),
    provider(
        "docs.logz.io",
        &[near("logzio-token", &["logzio", "logz_io"], &[ALNUM.n(32)])],
    ),
    provider(
        "documentation.solarwinds.com/loggly",
        &[near("loggly-token", &["loggly"], UUID)],
    ),
    provider(
        "docs.logdna.com",
        &[near("logdna-key", &["logdna", "mezmo"], &[HEX.n(32)])],
    ),
    provider(
        "betterstack.com/docs",
        &[near(
            "betterstack-token",
            &["betterstack", "logtail"],
            &[ALNUM.n(24)],
        )],
    ),
    provider(
        "docs.bugsnag.com",
        &[near("bugsnag-key", &["bugsnag"], &[HEX.n(32)])],
    ),
    provider(
        "docs.rollbar.com",
        &[near("rollbar-token", &["rollbar"], &[HEX.n(32)])],
    ),
    provider(
        "docs.airbrake.io",
        &[near("airbrake-key", &["airbrake"], &[HEX.n(32)])],
    ),
    provider(
        "docs.honeybadger.io",
        &[word("honeybadger-key", "hbp_", &[ALNUM.at_least(30)])],
    ),
    provider(
        "axiom.co/docs/reference/tokens",
        &[
            prefix("axiom-token", "xaat-", UUID),
            prefix("axiom-personal-token", "xapt-", UUID),
        ],
    ),
    provider(
        "amplitude.com/docs/apis",
        &[near("amplitude-key", &["amplitude"], &[HEX.n(32)])],
    ),
    provider(
        "developer.mixpanel.com",
        &[near("mixpanel-secret", &["mixpanel"], &[HEX.n(32)])],
    ),
    provider(
        "segment.com/docs",
        &[
            prefix("segment-token", "sgp_", &[URL64.at_least(60)]),
            near(
                "segment-key",
                &["segment_write", "segment_key"],
                &[ALNUM.n(32)],
            ),
        ],
    ),
    provider(
        "docs.pagerduty.com",
        &[
            near(
                "pagerduty-key",
                &["pagerduty"],
                &[URL64.and_also("+").n(20)],
            )
            .checked(with_digit),
            near(
                "pagerduty-routing-key",
                &["pagerduty", "routing_key"],
                &[HEX.n(32)],
            ),
        ],
    ),
    provider(
        "docs.opsgenie.com",
        &[near("opsgenie-key", &["opsgenie", "genie"], UUID)],
    ),
    provider(
        "www.checklyhq.com/docs",
        &[word("checkly-key", "cu_", &[HEX.n(32)])],
    ),
    provider(
        "docs.statuspage.io",
        &[near("statuspage-key", &["statuspage"], UUID)],
    ),
    provider(
        "docs.incident.io",
        &[prefix("incident-io-key", "inc_", &[ALNUM.at_least(64)])],
    ),
    provider(
        "docs.lightstep.com",
        &[near(
            "lightstep-token",
            &["lightstep"],
            &[ALNUM.and_also("/+").between(64, 104)],
        )],
    ),
    provider(
        "docs.pydantic.dev/logfire",
        &[prefix("logfire-token", "pylf_v1_", &[WORD.at_least(40)])],
    ),
    provider(
        "docs.rootly.com",
        &[prefix("rootly-key", "rootly_", &[ALNUM.at_least(64)])],
    ),
];
