//! Chat and social networks.

use super::{Provider, inside, link, near, prefix, provider, word};
use crate::redact::text::format::{
    ALNUM, ANY_HEX, BASE64, Class, DIGIT, HEX, LOWER_ALNUM, PAD, URL64, text,
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
