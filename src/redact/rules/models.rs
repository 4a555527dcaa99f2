//! Model providers and the tools around them.

use super::{Provider, near, prefix, provider, word};
use crate::redact::text::format::{ALNUM, BASE64, HEX, LOWER_ALNUM, PAD, URL64, UUID, WORD, text};
use crate::redact::values::checks::{mixed_case, no_words, random};

pub(super) const PROVIDERS: &[Provider] = &[
    provider(
        "platform.claude.com/docs/en/api",
        &[
            prefix("anthropic-key", "sk-ant-api03-", &[URL64.at_least(80)]),
            prefix(
                "anthropic-admin-key",
                "sk-ant-admin01-",
                &[URL64.at_least(80)],
            ),
            prefix(
                "anthropic-oauth-token",
                "sk-ant-oat01-",
                &[URL64.at_least(60)],
            ),
            prefix(
                "anthropic-refresh-token",
                "sk-ant-ort01-",
                &[URL64.at_least(60)],
            ),
            prefix(
                "anthropic-session-key",
                "sk-ant-sid01-",
                &[URL64.at_least(60)],
            ),
            prefix("anthropic-key", "sk-ant-", &[URL64.at_least(30)]),
        ],
    ),
    provider(
        "platform.openai.com/docs/api-reference/authentication",
        &[
            prefix("openai-project-key", "sk-proj-", &[URL64.at_least(40)]),
            prefix("openai-service-key", "sk-svcacct-", &[URL64.at_least(40)]),
            prefix("openai-admin-key", "sk-admin-", &[URL64.at_least(40)]),
            // Also DeepSeek, Moonshot, DashScope and others that follow the form.
            word("openai-key", "sk-", &[URL64.at_least(32)]),
            // As text in capitals, and keyboards that begin a line with one, have it.
            word("openai-key", "SK-", &[URL64.at_least(32)]).checked(random),
            word("openai-key", "Sk-", &[URL64.at_least(32)]).checked(random),
            word("openai-session", "sess-", &[ALNUM.n(40)]),
        ],
    ),
    provider(
        "openrouter.ai/docs/api-reference",
        &[prefix("openrouter-key", "sk-or-v1-", &[ALNUM.at_least(64)])],
    ),
    provider(
        "console.groq.com/docs",
        &[prefix("groq-key", "gsk_", &[ALNUM.at_least(48)])],
    ),
    provider(
        "docs.x.ai",
        &[word("xai-key", "xai-", &[URL64.at_least(60)])],
    ),
    provider(
        "docs.perplexity.ai",
        &[prefix("perplexity-key", "pplx-", &[ALNUM.at_least(40)])],
    ),
    provider(
        "ai.google.dev/gemini-api/docs/api-key",
        &[word("gemini-key", "AQ.", &[URL64.at_least(40)])],
    ),
    provider(
        "huggingface.co/docs/hub/security-tokens",
        &[
            prefix("huggingface-token", "hf_", &[ALNUM.at_least(34)]).checked(no_words),
            prefix(
                "huggingface-organization-token",
                "api_org_",
                &[ALNUM.at_least(34)],
            )
            .checked(no_words),
        ],
    ),
    provider(
        "replicate.com/docs",
        &[word("replicate-token", "r8_", &[ALNUM.at_least(37)])],
    ),
    provider(
        "docs.cohere.com",
        &[near("cohere-key", &["cohere", "co_api_key"], &[ALNUM.n(40)]).checked(mixed_case)],
    ),
    provider(
        "docs.mistral.ai",
        &[near("mistral-key", &["mistral"], &[ALNUM.n(32)]).checked(mixed_case)],
    ),
    provider(
        "docs.together.ai",
        &[
            prefix("together-key", "tgp_v1_", &[URL64.at_least(43)]),
            near("together-key", &["together"], &[HEX.n(64)]),
        ],
    ),
    provider(
        "docs.fireworks.ai",
        &[word("fireworks-key", "fw_", &[ALNUM.at_least(22)])],
    ),
    provider(
        "inference-docs.cerebras.ai",
        &[word("cerebras-key", "csk-", &[ALNUM.at_least(40)])],
    ),
    provider(
        "docs.api.nvidia.com",
        &[prefix("nvidia-key", "nvapi-", &[URL64.at_least(60)])],
    ),
    provider(
        "docs.voyageai.com",
        &[
            word("voyage-key", "pa-", &[URL64.n(43)]),
            word("voyage-key", "al-", &[URL64.n(43)]),
        ],
    ),
    provider(
        "elevenlabs.io/docs",
        &[word("elevenlabs-key", "sk_", &[ALNUM.at_least(48)])],
    ),
    provider(
        "www.assemblyai.com/docs",
        &[near(
            "assemblyai-key",
            &["assemblyai", "assembly_ai"],
            &[HEX.n(32)],
        )],
    ),
    provider(
        "developers.deepgram.com",
        &[near("deepgram-key", &["deepgram"], &[HEX.n(40)])],
    ),
    provider(
        "docs.cartesia.ai",
        &[prefix("cartesia-key", "sk_car_", &[URL64.at_least(20)]).checked(random)],
    ),
    provider(
        "docs.langchain.com/langsmith",
        &[
            prefix(
                "langsmith-key",
                "lsv2_pt_",
                &[HEX.n(32), text("_"), ALNUM.at_least(10)],
            ),
            prefix(
                "langsmith-service-key",
                "lsv2_sk_",
                &[HEX.n(32), text("_"), ALNUM.at_least(10)],
            ),
        ],
    ),
    provider(
        "langfuse.com/docs",
        &[prefix("langfuse-secret-key", "sk-lf-", UUID)],
    ),
    provider(
        "docs.helicone.ai",
        &[prefix(
            "helicone-key",
            "sk-helicone-",
            &[ALNUM.and_also("-").at_least(24)],
        )],
    ),
    provider(
        "docs.wandb.ai",
        &[
            prefix("wandb-key", "wandb_v1_", &[WORD.at_least(40)]),
            near("wandb-key", &["wandb"], &[HEX.n(40)]),
        ],
    ),
    provider(
        "modal.com/docs",
        &[
            word("modal-token-id", "ak-", &[ALNUM.n(22)]),
            word("modal-token-secret", "as-", &[ALNUM.n(22)]),
        ],
    ),
    provider(
        "docs.runpod.io",
        &[word("runpod-key", "rpa_", &[ALNUM.at_least(24)])],
    ),
    provider(
        "docs.anyscale.com",
        &[prefix("anyscale-key", "esecret_", &[ALNUM.at_least(26)])],
    ),
    provider(
        "jina.ai/api-dashboard",
        &[prefix("jina-key", "jina_", &[ALNUM.at_least(60)])],
    ),
    provider(
        "docs.tavily.com",
        &[word(
            "tavily-key",
            "tvly-",
            &[ALNUM.and_also("-").at_least(32)],
        )],
    ),
    provider("docs.exa.ai", &[near("exa-key", &["exa_api"], UUID)]),
    provider(
        "serper.dev",
        &[near("serper-key", &["serper"], &[HEX.n(40)])],
    ),
    provider(
        "serpapi.com",
        &[near("serpapi-key", &["serpapi"], &[HEX.n(64)])],
    ),
    provider(
        "docs.firecrawl.dev",
        &[word("firecrawl-key", "fc-", &[HEX.n(32)])],
    ),
    provider(
        "api.search.brave.com",
        &[word("brave-search-key", "BSA", &[URL64.between(24, 32)]).checked(mixed_case)],
    ),
    provider(
        "docs.pinecone.io",
        &[
            prefix(
                "pinecone-key",
                "pcsk_",
                &[ALNUM.between(5, 7), text("_"), ALNUM.at_least(40)],
            ),
            near("pinecone-key", &["pinecone"], UUID),
        ],
    ),
    provider(
        "docs.cursor.com",
        &[
            word("cursor-key", "key_", &[ALNUM.n(64)]),
            word("cursor-key", "crsr_", &[ALNUM.at_least(64)]),
        ],
    ),
    provider(
        "cloud.baidu.com/doc",
        &[prefix(
            "baidu-key",
            "bce-v3/ALTAK-",
            &[ALNUM.n(21), text("/"), ALNUM.at_least(40)],
        )],
    ),
    provider(
        "docs.z.ai",
        &[near(
            "zhipu-key",
            &["zhipu", "zai_", "z.ai", "bigmodel", "glm"],
            &[HEX.n(32), text("."), ALNUM.n(16)],
        )],
    ),
    provider(
        "docs.cloud.llamaindex.ai",
        &[word("llamacloud-key", "llx-", &[ALNUM.at_least(40)])],
    ),
    provider(
        "context7.com/docs",
        &[prefix(
            "context7-key",
            "ctx7sk-",
            &[ALNUM.and_also("-").at_least(30)],
        )],
    ),
    provider(
        "e2b.dev/docs",
        &[word("e2b-key", "e2b_", &[ALNUM.at_least(40)])],
    ),
    provider(
        "www.daytona.io/docs",
        &[word("daytona-key", "dtn_", &[ALNUM.at_least(64)])],
    ),
    provider(
        "docs.browserbase.com",
        &[
            prefix("browserbase-key", "bb_live_", &[URL64.at_least(20)]).checked(random),
            prefix("browserbase-key", "bb_test_", &[URL64.at_least(20)]).checked(random),
        ],
    ),
    provider(
        "docs.fal.ai",
        &[near(
            "fal-key",
            &["fal_key", "fal_ai"],
            &[LOWER_ALNUM.and_also("-").n(36), text(":"), HEX.n(32)],
        )],
    ),
    provider(
        "docs.lakera.ai",
        &[near("lakera-key", &["lakera"], &[HEX.n(64)])],
    ),
    provider(
        "docs.private-ai.com",
        &[near(
            "private-ai-key",
            &["private_ai", "privateai"],
            &[LOWER_ALNUM.n(32)],
        )],
    ),
    provider(
        "docs.clarifai.com",
        &[near("clarifai-pat", &["clarifai"], &[HEX.n(32)])],
    ),
    provider(
        "docs.ai21.com",
        &[near("ai21-key", &["ai21"], &[ALNUM.n(32)]).checked(mixed_case)],
    ),
    provider(
        "docs.comet.com",
        &[near("comet-key", &["comet"], &[ALNUM.n(25)]).checked(mixed_case)],
    ),
    provider(
        "docs.factory.ai",
        &[word("factory-key", "fk-", &[URL64.at_least(40)])],
    ),
    provider(
        "docs.vast.ai",
        &[near("vastai-key", &["vast_ai", "vastai"], &[HEX.n(64)])],
    ),
    provider(
        "docs.friendli.ai",
        &[word("friendli-token", "flp_", &[ALNUM.at_least(40)])],
    ),
    provider(
        "docs.heygen.com",
        &[near(
            "heygen-key",
            &["heygen"],
            &[BASE64.between(40, 64), PAD],
        )],
    ),
    provider(
        "www.volcengine.com/docs",
        &[near("volcengine-key", &["volcengine", "ark_api"], UUID)],
    ),
    provider("docs.ai71.ai", &[prefix("ai71-key", "ai71-api-", UUID)]),
    provider(
        "docs.browser-use.com",
        &[word("browser-use-key", "bu_", &[URL64.between(42, 46)]).checked(random)],
    ),
    provider(
        "docs.composio.dev",
        &[
            word("composio-key", "ak_", &[URL64.n(20)]).checked(random),
            word("composio-key", "ck_", &[URL64.n(20)]).checked(random),
        ],
    ),
    provider(
        "mastra.ai/docs",
        &[word("mastra-token", "msk_", &[ALNUM.at_least(32)])],
    ),
    provider(
        "docs.mem0.ai",
        &[word("mem0-key", "m0-", &[ALNUM.between(24, 44)])],
    ),
    provider(
        "docs.dify.ai",
        &[word("dify-key", "app-", &[ALNUM.n(24)]).checked(mixed_case)],
    ),
    provider(
        "docs.retellai.com",
        &[word("retell-key", "key_", &[ALNUM.n(28)])],
    ),
    provider(
        "docs.dev.runwayml.com",
        &[word("runway-key", "key_", &[ALNUM.n(128)])],
    ),
    provider(
        "docs.scale.com",
        &[
            word("scale-key", "live_", &[HEX.n(32)]),
            word("scale-key", "test_", &[HEX.n(32)]),
            word("scale-key", "live_auth_", &[HEX.n(32)]),
            word("scale-key", "test_auth_", &[HEX.n(32)]),
        ],
    ),
];
