//! Web tokens and identity providers.

use super::{Provider, inside, near, prefix, provider, word};
use crate::redact::text::format::{ALNUM, BASE64, PAD, URL64, text};
use crate::redact::values::checks::{encoded_json_header, json_header, mixed_case, web_token};

pub(super) const PROVIDERS: &[Provider] = &[
    provider(
        "www.rfc-editor.org/rfc/rfc7519",
        &[
            prefix(
                "jwt",
                "eyJ",
                &[
                    URL64.at_least(8),
                    text(".eyJ"),
                    URL64.at_least(4),
                    text("."),
                    URL64.at_least(0),
                ],
            )
            .checked(json_header),
            // Of other headers and payloads, such as those of JSON that is packed or encrypted.
            word(
                "web-token",
                "eyJ",
                &[
                    URL64.at_least(16),
                    text("."),
                    URL64.at_least(16),
                    text("."),
                    URL64.at_least(16),
                ],
            )
            .checked(mixed_case),
            // Of a header with a blank or a line break after its first brace.
            inside(
                "web-token",
                URL64.between(17, 200),
                ".ey",
                &[URL64.at_least(16), text("."), URL64.at_least(16)],
            )
            .checked(web_token),
            // Of a header that is written over several lines.
            prefix(
                "jwt",
                "ewog",
                &[
                    URL64.at_least(8),
                    text(".e"),
                    URL64.at_least(4),
                    text("."),
                    URL64.at_least(20),
                ],
            ),
            word("encoded-jwt", "ZXlK", &[BASE64.at_least(60), PAD]).checked(encoded_json_header),
            prefix(
                "jwe",
                "eyJ",
                &[
                    URL64.at_least(16),
                    text("."),
                    URL64.at_least(0),
                    text("."),
                    URL64.at_least(16),
                    text("."),
                    URL64.at_least(16),
                    text("."),
                    URL64.at_least(16),
                ],
            )
            .checked(json_header),
        ],
    ),
    provider(
        "developer.okta.com/docs",
        &[near(
            "okta-token",
            &["okta", "ssws"],
            &[text("00"), URL64.n(40)],
        )],
    ),
    provider(
        "auth0.com/docs",
        &[near("auth0-secret", &["auth0"], &[URL64.n(64)])],
    ),
    provider(
        "stytch.com/docs",
        &[
            prefix(
                "stytch-secret",
                "secret-live-",
                &[URL64.and_also("=").at_least(30)],
            ),
            prefix(
                "stytch-secret",
                "secret-test-",
                &[URL64.and_also("=").at_least(30)],
            ),
        ],
    ),
    provider(
        "duo.com/docs",
        &[near("duo-secret", &["duo"], &[ALNUM.n(40)])],
    ),
    provider(
        "authress.io/knowledge-base",
        &[
            prefix(
                "authress-key",
                "authress_",
                &[
                    ALNUM.between(5, 30),
                    text("."),
                    URL64.and_also(".+/=").at_least(40),
                ],
            ),
            word("authress-key", "sc_", AUTHRESS),
            word("authress-key", "ext_", AUTHRESS),
            word("authress-key", "scauth_", AUTHRESS),
        ],
    ),
];

const AUTHRESS: &[super::Part] = &[
    ALNUM.between(5, 30),
    text("."),
    ALNUM.between(4, 6),
    text(".acc"),
    URL64.and_also(".+/=").at_least(40),
];
