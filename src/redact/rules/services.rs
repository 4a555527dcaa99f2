//! Work tools, content, maps, data and the general web.

use super::{Provider, inside, near, prefix, provider, word};
use crate::redact::text::format::{
    ALNUM, BASE64, DIGIT, HEX, LOWER_ALNUM, PAD, UPPER_ALNUM, URL64, UUID, WORD, text,
};
use crate::redact::values::checks::{mixed_case, no_example, random};

pub(super) const PROVIDERS: &[Provider] = &[
    provider(
        "www.notion.com/help",
        &[
            prefix("notion-token", "ntn_", &[ALNUM.at_least(40)]),
            word("notion-refresh-token", "nrt_", &[WORD.at_least(40)]).checked(random),
            word("notion-token", "secret_", &[ALNUM.n(43)]),
        ],
    ),
    provider(
        "airtable.com/developers/web/guides",
        &[
            word(
                "airtable-token",
                "pat",
                &[ALNUM.n(14), text("."), ALNUM.at_least(64)],
            ),
            near("airtable-key", &["airtable"], &[text("key"), ALNUM.n(14)]),
        ],
    ),
    provider(
        "developers.asana.com",
        &[
            near(
                "asana-token",
                &["asana"],
                &[
                    DIGIT.n(1),
                    text("/"),
                    DIGIT.between(10, 20),
                    text(":"),
                    ALNUM.n(32),
                ],
            ),
            near(
                "asana-token",
                &["asana"],
                &[
                    DIGIT.n(1),
                    text("/"),
                    DIGIT.between(10, 20),
                    text("/"),
                    DIGIT.between(10, 20),
                    text(":"),
                    ALNUM.n(32),
                ],
            ),
            near("asana-secret", &["asana"], &[LOWER_ALNUM.n(32)]),
        ],
    ),
    provider(
        "linear.app/developers",
        &[
            prefix("linear-key", "lin_api_", &[ALNUM.at_least(40)]),
            prefix("linear-oauth-token", "lin_oauth_", &[ALNUM.at_least(40)]),
            near("linear-secret", &["linear"], &[HEX.n(32)]),
        ],
    ),
    provider(
        "developer.atlassian.com/cloud/trello",
        &[
            prefix("trello-token", "ATTA", &[ALNUM.at_least(64)]),
            near("trello-key", &["trello"], &[HEX.n(32)]),
        ],
    ),
    provider(
        "developer.clickup.com",
        &[word(
            "clickup-token",
            "pk_",
            &[DIGIT.between(5, 9), text("_"), UPPER_ALNUM.n(32)],
        )],
    ),
    provider(
        "developer.todoist.com",
        &[near("todoist-token", &["todoist"], &[HEX.n(40)])],
    ),
    provider(
        "developer.shortcut.com",
        &[
            word("shortcut-token", "sct_", &[URL64.at_least(100)]),
            near("shortcut-token", &["shortcut", "clubhouse"], UUID),
        ],
    ),
    provider(
        "developers.figma.com",
        &[
            prefix("figma-token", "figd_", &[URL64.at_least(30)]).checked(random),
            prefix("figma-oauth-token", "figu_", &[URL64.at_least(40)]),
        ],
    ),
    provider(
        "developers.miro.com",
        &[
            prefix("miro-token", "eyJtaXJv", &[URL64.at_least(32)]),
            near("miro-token", &["miro"], &[URL64.n(27)]).checked(mixed_case),
        ],
    ),
    provider(
        "www.canva.dev",
        &[prefix("canva-secret", "cnvca", &[URL64.at_least(40)])],
    ),
    provider(
        "www.dropbox.com/developers",
        &[
            word(
                "dropbox-token",
                "sl.",
                &[URL64.and_also("=.").at_least(120)],
            ),
            inside(
                "dropbox-long-lived-token",
                ALNUM.n(11),
                "AAAAAAAAAA",
                &[URL64.and_also("=").n(43)],
            ),
            near("dropbox-secret", &["dropbox"], &[LOWER_ALNUM.n(15)]),
        ],
    ),
    provider(
        "developer.box.com",
        &[near(
            "box-secret",
            &["box_client", "boxsdk"],
            &[ALNUM.n(32)],
        )],
    ),
    provider(
        "www.typeform.com/developers",
        &[prefix(
            "typeform-token",
            "tfp_",
            &[URL64.and_also(".=").at_least(40)],
        )],
    ),
    provider(
        "developer.frame.io",
        &[prefix(
            "frameio-token",
            "fio-u-",
            &[URL64.and_also("=").at_least(60)],
        )],
    ),
    provider(
        "developer.calendly.com",
        &[near("calendly-token", &["calendly"], &[URL64.n(43)])],
    ),
    provider(
        "developers.zoom.us/docs",
        &[near("zoom-secret", &["zoom"], &[ALNUM.n(32)]).checked(mixed_case)],
    ),
    provider(
        "docs.n8n.io/api",
        &[prefix("n8n-key", "n8n_api_", &[ALNUM.at_least(40)])],
    ),
    provider(
        "docs.retool.com",
        &[prefix(
            "retool-token",
            "retool_",
            &[LOWER_ALNUM.n(2), ALNUM.at_least(24)],
        )],
    ),
    provider(
        "developers.webflow.com",
        &[near("webflow-token", &["webflow"], &[HEX.n(64)])],
    ),
    provider(
        "developers.squarespace.com",
        &[near("squarespace-token", &["squarespace"], UUID)],
    ),
    provider(
        "docs.ghost.org/admin-api",
        &[
            near("ghost-content-key", &["ghost"], &[HEX.n(26)]),
            near(
                "ghost-admin-key",
                &["ghost"],
                &[HEX.n(24), text(":"), HEX.n(64)],
            ),
        ],
    ),
    provider(
        "www.contentful.com/developers",
        &[
            prefix("contentful-token", "CFPAT-", &[URL64.at_least(43)]),
            near("contentful-token", &["contentful"], &[URL64.n(43)]),
        ],
    ),
    provider(
        "www.sanity.io/docs",
        &[near(
            "sanity-token",
            &["sanity"],
            &[text("sk"), ALNUM.between(80, 200)],
        )],
    ),
    provider(
        "www.storyblok.com/docs",
        &[near("storyblok-token", &["storyblok"], &[ALNUM.n(24)]).checked(mixed_case)],
    ),
    provider(
        "docs.strapi.io",
        &[near("strapi-token", &["strapi"], &[HEX.n(256)])],
    ),
    provider(
        "www.algolia.com/doc",
        &[near("algolia-key", &["algolia"], &[HEX.n(32)])],
    ),
    provider(
        "www.meilisearch.com/docs",
        &[near("meilisearch-key", &["meili"], &[HEX.n(64)])],
    ),
    provider(
        "typesense.org/docs",
        &[near("typesense-key", &["typesense"], &[ALNUM.n(32)])],
    ),
    provider(
        "docs.mapbox.com/accounts",
        &[
            word(
                "mapbox-secret-token",
                "sk.eyJ",
                &[URL64.at_least(60), text("."), URL64.n(22)],
            ),
            word(
                "mapbox-temporary-token",
                "tk.eyJ",
                &[URL64.at_least(60), text("."), URL64.n(22)],
            ),
        ],
    ),
    provider(
        "dev.maxmind.com",
        &[inside("maxmind-key", WORD.n(36), "_mmk", &[])],
    ),
    provider(
        "ipinfo.io/developers",
        &[near("ipinfo-token", &["ipinfo"], &[HEX.n(14)])],
    ),
    provider(
        "openweathermap.org/appid",
        &[near(
            "openweather-key",
            &["openweather", "appid"],
            &[HEX.n(32)],
        )],
    ),
    provider(
        "newsapi.org/docs",
        &[near("newsapi-key", &["newsapi", "news_api"], &[HEX.n(32)])],
    ),
    provider(
        "docs.rapidapi.com",
        &[near("rapidapi-key", &["rapidapi"], &[ALNUM.n(50)])],
    ),
    provider(
        "developer.nytimes.com",
        &[near("nytimes-key", &["nytimes"], &[ALNUM.n(32)])],
    ),
    provider(
        "io.adafruit.com/api/docs",
        &[prefix("adafruit-key", "aio_", &[ALNUM.at_least(28)])],
    ),
    provider(
        "developer.adobe.com/developer-console",
        &[
            word("adobe-client-secret", "p8e-", &[URL64.at_least(32)]),
            near("adobe-client-id", &["adobe"], &[HEX.n(32)]),
        ],
    ),
    provider(
        "yandex.cloud/en/docs/iam",
        &[
            word("yandex-key", "AQVN", &[URL64.between(35, 38)]),
            word(
                "yandex-iam-token",
                "t1.",
                &[
                    URL64.and_also("=").at_least(20),
                    text("."),
                    URL64.at_least(80),
                    PAD,
                ],
            ),
            near("yandex-access-key", &["yandex"], &[text("YC"), URL64.n(38)]),
        ],
    ),
    provider(
        "docs.meraki.com",
        &[near("meraki-key", &["meraki"], &[HEX.n(40)])],
    ),
    provider(
        "www.beamer.com/docs",
        &[near(
            "beamer-token",
            &["beamer"],
            &[text("b_"), URL64.and_also("=").n(44)],
        )],
    ),
    provider(
        "developer.freshbooks.com",
        &[near(
            "freshbooks-token",
            &["freshbooks"],
            &[LOWER_ALNUM.n(64)],
        )],
    ),
    provider(
        "docs.settlemint.com",
        &[
            word("settlemint-token", "sm_pat_", &[ALNUM.at_least(16)]),
            word("settlemint-token", "sm_aat_", &[ALNUM.at_least(16)]),
            word("settlemint-token", "sm_sat_", &[ALNUM.at_least(16)]),
        ],
    ),
    provider(
        "docs.cloudinary.com",
        &[
            near("cloudinary-secret", &["cloudinary"], &[URL64.n(27)]).checked(mixed_case),
            near("cloudinary-key", &["cloudinary"], &[DIGIT.n(15)]).checked(no_example),
        ],
    ),
    provider(
        "docs.scrapingbee.com",
        &[near(
            "scrapingbee-key",
            &["scrapingbee"],
            &[UPPER_ALNUM.n(80)],
        )],
    ),
    provider(
        "docs.wakatime.com",
        &[prefix("wakatime-key", "waka_", &[ALNUM.and_also("-").at_least(36)]).checked(random)],
    ),
    provider(
        "developers.docusign.com",
        &[near("docusign-key", &["docusign"], UUID)],
    ),
    provider(
        "docs.lokalise.com",
        &[near("lokalise-token", &["lokalise"], &[HEX.n(40)])],
    ),
    provider(
        "developer.crowdin.com",
        &[near("crowdin-token", &["crowdin"], &[HEX.n(80)])],
    ),
    provider(
        "docs.hcaptcha.com",
        &[
            prefix("hcaptcha-secret", "ES_", &[ALNUM.at_least(32)]),
            near(
                "hcaptcha-secret",
                &["hcaptcha"],
                &[text("0x"), BASE64.n(40)],
            ),
        ],
    ),
    provider(
        "developers.cloudflare.com/turnstile",
        &[near(
            "turnstile-secret",
            &["turnstile"],
            &[text("0x4"), URL64.n(32)],
        )],
    ),
];
