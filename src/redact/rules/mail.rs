//! Mail, phone and customer relations.

use super::{Provider, inside, near, prefix, provider, word};
use crate::redact::text::format::{ALNUM, BASE64, DIGIT, HEX, PAD, URL64, UUID, text};
use crate::redact::values::checks::{mixed_case, no_example, random};

pub(super) const PROVIDERS: &[Provider] = &[
    provider(
        "www.twilio.com/docs/iam/api-keys",
        &[
            word("twilio-key", "SK", &[HEX.n(32)]),
            near("twilio-auth-token", &["twilio"], &[HEX.n(32)]),
        ],
    ),
    provider(
        "www.twilio.com/docs/sendgrid",
        &[prefix(
            "sendgrid-key",
            "SG.",
            &[URL64.and_also("=.").at_least(60)],
        )],
    ),
    provider(
        "documentation.mailgun.com",
        &[
            word("mailgun-key", "key-", &[HEX.n(32)]),
            near(
                "mailgun-signing-key",
                &["mailgun"],
                &[HEX.n(32), text("-"), HEX.n(8), text("-"), HEX.n(8)],
            ),
        ],
    ),
    provider(
        "mailchimp.com/developer",
        &[
            inside("mailchimp-key", HEX.n(32), "-us", &[DIGIT.between(1, 2)]).checked(no_example),
            word("mandrill-key", "md-", &[URL64.n(22)]).checked(mixed_case),
        ],
    ),
    provider(
        "postmarkapp.com/developer",
        &[near("postmark-token", &["postmark"], UUID)],
    ),
    provider(
        "resend.com/docs/api-reference",
        &[word(
            "resend-key",
            "re_",
            &[ALNUM.n(8), text("_"), ALNUM.n(24)],
        )],
    ),
    provider(
        "developers.brevo.com",
        &[
            prefix(
                "brevo-key",
                "xkeysib-",
                &[HEX.n(64), text("-"), ALNUM.at_least(16)],
            ),
            prefix(
                "brevo-smtp-key",
                "xsmtpsib-",
                &[HEX.n(64), text("-"), ALNUM.at_least(16)],
            ),
        ],
    ),
    provider(
        "developers.sparkpost.com",
        &[near("sparkpost-key", &["sparkpost"], &[HEX.n(40)])],
    ),
    provider(
        "dev.mailjet.com",
        &[near("mailjet-key", &["mailjet"], &[HEX.n(32)])],
    ),
    provider(
        "developers.mailersend.com",
        &[prefix("mailersend-token", "mlsn.", &[ALNUM.at_least(30)])],
    ),
    provider(
        "developers.klaviyo.com",
        &[word("klaviyo-key", "pk_", &[HEX.n(34)])],
    ),
    provider(
        "developers.intercom.com",
        &[prefix(
            "intercom-token",
            "dG9rO",
            &[BASE64.at_least(50), PAD],
        )],
    ),
    provider(
        "developer.zendesk.com",
        &[near("zendesk-token", &["zendesk"], &[ALNUM.n(40)])],
    ),
    provider(
        "developers.freshworks.com",
        &[near("freshdesk-key", &["freshdesk"], &[ALNUM.n(20)]).checked(mixed_case)],
    ),
    provider(
        "developers.hubspot.com/docs",
        &[
            word("hubspot-token", "pat-na1-", UUID),
            word(
                "hubspot-token",
                "pat-",
                &[
                    ALNUM.between(2, 4),
                    text("-"),
                    HEX.n(8),
                    text("-"),
                    HEX.and_also("-").n(27),
                ],
            ),
            near("hubspot-key", &["hubspot", "hapikey"], UUID),
        ],
    ),
    provider(
        "developer.salesforce.com/docs",
        &[
            word(
                "salesforce-session",
                "00D",
                &[
                    ALNUM.between(8, 15),
                    text("!"),
                    ALNUM.and_also("._-").at_least(30),
                ],
            ),
            prefix(
                "salesforce-consumer-key",
                "3MVG9",
                &[URL64.and_also(".~").at_least(20)],
            )
            .checked(random),
            word(
                "salesforce-refresh-token",
                "5Aep861",
                &[URL64.and_also(".~").at_least(40)],
            )
            .checked(random),
        ],
    ),
    provider(
        "pipedrive.readme.io",
        &[near("pipedrive-token", &["pipedrive"], &[HEX.n(40)])],
    ),
    provider(
        "developer.vonage.com",
        &[near("vonage-secret", &["vonage", "nexmo"], &[ALNUM.n(16)]).checked(mixed_case)],
    ),
    provider(
        "developers.messagebird.com",
        &[near("messagebird-key", &["messagebird"], &[ALNUM.n(25)]).checked(mixed_case)],
    ),
    provider(
        "www.plivo.com/docs",
        &[near("plivo-token", &["plivo"], &[ALNUM.n(40)])],
    ),
    provider(
        "developers.telnyx.com",
        &[word("telnyx-key", "KEY", &[URL64.at_least(50)])],
    ),
];
