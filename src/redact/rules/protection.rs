//! Security scanners, network protection, and proofs of identity.

use super::{Provider, prefix, provider, word};
use crate::redact::text::format::{
    ALNUM, ANY_HEX, Class, DIGIT, HEX, LOWER_ALNUM, UPPER_ALNUM, URL64, WORD, text,
};
use crate::redact::values::checks::{no_example, random};

pub(super) const PROVIDERS: &[Provider] = &[
    provider(
        "help.aikido.dev",
        &[
            prefix("aikido-secret", "AIK_SECRET_", &[ALNUM.at_least(40)]),
            prefix("aikido-token", "AIK_CI_", &[ALNUM.at_least(20)]),
            prefix("aikido-client-id", "AIK_CLIENT_", &[ALNUM.at_least(20)]),
        ],
    ),
    provider(
        "docs.endorlabs.com/administration/api-keys",
        &[word("endorlabs-key", "endr+", &[ALNUM.and_also("-").n(16)])],
    ),
    provider(
        "docs.dryrun.security",
        &[prefix("dryrun-key", "dryrunsec_", &[ALNUM.at_least(32)])],
    ),
    provider(
        "docs.stackhawk.com",
        &[word(
            "stackhawk-key",
            "hawk.",
            &[URL64.n(20), text("."), URL64.n(20)],
        )],
    ),
    provider(
        "pangea.cloud/docs",
        &[word("pangea-token", "pts_", &[LOWER_ALNUM.between(30, 36)])],
    ),
    provider(
        "docs.dependencytrack.org",
        &[word("dependency-track-key", "odt_", &[WORD.at_least(32)]).checked(random)],
    ),
    provider(
        "docs.nightfall.ai",
        &[word("nightfall-key", "NF-", &[ALNUM.n(32)])],
    ),
    provider(
        "docs.arcjet.com",
        &[word("arcjet-key", "ajkey_", &[LOWER_ALNUM.n(26)])],
    ),
    provider(
        "docs.infracost.io",
        &[word("infracost-key", "ico-", &[ALNUM.n(32)])],
    ),
    provider(
        "docs.coderabbit.ai",
        &[word("coderabbit-key", "cr-", &[ANY_HEX.n(58)])],
    ),
    provider(
        "help.guardsquare.com",
        &[prefix("appsweep-key", "gs_appsweep_", &[URL64.at_least(24)]).checked(random)],
    ),
    provider(
        "docs.sqreen.com",
        &[word("sqreen-token", "org_", &[HEX.between(56, 64)])],
    ),
    provider(
        "docs.trendmicro.com",
        &[word(
            "trendmicro-secret",
            "tmc1",
            &[ALNUM.between(26, 32), text(":"), ALNUM.between(60, 70)],
        )],
    ),
    provider(
        "support.1password.com/recovery-codes",
        &[word(
            "1password-recovery-code",
            "1PRK-",
            &[
                UPPER_ALNUM.n(4),
                text("-"),
                UPPER_ALNUM.and_also("-").at_least(40),
            ],
        )],
    ),
    provider(
        "docs.withpersona.com/api-keys",
        &[
            prefix("persona-key", "persona_production_", &[URL64.at_least(20)]).checked(random),
            prefix("persona-key", "persona_sandbox_", &[URL64.at_least(20)]).checked(random),
        ],
    ),
    provider(
        "documentation.onfido.com",
        &[
            prefix(
                "onfido-token",
                "api_live.",
                &[URL64.and_also(".").at_least(20)],
            )
            .checked(random),
            prefix(
                "onfido-token",
                "api_live_us.",
                &[URL64.and_also(".").at_least(20)],
            )
            .checked(random),
            prefix(
                "onfido-token",
                "api_live_ca.",
                &[URL64.and_also(".").at_least(20)],
            )
            .checked(random),
            prefix(
                "onfido-token",
                "api_sandbox.",
                &[URL64.and_also(".").at_least(20)],
            )
            .checked(random),
            prefix(
                "onfido-token",
                "api_sandbox_us.",
                &[URL64.and_also(".").at_least(20)],
            )
            .checked(random),
            prefix(
                "onfido-token",
                "api_sandbox_ca.",
                &[URL64.and_also(".").at_least(20)],
            )
            .checked(random),
        ],
    ),
    provider(
        "dev.proof.com/docs",
        &[word("proof-key", "prf_", &[URL64.at_least(20)]).checked(random)],
    ),
    // Stored forms of a password, which allow guessing it offline.
    provider(
        "man7.org/linux/man-pages/man5/crypt.5.html",
        &[
            prefix("password-hash", "$2a$", BCRYPT).checked(no_example),
            prefix("password-hash", "$2b$", BCRYPT).checked(no_example),
            prefix("password-hash", "$2x$", BCRYPT).checked(no_example),
            prefix("password-hash", "$2y$", BCRYPT).checked(no_example),
            prefix("password-hash", "$1$", SALTED).checked(no_example),
            prefix("password-hash", "$5$", SALTED).checked(no_example),
            prefix("password-hash", "$6$", SALTED).checked(no_example),
            prefix("password-hash", "$8$", SALTED).checked(no_example),
            prefix("password-hash", "$apr1$", SALTED).checked(no_example),
            prefix("password-hash", "$5$rounds=", ROUNDS).checked(no_example),
            prefix("password-hash", "$6$rounds=", ROUNDS).checked(no_example),
            prefix(
                "password-hash",
                "$y$",
                &[
                    CRYPT.between(1, 8),
                    text("$"),
                    CRYPT.at_least(8),
                    text("$"),
                    CRYPT.at_least(43),
                ],
            )
            .checked(no_example),
        ],
    ),
    provider(
        "hashcat.net/wiki/doku.php?id=example_hashes",
        &[
            prefix(
                "kerberos-hash",
                "$krb5asrep$",
                &[CRYPT.and_also("@:$*-").at_least(64)],
            ),
            prefix(
                "kerberos-hash",
                "$krb5tgs$",
                &[CRYPT.and_also("@:$*-").at_least(64)],
            ),
        ],
    ),
];

/// The base64 of crypt.
const CRYPT: Class = ALNUM.and_also("./");

const BCRYPT: &[super::Part] = &[DIGIT.at_least(1), text("$"), CRYPT.n(53)];

const SALTED: &[super::Part] = &[CRYPT.between(4, 16), text("$"), CRYPT.at_least(22)];

const ROUNDS: &[super::Part] = &[
    DIGIT.at_least(1),
    text("$"),
    CRYPT.between(4, 16),
    text("$"),
    CRYPT.at_least(43),
];
