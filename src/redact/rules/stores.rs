//! Secret stores, databases and bare keys.

use super::{Provider, inside, link, near, prefix, provider, word};
use crate::redact::text::format::{
    ALNUM, ANY_HEX, BASE64, Class, DIGIT, HEX, PAD, Part, UPPER_ALNUM, URL64, text,
};
use crate::redact::values::checks::{
    encoded_private_key, mixed_case, no_example, random, with_digit,
};

/// Version 2 and later have the same groups; programs print them in either case.
const SECRET_KEY_GROUPS: &[Part] = &[
    ALNUM.n(6),
    text("-"),
    ALNUM.n(6),
    text("-"),
    ALNUM.n(5),
    text("-"),
    ALNUM.n(5),
    text("-"),
    ALNUM.n(5),
    text("-"),
    ALNUM.n(5),
];

pub(super) const PROVIDERS: &[Provider] = &[
    provider(
        "developer.hashicorp.com/vault/docs/concepts/tokens",
        &[
            inside(
                "terraform-cloud-token",
                ALNUM.between(3, 20),
                ".atlasv1.",
                &[URL64.and_also("=").at_least(50)],
            ),
            prefix("vault-service-token", "hvs.", &[URL64.at_least(24)]),
            prefix("vault-batch-token", "hvb.", &[URL64.at_least(24)]),
            prefix("vault-recovery-token", "hvr.", &[URL64.at_least(24)]),
            near("vault-unseal-key", &["unseal"], &[BASE64.n(44)]).checked(mixed_case),
            word("vault-service-token", "s.", &[ALNUM.n(24)]).checked(random),
            word("vault-batch-token", "b.AAAA", &[URL64.at_least(80)]),
            near(
                "vault-service-token",
                &["vault"],
                &[text("s."), ALNUM.n(24)],
            ),
        ],
    ),
    provider(
        "docs.doppler.com/docs/service-tokens",
        &[
            prefix("doppler-token", "dp.pt.", &[ALNUM.at_least(40)]),
            prefix(
                "doppler-token",
                "dp.st.",
                &[URL64.and_also(".").at_least(40)],
            ),
            prefix("doppler-token", "dp.ct.", &[ALNUM.at_least(40)]),
            prefix("doppler-token", "dp.sa.", &[ALNUM.at_least(40)]),
            prefix("doppler-token", "dp.scim.", &[ALNUM.at_least(40)]),
            prefix("doppler-token", "dp.audit.", &[ALNUM.at_least(40)]),
        ],
    ),
    provider(
        "support.1password.com/secret-key-security",
        &[
            prefix(
                "1password-service-token",
                "ops_ey",
                &[
                    BASE64.and_also("-_").at_least(60),
                    Class::of("=").between(0, 3),
                ],
            ),
            word(
                "1password-secret-key",
                "A3-",
                &[
                    UPPER_ALNUM.n(6),
                    text("-"),
                    UPPER_ALNUM.and_also("-").between(26, 30),
                ],
            )
            .checked(no_example),
            word("1password-secret-key", "A2-", SECRET_KEY_GROUPS).checked(with_digit),
            word("1password-secret-key", "A3-", SECRET_KEY_GROUPS).checked(with_digit),
            word("1password-secret-key", "A4-", SECRET_KEY_GROUPS).checked(with_digit),
            word("1password-secret-key", "A5-", SECRET_KEY_GROUPS).checked(with_digit),
        ],
    ),
    provider(
        "infisical.com/docs/documentation/platform/token",
        &[word(
            "infisical-token",
            "st.",
            &[
                URL64.at_least(8),
                text("."),
                URL64.at_least(8),
                text("."),
                HEX.at_least(8),
            ],
        )
        .checked(random)],
    ),
    provider(
        "docs.confluent.io/cloud/current/security",
        &[
            word("confluent-secret", "cflt", &[BASE64.n(60)]),
            near("confluent-secret", &["confluent"], &[BASE64.n(64)]),
        ],
    ),
    provider(
        "docs.databricks.com/dev-tools/auth/pat",
        &[word("databricks-token", "dapi", &[ALNUM.at_least(32)])],
    ),
    provider(
        "planetscale.com/docs/concepts",
        &[
            prefix(
                "planetscale-token",
                "pscale_tkn_",
                &[URL64.and_also("=.").at_least(32)],
            ),
            prefix(
                "planetscale-oauth-token",
                "pscale_oauth_",
                &[URL64.and_also("=.").at_least(32)],
            ),
            prefix(
                "planetscale-password",
                "pscale_pw_",
                &[URL64.and_also("=.").at_least(32)],
            ),
        ],
    ),
    provider(
        "neon.com/docs/manage/api-keys",
        &[
            word("neon-key", "napi_", &[ALNUM.at_least(60)]),
            word("neon-password", "npg_", &[ALNUM.at_least(12)]),
        ],
    ),
    provider(
        "www.mongodb.com/docs/atlas",
        &[
            prefix("mongodb-atlas-secret", "mdb_sa_sk_", &[URL64.at_least(40)]),
            prefix("mongodb-atlas-client-id", "mdb_sa_id_", &[HEX.at_least(24)]),
        ],
    ),
    provider(
        "www.cockroachlabs.com/docs/cockroachcloud",
        &[prefix(
            "cockroach-key",
            "CCDB1_",
            &[ALNUM.n(22), text("_"), ALNUM.at_least(40)],
        )],
    ),
    provider(
        "aiven.io/docs/platform",
        &[prefix("aiven-password", "AVNS_", &[URL64.at_least(18)])],
    ),
    provider(
        "clickhouse.com/docs/cloud",
        &[word("clickhouse-key", "4b1d", &[ALNUM.n(38)]).checked(mixed_case)],
    ),
    provider(
        "www.elastic.co/docs/deploy-manage",
        &[prefix(
            "elastic-cloud-key",
            "essu_",
            &[BASE64.and_also("-_").at_least(40), PAD],
        )],
    ),
    provider(
        "upstash.com/docs/redis",
        &[near(
            "upstash-token",
            &["upstash"],
            &[ALNUM.between(40, 64)],
        )],
    ),
    provider(
        "www.backblaze.com/docs",
        &[word("backblaze-key", "K00", &[DIGIT.n(1), BASE64.n(27)]).checked(mixed_case)],
    ),
    provider(
        "www.rfc-editor.org/rfc/rfc5958",
        &[
            prefix(
                "der-private-key",
                "MIIEvQIBADANBgkq",
                &[BASE64.at_least(40), PAD],
            ),
            prefix(
                "der-private-key",
                "MIIEvgIBADANBgkq",
                &[BASE64.at_least(40), PAD],
            ),
            prefix(
                "der-private-key",
                "MIIJQgIBADANBgkq",
                &[BASE64.at_least(40), PAD],
            ),
            prefix(
                "der-private-key",
                "MIIJRAIBADANBgkq",
                &[BASE64.at_least(40), PAD],
            ),
            prefix(
                "der-private-key",
                "MIGHAgEAMBMGByqGSM49",
                &[BASE64.at_least(40), PAD],
            ),
            prefix(
                "der-private-key",
                "MC4CAQAwBQYDK2VwBCIEI",
                &[BASE64.at_least(20), PAD],
            ),
            prefix(
                "openssh-private-key",
                "b3BlbnNzaC1rZXktdjE",
                &[BASE64.at_least(40), PAD],
            ),
            prefix(
                "encoded-private-key",
                "LS0tLS1CRUdJTi",
                &[BASE64.at_least(40), PAD],
            )
            .checked(encoded_private_key),
            prefix(
                "age-secret-key",
                "AGE-SECRET-KEY-PQ-1",
                &[ALNUM.at_least(58)],
            ),
            prefix("age-secret-key", "AGE-SECRET-KEY-1", &[ALNUM.at_least(58)]),
            word("bitcoin-extended-key", "xprv", &[ALNUM.at_least(100)]),
            link(
                "putty-private-key",
                "Private-MAC: ",
                &[ANY_HEX.at_least(40)],
            ),
        ],
    ),
    provider(
        "xata.io/docs",
        &[word("xata-key", "xau_", &[ALNUM.at_least(32)])],
    ),
    provider(
        "www.tinybird.co/docs",
        &[word(
            "tinybird-token",
            "p.eyJ1I",
            &[URL64.at_least(60), text("."), URL64.at_least(40)],
        )],
    ),
    provider(
        "docs.datastax.com/en/astra-db-serverless",
        &[prefix(
            "astra-token",
            "AstraCS:",
            &[ALNUM.and_also(":").at_least(20)],
        )],
    ),
];
