//! Clouds, hosts and networks.

use super::{Provider, inside, link, near, prefix, provider, word};
use crate::redact::text::format::{
    ALNUM, BASE32, BASE64, HEX, LOWER, LOWER_ALNUM, PAD, UPPER_ALNUM, URL64, UUID, WORD, text,
};
use crate::redact::values::checks::{mixed_case, no_example, random, with_digit};

pub(super) const PROVIDERS: &[Provider] = &[
    provider(
        "docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
        &[
            prefix("aws-access-key-id", "AKIA", &[BASE32.at_least(16)]).checked(no_example),
            prefix("aws-temporary-key-id", "ASIA", &[BASE32.at_least(16)]).checked(with_digit),
            word("aws-access-key-id", "A3T", &[UPPER_ALNUM.n(17)]).checked(random),
            word("aws-bearer-token-id", "ABIA", &[BASE32.n(16)]).checked(with_digit),
            word("aws-context-credential-id", "ACCA", &[BASE32.n(16)]).checked(with_digit),
            near(
                "aws-secret-access-key",
                &["aws", "secretAccessKey"],
                &[BASE64.n(40)],
            )
            .checked(mixed_case),
            prefix(
                "aws-session-token",
                "IQoJb3JpZ2luX2Vj",
                &[BASE64.at_least(80), PAD],
            ),
            prefix(
                "aws-session-token",
                "FwoGZXIvYXdzE",
                &[BASE64.at_least(80), PAD],
            ),
            prefix(
                "aws-bedrock-key",
                "ABSKQmVkcm9ja0FQSUtleS",
                &[BASE64.at_least(60), PAD],
            ),
            word("aws-bedrock-key", "ABSK", &[BASE64.at_least(80), PAD]),
            prefix(
                "aws-bedrock-key",
                "bedrock-api-key-",
                &[BASE64.at_least(20), PAD],
            ),
            prefix("aws-mws-token", "amzn.mws.", UUID),
            word("aws-appsync-key", "da2-", &[LOWER_ALNUM.n(26)]),
            link("aws-signature", "X-Amz-Signature=", &[HEX.at_least(64)]),
            prefix(
                "amazon-oauth-secret",
                "amzn1.oa2-cs.v1.",
                &[ALNUM.at_least(64)],
            ),
            prefix(
                "amazon-oauth-client-id",
                "amzn1.application-oa2-client.",
                &[ALNUM.at_least(20)],
            ),
            prefix(
                "amazon-oauth-token",
                "Atza|",
                &[URL64.and_also("+/=").at_least(80)],
            ),
            prefix(
                "amazon-oauth-token",
                "Atzr|",
                &[URL64.and_also("+/=").at_least(80)],
            ),
        ],
    ),
    provider(
        "cloud.google.com/docs/authentication",
        &[
            prefix("gcp-api-key", "AIza", &[URL64.at_least(35)]),
            prefix("gcp-oauth-client-secret", "GOCSPX-", &[URL64.at_least(28)]),
            prefix(
                "gcp-oauth-access-token",
                "ya29.",
                &[URL64.and_also(".").at_least(20)],
            ),
            word("gcp-oauth-refresh-token", "1//0", &[URL64.at_least(40)]),
            word("gcp-hmac-key", "GOOG1E", &[UPPER_ALNUM.n(55)]),
            word("gcp-hmac-key", "GOOG", &[UPPER_ALNUM.n(20)]),
            inside(
                "firebase-messaging-key",
                URL64.between(7, 24),
                ":APA91b",
                &[URL64.at_least(100)],
            ),
            link("gcp-signature", "X-Goog-Signature=", &[HEX.at_least(64)]),
            near(
                "recaptcha-secret",
                &["recaptcha"],
                &[text("6L"), URL64.n(38)],
            ),
        ],
    ),
    provider(
        "learn.microsoft.com/azure/security/fundamentals",
        &[
            inside(
                "azure-client-secret",
                ALNUM.and_also("_.~-").n(4),
                "Q~",
                &[ALNUM.and_also("_.~-").between(31, 34)],
            ),
            inside(
                "azure-storage-key",
                BASE64.n(76),
                "+ASt",
                &[BASE64.n(6), text("==")],
            ),
            inside(
                "azure-batch-key",
                BASE64.n(76),
                "+ABa",
                &[BASE64.n(6), text("==")],
            ),
            inside(
                "azure-cosmos-key",
                BASE64.n(76),
                "ACDb",
                &[BASE64.n(6), text("==")],
            ),
            near("azure-cosmos-key", &["cosmos"], &[BASE64.n(86), text("==")]),
            near(
                "azure-functions-key",
                &["function_host", "functions_host", "azurewebsites.net"],
                &[URL64.and_also("+/").between(40, 56), PAD],
            )
            .checked(mixed_case),
            inside(
                "azure-functions-key",
                URL64.n(44),
                "AzFu",
                &[URL64.n(6), text("==")],
            ),
            inside("azure-search-key", ALNUM.n(42), "AzSe", &[ALNUM.n(6)]),
            inside(
                "azure-registry-password",
                BASE64.n(42),
                "+ACR",
                &[ALNUM.n(6)],
            ),
            inside(
                "azure-cache-key",
                BASE64.n(33),
                "AzCa",
                &[BASE64.n(6), text("=")],
            ),
            inside(
                "azure-service-bus-key",
                BASE64.n(33),
                "+ASb",
                &[BASE64.n(6), text("=")],
            ),
            inside(
                "azure-event-hub-key",
                BASE64.n(33),
                "+AEh",
                &[BASE64.n(6), text("=")],
            ),
            inside(
                "azure-iot-key",
                BASE64.n(33),
                "AIoT",
                &[BASE64.n(6), text("=")],
            ),
            inside("azure-ai-key", ALNUM.n(52), "JQQJ9", &[ALNUM.at_least(20)]),
            inside(
                "azure-devops-pat",
                ALNUM.between(76, 84),
                "AZDO",
                &[ALNUM.between(4, 5)],
            ),
            near(
                "azure-devops-pat",
                &["azure_devops", "vsts", "system_accesstoken"],
                &[LOWER.and_also("234567").n(52)],
            ),
            near(
                "azure-key",
                &["azure", "Ocp-Apim-Subscription-Key"],
                &[HEX.n(32)],
            ),
            link(
                "azure-sas-signature",
                "&sig=",
                &[URL64.and_also("%+/").at_least(12), PAD],
            ),
            link(
                "azure-function-key",
                "?code=",
                &[URL64.and_also("%+/").at_least(24), PAD],
            ),
            link(
                "azure-function-key",
                "&code=",
                &[URL64.and_also("%+/").at_least(24), PAD],
            ),
            link(
                "azure-sas-signature",
                "?sig=",
                &[URL64.and_also("%+/").at_least(20), PAD],
            ),
        ],
    ),
    provider(
        "docs.digitalocean.com/reference/api",
        &[
            prefix("digitalocean-pat", "dop_v1_", &[ALNUM.at_least(64)]),
            prefix("digitalocean-oauth-token", "doo_v1_", &[ALNUM.at_least(64)]),
            prefix(
                "digitalocean-refresh-token",
                "dor_v1_",
                &[ALNUM.at_least(64)],
            ),
            word("digitalocean-spaces-key", "DO00", &[UPPER_ALNUM.n(16)]).checked(with_digit),
        ],
    ),
    provider(
        "www.alibabacloud.com/help/ram",
        &[
            word("alibaba-access-key-id", "LTAI", &[ALNUM.between(12, 24)]),
            word("alibaba-temporary-key-id", "STS.", &[ALNUM.at_least(16)]).checked(random),
            near(
                "alibaba-security-token",
                &["alibaba", "aliyun", "security_token", "securitytoken"],
                &[text("CAIS"), URL64.and_also("+/=").at_least(20)],
            ),
            near("alibaba-secret-key", &["alibaba", "aliyun"], &[ALNUM.n(30)]),
        ],
    ),
    provider(
        "cloud.tencent.com/document/product/598",
        &[word("tencent-secret-id", "AKID", &[ALNUM.between(13, 40)])],
    ),
    provider(
        "cloud.ibm.com/docs/account",
        &[near("ibm-cloud-key", &["ibm", "ibmcloud"], &[URL64.n(44)])],
    ),
    provider(
        "www.scaleway.com/en/docs/iam",
        &[
            word("scaleway-access-key", "SCW", &[UPPER_ALNUM.n(17)]).checked(with_digit),
            near("scaleway-secret-key", &["scaleway", "scw_secret"], UUID),
        ],
    ),
    provider(
        "docs.hetzner.cloud",
        &[near(
            "hetzner-token",
            &["hcloud", "hetzner"],
            &[ALNUM.n(64)],
        )],
    ),
    provider(
        "techdocs.akamai.com/linode-api",
        &[near("linode-token", &["linode"], &[HEX.n(64)])],
    ),
    provider(
        "www.vultr.com/api",
        &[near("vultr-key", &["vultr"], &[UPPER_ALNUM.n(36)])],
    ),
    provider(
        "help.ovhcloud.com",
        &[near("ovh-key", &["ovh"], &[ALNUM.n(32)])],
    ),
    provider(
        "developers.upcloud.com",
        &[prefix("upcloud-token", "ucat_", &[ALNUM.at_least(26)])],
    ),
    provider(
        "devcenter.heroku.com/articles/authentication",
        &[
            prefix("heroku-key", "HRKU-", &[URL64.at_least(36)]),
            near("heroku-key", &["heroku"], UUID),
        ],
    ),
    provider(
        "fly.io/docs/security/tokens",
        &[
            word("flyio-token", "fo1_", &[URL64.at_least(43)]),
            prefix(
                "flyio-token",
                "FlyV1 ",
                &[URL64.and_also("=,/+").at_least(80)],
            ),
            prefix("flyio-token", "fm1r_", &[BASE64.at_least(60), PAD]),
            prefix("flyio-token", "fm1a_", &[BASE64.at_least(60), PAD]),
            prefix("flyio-token", "fm2_", &[BASE64.at_least(60), PAD]),
        ],
    ),
    provider(
        "api-docs.render.com",
        &[word("render-key", "rnd_", &[ALNUM.at_least(24)])],
    ),
    provider(
        "docs.railway.com/reference/public-api",
        &[near("railway-token", &["railway"], UUID)],
    ),
    provider(
        "vercel.com/docs/rest-api",
        &[
            prefix("vercel-blob-token", "vercel_blob_rw_", &[WORD.at_least(24)]),
            word("vercel-token", "vcp_", &[URL64.at_least(24)]).checked(random),
            word("vercel-token", "vci_", &[URL64.at_least(24)]).checked(random),
            word("vercel-token", "vca_", &[URL64.at_least(24)]).checked(random),
            word("vercel-token", "vcr_", &[URL64.at_least(24)]).checked(random),
            word("vercel-token", "vck_", &[URL64.at_least(24)]).checked(random),
            near("vercel-token", &["vercel"], &[ALNUM.n(24)]),
        ],
    ),
    provider(
        "docs.netlify.com/api",
        &[
            word("netlify-token", "nfp_", &[ALNUM.at_least(36)]),
            near("netlify-token", &["netlify"], &[URL64.between(40, 46)]),
        ],
    ),
    provider(
        "developers.cloudflare.com/fundamentals/api",
        &[
            prefix(
                "cloudflare-origin-ca-key",
                "v1.0-",
                &[HEX.n(24), text("-"), ALNUM.at_least(146)],
            ),
            word("cloudflare-token", "cfut_", &[URL64.at_least(40)]),
            word("cloudflare-token", "cfat_", &[URL64.at_least(40)]),
            near(
                "cloudflare-global-key",
                &["cloudflare", "cf_api"],
                &[HEX.n(37)],
            ),
            near(
                "cloudflare-token",
                &["cloudflare", "cf_api"],
                &[URL64.n(40)],
            ),
        ],
    ),
    provider(
        "supabase.com/docs/guides/api/api-keys",
        &[
            prefix("supabase-token", "sbp_", &[URL64.at_least(40)]),
            prefix("supabase-secret-key", "sb_secret_", &[URL64.at_least(22)]),
        ],
    ),
    provider(
        "www.pulumi.com/docs/pulumi-cloud",
        &[word("pulumi-token", "pul-", &[ALNUM.at_least(40)])],
    ),
    provider(
        "tailscale.com/kb",
        &[
            prefix(
                "tailscale-key",
                "tskey-auth-",
                &[ALNUM.and_also("-").at_least(20)],
            ),
            prefix("tailscale-key", "tskey-api-", &[URL64.at_least(16)]),
            prefix(
                "tailscale-key",
                "tskey-client-",
                &[ALNUM.and_also("-").at_least(20)],
            ),
            prefix("tailscale-key", "tskey-", &[URL64.at_least(16)]),
        ],
    ),
    provider(
        "docs.netbird.io",
        &[word("netbird-token", "nbp_", &[ALNUM.at_least(36)])],
    ),
    provider(
        "docs.zerotier.com",
        &[near("zerotier-token", &["zerotier"], &[ALNUM.n(32)])],
    ),
    provider(
        "ngrok.com/docs/api",
        &[near("ngrok-token", &["ngrok"], &[WORD.between(48, 50)])],
    ),
    provider(
        "www.tigrisdata.com/docs",
        &[
            word("tigris-key-id", "tid_", &[WORD.at_least(40)]).checked(random),
            word(
                "tigris-secret",
                "tsec_",
                &[WORD.and_also("+-").at_least(50)],
            )
            .checked(random),
        ],
    ),
    provider(
        "docs.warpstream.com",
        &[word("warpstream-key", "aks_", &[HEX.n(64)])],
    ),
    provider(
        "docs.localstack.cloud/aws",
        &[
            word("localstack-key-id", "LKIA", &[UPPER_ALNUM.between(16, 26)]).checked(with_digit),
            word("localstack-key-id", "LSIA", &[UPPER_ALNUM.between(16, 26)]).checked(with_digit),
        ],
    ),
];
