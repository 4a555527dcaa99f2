//! Chat, mail, phone and social networks.

use super::{Provider, inside, link, near, prefix, provider, word};
use crate::redact::text::format::{
    ALNUM, ANY_HEX, BASE64, Class, DIGIT, HEX, LOWER_ALNUM, PAD, URL64, UUID, text,
};
use crate::redact::values::checks::{mixed_case, no_example, random, with_digit};

pub(super) const PROVIDERS: &[Provider] = &[
    provider(
        "learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors",
        &[link(
            "teams-webhook",
            ".office.com/webhook",
            &[URL64.and_also("/@").at_least(60)],
        )],
    ),
    provider(
        "docs.slack.dev/authentication/tokens",
        &[
            prefix(
                "slack-bot-token",
                "xoxb-",
                &[ALNUM.and_also("-").at_least(10)],
            )
            .checked(with_digit),
            prefix(
                "slack-user-token",
                "xoxp-",
                &[ALNUM.and_also("-").at_least(10)],
            )
            .checked(with_digit),
            prefix(
                "slack-workspace-token",
                "xoxa-",
                &[ALNUM.and_also("-").at_least(10)],
            )
            .checked(with_digit),
            prefix(
                "slack-refresh-token",
                "xoxr-",
                &[ALNUM.and_also("-").at_least(10)],
            )
            .checked(with_digit),
            prefix(
                "slack-legacy-token",
                "xoxs-",
                &[ALNUM.and_also("-").at_least(10)],
            )
            .checked(with_digit),
            prefix(
                "slack-legacy-token",
                "xoxo-",
                &[ALNUM.and_also("-").at_least(10)],
            )
            .checked(with_digit),
            prefix(
                "slack-session-token",
                "xoxc-",
                &[ALNUM.and_also("-").at_least(12)],
            ),
            prefix(
                "slack-session-cookie",
                "xoxd-",
                &[URL64.and_also("%+/=").at_least(20)],
            ),
            prefix(
                "slack-config-token",
                "xoxe.xox",
                &[ALNUM.and_also("-").at_least(60)],
            ),
            prefix(
                "slack-config-refresh-token",
                "xoxe-",
                &[ALNUM.and_also("-").at_least(60)],
            ),
            prefix(
                "slack-app-token",
                "xapp-",
                &[ALNUM.and_also("-").at_least(14)],
            ),
            prefix(
                "slack-workflow-token",
                "xwfp-",
                &[ALNUM.and_also("-").at_least(40)],
            ),
            link(
                "slack-webhook",
                "hooks.slack.com/services/",
                &[BASE64.and_also("-_").at_least(30)],
            ),
            link(
                "slack-webhook",
                "hooks.slack.com/workflows/",
                &[BASE64.and_also("-_").at_least(30)],
            ),
            link(
                "slack-webhook",
                "hooks.slack.com/triggers/",
                &[BASE64.and_also("-_").at_least(30)],
            ),
        ],
    ),
    provider(
        "discord.com/developers/docs/reference",
        &[
            word("discord-bot-token", "MT", DISCORD),
            word("discord-bot-token", "Mj", DISCORD),
            word("discord-bot-token", "Mz", DISCORD),
            word("discord-bot-token", "ND", DISCORD),
            word("discord-bot-token", "NT", DISCORD),
            word("discord-bot-token", "Nj", DISCORD),
            word("discord-bot-token", "Nz", DISCORD),
            word("discord-bot-token", "OD", DISCORD),
            word("discord-bot-token", "OT", DISCORD),
            prefix("discord-mfa-token", "mfa.", &[URL64.at_least(80)]),
            link("discord-webhook", "discord.com/api/webhooks/", WEBHOOK),
            link("discord-webhook", "discordapp.com/api/webhooks/", WEBHOOK),
            near("discord-secret", &["discord"], &[URL64.n(32)]).checked(mixed_case),
        ],
    ),
    provider(
        "core.telegram.org/bots/api",
        &[
            inside(
                "telegram-bot-token",
                DIGIT.between(8, 10),
                ":AA",
                &[URL64.n(33)],
            )
            .checked(no_example),
            link(
                "telegram-bot-token",
                "tgram://",
                &[DIGIT.between(5, 16), text(":"), URL64.n(35)],
            ),
            near(
                "telegram-bot-token",
                &["telegram", "telegr"],
                &[DIGIT.between(5, 16), text(":"), URL64.n(35)],
            ),
        ],
    ),
    provider(
        "learn.microsoft.com/microsoftteams",
        &[
            link(
                "teams-webhook",
                ".webhook.office.com/webhookb2/",
                &[ALNUM.and_also("-@/").at_least(80)],
            ),
            link(
                "teams-webhook",
                "outlook.office.com/webhook/",
                &[ALNUM.and_also("-@/").at_least(80)],
            ),
        ],
    ),
    provider(
        "developers.google.com/workspace/chat",
        &[link(
            "google-chat-webhook",
            "chat.googleapis.com/v1/spaces/",
            &[
                URL64.at_least(8),
                text("/messages?key="),
                URL64.and_also("&=%").at_least(60),
            ],
        )],
    ),
    provider(
        "developers.mattermost.com",
        &[near(
            "mattermost-token",
            &["mattermost"],
            &[LOWER_ALNUM.n(26)],
        )],
    ),
    provider(
        "zulip.com/api",
        &[near("zulip-key", &["zulip"], &[ALNUM.n(32)])],
    ),
    provider(
        "developers.line.biz/en/docs",
        &[near(
            "line-channel-token",
            &["line_channel"],
            &[BASE64.between(150, 200), PAD],
        )],
    ),
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
    provider(
        "pusher.com/docs",
        &[near("pusher-secret", &["pusher"], &[HEX.n(20)])],
    ),
    provider(
        "www.pubnub.com/docs",
        &[prefix(
            "pubnub-secret-key",
            "sec-c-",
            &[ALNUM.and_also("-").at_least(36)],
        )],
    ),
    provider(
        "sendbird.com/docs",
        &[near("sendbird-token", &["sendbird"], &[HEX.n(40)])],
    ),
    provider(
        "documentation.onesignal.com",
        &[
            prefix("onesignal-key", "os_v2_app_", &[ALNUM.at_least(60)]),
            prefix("onesignal-key", "os_v2_org_", &[ALNUM.at_least(60)]),
        ],
    ),
    provider(
        "dev.twitch.tv/docs/authentication",
        &[
            near("twitch-token", &["twitch"], &[LOWER_ALNUM.n(30)]),
            word("twitch-oauth-token", "oauth:", &[LOWER_ALNUM.n(30)]),
        ],
    ),
    provider(
        "developers.facebook.com/docs/facebook-login",
        &[
            prefix("facebook-token", "EAACEdEose0cBA", &[ALNUM.at_least(20)]),
            inside(
                "facebook-app-token",
                DIGIT.between(15, 16),
                "%7C",
                &[URL64.between(27, 40)],
            ),
            word("facebook-token", "EAA", &[ALNUM.at_least(100)]),
            word("instagram-token", "IGQ", &[URL64.at_least(50)]),
            near("facebook-secret", &["facebook", "fb_app"], &[HEX.n(32)]),
        ],
    ),
    provider(
        "docs.x.com/fundamentals/authentication",
        &[
            prefix(
                "twitter-bearer-token",
                "AAAAAAAAAAAAAAAAAAAAA",
                &[ALNUM.and_also("%").at_least(80)],
            )
            .checked(mixed_case),
            near(
                "twitter-access-token",
                &["twitter"],
                &[DIGIT.between(15, 25), text("-"), ALNUM.between(20, 45)],
            ),
            near("twitter-secret", &["twitter"], &[ALNUM.between(45, 50)]),
            near("twitter-key", &["twitter"], &[ALNUM.n(25)]).checked(mixed_case),
        ],
    ),
    provider(
        "learn.microsoft.com/linkedin",
        &[
            prefix(
                "linkedin-secret",
                "WPL_AP1.",
                &[ALNUM.n(16), text("."), BASE64.at_least(4), PAD],
            ),
            near("linkedin-secret", &["linkedin"], &[ALNUM.n(16)]).checked(mixed_case),
            near("linkedin-client", &["linkedin"], &[ALNUM.between(12, 14)]).checked(with_digit),
        ],
    ),
    provider(
        "developers.pinterest.com",
        &[
            prefix("pinterest-token", "pina_", &[URL64.at_least(20)]).checked(random),
            prefix(
                "pinterest-refresh-token",
                "pinr_",
                &[URL64.and_also(".").at_least(20)],
            )
            .checked(random),
        ],
    ),
    provider(
        "github.com/reddit-archive/reddit/wiki",
        &[near("reddit-secret", &["reddit"], &[URL64.n(27)]).checked(mixed_case)],
    ),
    provider(
        "developer.spotify.com/documentation",
        &[near("spotify-secret", &["spotify"], &[HEX.n(32)])],
    ),
    provider(
        "www.flickr.com/services/api",
        &[near("flickr-key", &["flickr"], &[ANY_HEX.n(32)])],
    ),
    provider(
        "developers.tiktok.com",
        &[word(
            "tiktok-token",
            "act.",
            &[ALNUM.and_also("!.").at_least(60)],
        )],
    ),
    provider(
        "docs.zapier.com/platform",
        &[link(
            "zapier-webhook",
            "hooks.zapier.com/hooks/catch/",
            &[DIGIT.between(5, 10), text("/"), ALNUM.between(5, 12)],
        )],
    ),
    provider(
        "www.zoho.com/accounts/protocol/oauth.html",
        &[
            word("zoho-token", "1000.", &[HEX.n(32), text("."), HEX.n(32)]),
            word("zoho-token", "1001.", &[HEX.n(32), text("."), HEX.n(32)]),
            word("zoho-key", "1003.", &[HEX.between(32, 64)]),
        ],
    ),
    provider(
        "docs.courier.com",
        &[
            word("courier-key", "pk_prod_", &[ALNUM.at_least(24)]),
            word("courier-key", "dk_prod_", &[ALNUM.at_least(24)]),
            word("courier-key", "dk_test_", &[ALNUM.at_least(24)]),
        ],
    ),
];

/// After two letters, the rest of a numeric id in base64; time stamp and signature follow.
const DISCORD: &[super::Part] = &[
    Class::of("AEIMQUYcgk").n(1),
    URL64.between(20, 28),
    text("."),
    URL64.n(6),
    text("."),
    URL64.between(27, 40),
];

const WEBHOOK: &[super::Part] = &[DIGIT.between(17, 20), text("/"), URL64.at_least(60)];
