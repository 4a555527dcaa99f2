//! Package registries.

use super::{Provider, near, prefix, provider, word};
use crate::redact::text::format::{ALNUM, BASE64, HEX, LOWER_ALNUM, URL64, text};
use crate::redact::values::checks::crc32_base62;

pub(super) const PROVIDERS: &[Provider] = &[
    provider(
        "docs.docker.com/security/access-tokens",
        &[
            prefix("docker-pat", "dckr_pat_", &[URL64.at_least(27)]),
            prefix(
                "docker-organization-token",
                "dckr_oat_",
                &[URL64.at_least(32)],
            ),
            prefix(
                "docker-swarm-token",
                "SWMTKN-1-",
                &[
                    LOWER_ALNUM.at_least(40),
                    text("-"),
                    LOWER_ALNUM.at_least(20),
                ],
            ),
            prefix("docker-swarm-key", "SWMKEY-1-", &[BASE64.at_least(40)]),
        ],
    ),
    provider(
        "docs.npmjs.com/about-access-tokens",
        &[prefix("npm-token", "npm_", &[ALNUM.at_least(36)]).checked(crc32_base62)],
    ),
    provider(
        "pypi.org/help#apitoken",
        &[
            prefix("pypi-token", "pypi-AgEIcHlwaS5vcmc", &[URL64.at_least(50)]),
            prefix(
                "testpypi-token",
                "pypi-AgENdGVzdC5weXBpLm9yZw",
                &[URL64.at_least(50)],
            ),
        ],
    ),
    provider(
        "guides.rubygems.org/api-key-scopes",
        &[prefix("rubygems-key", "rubygems_", &[ALNUM.at_least(48)])],
    ),
    provider(
        "doc.rust-lang.org/cargo/reference/publishing.html",
        &[word("crates-token", "cio", &[ALNUM.n(32)])],
    ),
    provider(
        "learn.microsoft.com/nuget",
        &[word("nuget-key", "oy2", &[ALNUM.n(43)])],
    ),
    provider(
        "github.com/clojars/clojars-web/wiki",
        &[prefix("clojars-token", "CLOJARS_", &[ALNUM.at_least(60)])],
    ),
    provider(
        "hex.pm/docs/publish",
        &[near("hex-key", &["hex_api", "hexpm"], &[HEX.n(32)])],
    ),
    provider(
        "jfrog.com/help",
        &[
            word("artifactory-key", "AKCp", &[ALNUM.at_least(60)]),
            word("artifactory-reference-token", "cmVmd", &[ALNUM.n(59)]),
            near("artifactory-key", &["artifactory", "jfrog"], &[ALNUM.n(73)]),
        ],
    ),
    provider(
        "help.cloudsmith.io",
        &[
            word("cloudsmith-key", "csa_", &[ALNUM.n(36)]),
            near("cloudsmith-key", &["cloudsmith"], &[HEX.n(40)]),
        ],
    ),
];
