//! Backends, automation, feature flags and platforms that developers build on.

use super::{Provider, inside, near, prefix, provider, word};
use crate::redact::text::format::{
    ALNUM, BASE64, Class, HEX, LOWER, PAD, UPPER_ALNUM, URL64, UUID, WORD, text,
};
use crate::redact::values::checks::{mixed_case, random};

pub(super) const PROVIDERS: &[Provider] = &[
    provider(
        "ionic.io/docs/cli",
        &[word("ionic-token", "ion_", &[ALNUM.n(42)])],
    ),
    provider(
        "airtable.com/developers/web/api/oauth-reference",
        &[inside(
            "airtable-oauth-token",
            ALNUM.between(10, 30),
            ".v1.",
            &[URL64.between(6, 30), text("."), HEX.at_least(16)],
        )],
    ),
    provider(
        "docs.devcycle.com/sdk",
        &[
            prefix("devcycle-sdk-key", "dvc_server_", &[ALNUM.at_least(8)]),
            prefix("devcycle-sdk-key", "dvc_client_", &[ALNUM.at_least(8)]),
            prefix("devcycle-sdk-key", "dvc_mobile_", &[ALNUM.at_least(8)]),
        ],
    ),
    provider(
        "docs.val.town/reference",
        &[word("valtown-token", "vtwn_", &[URL64.at_least(20)]).checked(random)],
    ),
    provider(
        "www.unkey.com/docs",
        &[
            prefix("unkey-root-key", "unkey_", &[ALNUM.at_least(20)]),
            word("unkey-key", "key_", &[ALNUM.between(16, 24)]).checked(random),
        ],
    ),
    provider(
        "trigger.dev/docs/apikeys",
        &[
            word("trigger-dev-key", "tr_dev_", &[ALNUM.at_least(20)]),
            word("trigger-dev-key", "tr_prod_", &[ALNUM.at_least(20)]),
            word("trigger-dev-key", "tr_stg_", &[ALNUM.at_least(20)]),
            word("trigger-dev-token", "tr_pat_", &[ALNUM.at_least(20)]),
        ],
    ),
    provider(
        "www.inngest.com/docs/platform/signing-keys",
        &[prefix(
            "inngest-signing-key",
            "signkey-",
            &[WORD.and_also("-").at_least(40)],
        )],
    ),
    provider(
        "www.ory.sh/docs",
        &[
            prefix("ory-key", "ory_pat_", &[URL64.at_least(24)]).checked(random),
            prefix("ory-key", "ory_apikey_", &[URL64.at_least(24)]).checked(random),
            prefix("ory-key", "ory_wak_", &[URL64.at_least(24)]).checked(random),
            prefix("ory-token", "ory_st_", &[URL64.at_least(24)]).checked(random),
            prefix("ory-token", "ory_at_", &[URL64.at_least(24)]).checked(random),
            prefix("ory-token", "ory_rt_", &[URL64.at_least(24)]).checked(random),
            prefix("ory-token", "ory_ac_", &[URL64.at_least(24)]).checked(random),
        ],
    ),
    provider(
        "docs.permit.io",
        &[prefix("permit-key", "permit_key_", &[ALNUM.at_least(60)])],
    ),
    provider(
        "zuplo.com/docs/articles/api-key-management",
        &[word(
            "zuplo-key",
            "zpka_",
            &[ALNUM.n(32), text("_"), ALNUM.at_least(8)],
        )],
    ),
    provider(
        "docs.workato.com/workato-api",
        &[word(
            "workato-token",
            "wrka",
            &[
                LOWER.between(0, 2),
                text("-eyJ"),
                URL64.at_least(8),
                text("."),
                URL64.at_least(16),
                text("."),
                URL64.at_least(64),
            ],
        )],
    ),
    provider(
        "www.builder.io/c/docs/using-your-api-key",
        &[word("builder-io-private-key", "bpk-", &[HEX.n(32)])],
    ),
    provider(
        "cal.com/docs/api-reference",
        &[
            prefix("cal-com-key", "cal_live_", &[ALNUM.at_least(32)]),
            word("cal-com-key", "cal_", &[ALNUM.n(32)]),
        ],
    ),
    provider(
        "docs.mergify.com",
        &[prefix(
            "mergify-key",
            "mergify_application_key_",
            &[URL64.at_least(40)],
        )
        .checked(random)],
    ),
    provider(
        "docs.hop.io",
        &[
            prefix("hop-token", "hop_pat_", &[URL64.at_least(20)]).checked(random),
            word("hop-token", "ptk_", &[URL64.at_least(40)]).checked(random),
        ],
    ),
    provider(
        "docs.portainer.io/api",
        &[word(
            "portainer-token",
            "ptr_",
            &[URL64.and_also("+/=").at_least(32)],
        )
        .checked(random)],
    ),
    provider(
        "thunderstore.io/api/docs",
        &[word("thunderstore-token", "tss_", &[URL64.at_least(20)]).checked(random)],
    ),
    provider(
        "github.com/eclipse/openvsx/wiki",
        &[
            prefix("openvsx-token", "ovsxat_", UUID),
            prefix("openvsx-token", "ovsxp_", UUID),
        ],
    ),
    provider(
        "packagist.com/docs/api",
        &[
            prefix("packagist-key", "packagist_ack_", &[ALNUM.at_least(28)]),
            prefix("packagist-secret", "packagist_acs_", &[ALNUM.at_least(64)]),
            prefix("packagist-token", "packagist_ort_", &[ALNUM.at_least(64)]),
            prefix("packagist-token", "packagist_out_", &[ALNUM.at_least(64)]),
            prefix("packagist-token", "packagist_uut_", &[ALNUM.at_least(64)]),
            prefix("packagist-token", "packagist_cut_", &[ALNUM.at_least(64)]),
        ],
    ),
    provider(
        "dvc.org/doc/studio",
        &[word("dvc-studio-token", "isat_", UUID)],
    ),
    provider(
        "mintlify.com/docs/api-reference",
        &[
            word("mintlify-key", "mint_", &[ALNUM.at_least(24)]),
            prefix("mintlify-key", "mint_dsc_", &[ALNUM.at_least(24)]),
        ],
    ),
    provider(
        "docs.seam.co",
        &[
            prefix(
                "seam-key",
                "seam_live",
                &[ALNUM.between(1, 8), text("_"), ALNUM.at_least(20)],
            ),
            prefix(
                "seam-key",
                "seam_test",
                &[ALNUM.between(1, 9), text("_"), ALNUM.at_least(20)],
            ),
        ],
    ),
    provider(
        "docs.tolgee.io",
        &[
            prefix("tolgee-key", "tgpak_", &[ALNUM.at_least(45)]),
            prefix("tolgee-token", "tgpat_", &[ALNUM.at_least(48)]),
        ],
    ),
    provider(
        "docs.testkube.io",
        &[
            prefix("testkube-key", "tkcapi_", &[ALNUM.at_least(30)]),
            prefix("testkube-key", "tkcagnt_", &[ALNUM.at_least(30)]),
        ],
    ),
    provider(
        "docs.salad.com",
        &[prefix(
            "saladcloud-key",
            "salad_cloud_user_",
            &[ALNUM.at_least(40)],
        )],
    ),
    provider(
        "dub.co/docs/api-reference",
        &[word("dub-key", "dub_", &[ALNUM.n(24)])],
    ),
    provider(
        "developer.mappedin.com",
        &[
            word("mappedin-key", "mik_", &[ALNUM.n(25)]),
            word("mappedin-secret", "mis_", &[ALNUM.n(51)]),
        ],
    ),
    provider(
        "lichess.org/api",
        &[word("lichess-token", "lip_", &[WORD.at_least(16)]).checked(random)],
    ),
    provider(
        "developer.riotgames.com/docs",
        &[prefix("riot-key", "RGAPI-", &[URL64.at_least(36)])],
    ),
    provider(
        "docs.pushbullet.com",
        &[word("pushbullet-token", "o.", &[ALNUM.n(32)]).checked(mixed_case)],
    ),
    provider(
        "docs.ubidots.com",
        &[prefix("ubidots-token", "BBUS-", &[ALNUM.at_least(28)])],
    ),
    provider(
        "blockprotocol.org/docs",
        &[prefix(
            "blockprotocol-key",
            "b10ck5.",
            &[ALNUM.n(32), text("."), ALNUM.at_least(36)],
        )],
    ),
    provider(
        "developers.voiceflow.com",
        &[prefix(
            "voiceflow-key",
            "VF.DM.",
            &[HEX.n(24), text("."), ALNUM.at_least(16)],
        )],
    ),
    provider(
        "api.intra.42.fr/apidoc",
        &[
            prefix("intra42-secret", "s-s4t2ud-", &[ALNUM.at_least(64)]),
            prefix("intra42-secret", "s-s4t2af-", &[ALNUM.at_least(64)]),
            prefix("intra42-client-id", "u-s4t2ud-", &[ALNUM.at_least(64)]),
            prefix("intra42-client-id", "u-s4t2af-", &[ALNUM.at_least(64)]),
        ],
    ),
    provider(
        "developers.samsara.com/docs",
        &[prefix(
            "samsara-token",
            "samsara_api_",
            &[ALNUM.at_least(26)],
        )],
    ),
    provider(
        "community.exoscale.com/documentation/iam",
        &[word("exoscale-key", "EXO", &[ALNUM.between(24, 30)]).checked(mixed_case)],
    ),
    provider(
        "documentation.notification.canada.ca",
        &[
            prefix(
                "gc-notify-key",
                "gcntfy-",
                &[WORD.and_also("-").at_least(72)],
            ),
            prefix(
                "gc-notify-key",
                "ApiKey-v1 ",
                &[
                    Class::of(" ").between(0, 40),
                    text("gcntfy-"),
                    WORD.and_also("-").at_least(72),
                ],
            ),
        ],
    ),
    provider(
        "dev.vk.com/api",
        &[prefix("vk-token", "vk1.a.", &[URL64.at_least(80)])],
    ),
    provider(
        "developer.nylas.com/docs",
        &[prefix("nylas-key", "nyk_", &[ALNUM.at_least(60)])],
    ),
    provider(
        "docs.redocly.com",
        &[prefix(
            "redocly-key",
            "orgsk_",
            &[URL64.and_also("+/").at_least(60)],
        )],
    ),
    provider(
        "docs.defined.net/guides",
        &[prefix(
            "defined-networking-key",
            "dnkey-",
            &[
                ALNUM.and_also("_=-").n(26),
                text("-"),
                ALNUM.and_also("_=-").at_least(52),
            ],
        )],
    ),
    provider(
        "www.minimax.io/platform",
        &[prefix(
            "minimax-key",
            "MINIMAX-",
            &[
                UPPER_ALNUM.n(8),
                text("-"),
                UPPER_ALNUM.and_also("-").at_least(20),
            ],
        )],
    ),
    provider(
        "docs.devin.ai/api-reference",
        &[
            prefix("devin-key", "apk_user_", DEVIN),
            word("devin-key", "apk_", DEVIN),
            word("devin-key", "cog_", &[LOWER.and_also("234567").n(52)]),
        ],
    ),
    provider(
        "developers.deepl.com/docs",
        &[inside("deepl-key", HEX.and_also("-").n(36), ":fx", &[])],
    ),
    provider(
        "help.tableau.com/current/server",
        &[inside("tableau-token", BASE64.n(22), "==:", &[ALNUM.n(32)])],
    ),
    provider(
        "learn.hex.tech/docs/api",
        &[
            word("hex-tech-token", "hxtp_", &[HEX.at_least(64)]),
            word("hex-tech-token", "hxtw_", &[HEX.at_least(64)]),
        ],
    ),
    provider(
        "docs.fivem.net/docs",
        &[word("cfx-key", "cfxk_", &[URL64.at_least(20)]).checked(random)],
    ),
    provider(
        "liveblocks.io/docs/api-reference",
        &[word("liveblocks-key", "sk_dev_", &[URL64.at_least(40)]).checked(random)],
    ),
    provider(
        "www.jetbrains.com/help/teamcity",
        &[prefix(
            "teamcity-token",
            "eyJ0eXAiOiAiVENWMiJ9.",
            &[URL64.at_least(20), text("."), URL64.at_least(20)],
        )],
    ),
    provider(
        "docs.convex.dev/cli/deploy-key-types",
        &[prefix(
            "convex-key",
            "eyJ2MiI6",
            &[BASE64.at_least(30), PAD],
        )],
    ),
    provider(
        "open.larksuite.com/document",
        &[near("lark-secret", &["lark"], &[ALNUM.n(32)]).checked(mixed_case)],
    ),
    provider(
        "api.data.gov/docs",
        &[near(
            "data-gov-key",
            &["data.gov", "nasa.gov"],
            &[ALNUM.n(40)],
        )],
    ),
    provider(
        "docs.wiz.io",
        &[near("wiz-credential", &["wiz"], &[ALNUM.between(52, 64)]).checked(mixed_case)],
    ),
    provider(
        "developers.bitly.com",
        &[near("bitly-token", &["bitly"], &[HEX.n(40)])],
    ),
    provider(
        "unsplash.com/documentation",
        &[near("unsplash-key", &["unsplash"], &[URL64.n(43)])],
    ),
    provider(
        "docs.mux.com",
        &[near("mux-secret", &["mux_token"], &[BASE64.n(75)])],
    ),
    provider(
        "docs.livekit.io",
        &[near(
            "livekit-secret",
            &["livekit"],
            &[ALNUM.between(40, 48)],
        )],
    ),
];

const DEVIN: &[super::Part] = &[BASE64.at_least(64), PAD];
