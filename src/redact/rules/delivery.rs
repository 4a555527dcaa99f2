//! Source hosts, continuous integration and code quality.

use super::{Provider, link, near, prefix, provider, word};
use crate::redact::text::format::{
    ALNUM, ANY_HEX, BASE64, DIGIT, HEX, LOWER_ALNUM, UPPER_ALNUM, URL64, UUID, WORD, text,
};
use crate::redact::values::checks::{crc32_base62, mixed_case, random};

pub(super) const PROVIDERS: &[Provider] = &[
    provider(
        "github.blog/engineering/behind-githubs-new-authentication-token-formats",
        &[
            prefix("github-pat", "ghp_", &[ALNUM.at_least(36)]).checked(crc32_base62),
            prefix("github-oauth-token", "gho_", &[ALNUM.at_least(36)]).checked(crc32_base62),
            prefix("github-user-token", "ghu_", &[ALNUM.at_least(36)]).checked(crc32_base62),
            prefix("github-app-token", "ghs_", &[ALNUM.at_least(36)]).checked(crc32_base62),
            // An app's id, and a web token.
            prefix(
                "github-app-token",
                "ghs_",
                &[
                    DIGIT.at_least(1),
                    text("_"),
                    URL64.at_least(4),
                    text("."),
                    URL64.at_least(4),
                    text("."),
                    URL64.at_least(4),
                ],
            ),
            prefix("github-refresh-token", "ghr_", &[ALNUM.at_least(36)]).checked(crc32_base62),
            prefix(
                "github-fine-grained-pat",
                "github_pat_",
                &[WORD.at_least(50)],
            ),
        ],
    ),
    provider(
        "docs.gitlab.com/security/tokens",
        &[
            prefix("gitlab-pat", "glpat-", &[URL64.and_also(".").at_least(20)]),
            prefix("gitlab-deploy-token", "gldt-", &[URL64.at_least(20)]),
            prefix(
                "gitlab-runner-token",
                "glrt-",
                &[URL64.and_also(".").at_least(20)],
            ),
            prefix(
                "gitlab-runner-registration",
                "GR1348941",
                &[URL64.at_least(20)],
            ),
            link("gitlab-session", "_gitlab_session=", &[ALNUM.n(32)]),
            prefix("gitlab-job-token", "glcbt-", &[URL64.at_least(20)]),
            prefix("gitlab-trigger-token", "glptt-", &[URL64.at_least(20)]),
            prefix("gitlab-feed-token", "glft-", &[URL64.at_least(20)]),
            prefix("gitlab-scim-token", "glsoat-", &[URL64.at_least(20)]),
            prefix("gitlab-mail-token", "glimt-", &[URL64.at_least(20)]),
            prefix("gitlab-agent-token", "glagent-", &[URL64.at_least(40)]),
            prefix("gitlab-oauth-secret", "gloas-", &[URL64.at_least(50)]),
            prefix(
                "gitlab-feature-flag-token",
                "glffct-",
                &[URL64.at_least(20)],
            ),
        ],
    ),
    provider(
        "support.atlassian.com/bitbucket-cloud/docs",
        &[
            prefix("bitbucket-app-password", "ATBB", &[ALNUM.at_least(32)]),
            prefix(
                "bitbucket-server-token",
                "BBDC-",
                &[BASE64.and_also("-_=@").at_least(32)],
            ),
            prefix(
                "atlassian-token",
                "ATAT",
                &[URL64.and_also("=").at_least(100)],
            ),
            word(
                "atlassian-oauth-token",
                "ATCO",
                &[URL64.and_also("+/=").at_least(20)],
            )
            .checked(mixed_case),
            prefix(
                "bitbucket-access-token",
                "ATCTT3xFfG",
                &[URL64.and_also("=").at_least(60)],
            ),
            prefix(
                "atlassian-token",
                "ATATT3xFfG",
                &[URL64.and_also("=").at_least(30)],
            ),
            near(
                "atlassian-token",
                &["atlassian", "confluence", "jira", "bamboo", "bitbucket"],
                &[BASE64.n(44)],
            )
            .checked(mixed_case),
            near(
                "atlassian-token",
                &["atlassian", "confluence", "jira"],
                &[ALNUM.n(24)],
            )
            .checked(mixed_case),
            near("bitbucket-secret", &["bitbucket"], &[ALNUM.n(32)]),
        ],
    ),
    provider(
        "docs.gitea.com/development/api-usage",
        &[near("gitea-token", &["gitea", "forgejo"], &[HEX.n(40)])],
    ),
    provider(
        "sourcegraph.com/docs/cli/how-tos",
        &[
            prefix("sourcegraph-token", "sgp_", &[WORD.at_least(40)]),
            prefix("sourcegraph-license-token", "slk_", &[ALNUM.at_least(64)]),
        ],
    ),
    provider(
        "circleci.com/docs/managing-api-tokens",
        &[
            prefix(
                "circleci-token",
                "CCIPAT_",
                &[ALNUM.n(22), text("_"), ALNUM.at_least(40)],
            ),
            prefix(
                "circleci-project-token",
                "CCIPRJ_",
                &[ALNUM.n(22), text("_"), ALNUM.at_least(40)],
            ),
            near(
                "circleci-token",
                &["circleci", "circle_token"],
                &[HEX.n(40)],
            ),
        ],
    ),
    provider(
        "buildkite.com/docs/apis/managing-api-tokens",
        &[
            word("buildkite-token", "bkua_", &[URL64.at_least(40)]).checked(random),
            word("buildkite-agent-token", "bkct_", &[URL64.at_least(32)]).checked(random),
            word("buildkite-agent-token", "bkaa_", &[URL64.at_least(32)]).checked(random),
            word("buildkite-agent-token", "bkaj_", &[URL64.at_least(32)]).checked(random),
            word("buildkite-agent-token", "bkar_", &[URL64.at_least(32)]).checked(random),
            word("buildkite-agent-token", "bkpt_", &[URL64.at_least(32)]).checked(random),
            word("buildkite-agent-token", "bkpat_", &[URL64.at_least(32)]).checked(random),
            word("buildkite-agent-token", "bkps_", &[URL64.at_least(32)]).checked(random),
        ],
    ),
    provider(
        "docs.travis-ci.com",
        &[near("travis-token", &["travis"], &[URL64.n(22)]).checked(mixed_case)],
    ),
    provider(
        "docs.drone.io/api",
        &[near("drone-token", &["drone", "droneci"], &[ALNUM.n(32)])],
    ),
    provider(
        "www.jenkins.io/doc/book/using",
        &[near(
            "jenkins-token",
            &["jenkins"],
            &[text("11"), HEX.n(32)],
        )],
    ),
    provider(
        "docs.codecov.com",
        &[near("codecov-token", &["codecov"], UUID)],
    ),
    provider(
        "docs.coveralls.io",
        &[near("coveralls-token", &["coveralls"], &[ALNUM.n(32)])],
    ),
    provider(
        "docs.codacy.com",
        &[near("codacy-token", &["codacy"], &[ALNUM.n(32)])],
    ),
    provider(
        "docs.codeclimate.com",
        &[near(
            "codeclimate-token",
            &["codeclimate", "cc_test_reporter"],
            &[HEX.n(64)],
        )],
    ),
    provider(
        "www.appveyor.com/docs",
        &[near("appveyor-token", &["appveyor"], &[LOWER_ALNUM.n(20)])],
    ),
    provider(
        "developer.harness.io/docs",
        &[
            word(
                "harness-token",
                "pat.",
                &[
                    URL64.n(22),
                    text("."),
                    ALNUM.n(24),
                    text("."),
                    ALNUM.at_least(20),
                ],
            ),
            word(
                "harness-token",
                "sat.",
                &[
                    URL64.n(22),
                    text("."),
                    ALNUM.n(24),
                    text("."),
                    ALNUM.at_least(20),
                ],
            ),
        ],
    ),
    provider(
        "octopus.com/docs/octopus-rest-api",
        &[word("octopus-key", "API-", &[UPPER_ALNUM.n(26)])],
    ),
    provider(
        "depot.dev/docs",
        &[word("depot-token", "depot_", &[ALNUM.at_least(40)])],
    ),
    provider(
        "docs.sonarsource.com/sonarqube-server",
        &[
            word("sonar-user-token", "squ_", &[ALNUM.at_least(40)]),
            word("sonar-project-token", "sqp_", &[ALNUM.at_least(40)]),
            word("sonar-analysis-token", "sqa_", &[ALNUM.at_least(40)]),
            near("sonar-token", &["sonar"], &[HEX.n(40)]),
        ],
    ),
    provider(
        "docs.snyk.io/snyk-api",
        &[near("snyk-token", &["snyk"], UUID)],
    ),
    provider(
        "semgrep.dev/docs",
        &[near("semgrep-token", &["semgrep"], &[HEX.n(64)])],
    ),
    provider(
        "socket.dev/api",
        &[prefix("socket-token", "sktsec_", &[URL64.at_least(30)])],
    ),
    provider(
        "docs.cypress.io/cloud",
        &[near("cypress-record-key", &["cypress"], UUID)],
    ),
    provider(
        "www.browserstack.com/docs",
        &[near("browserstack-key", &["browserstack"], &[ALNUM.n(20)]).checked(mixed_case)],
    ),
    provider(
        "docs.saucelabs.com",
        &[near("saucelabs-key", &["sauce"], UUID)],
    ),
    provider(
        "www.chromatic.com/docs",
        &[word("chromatic-token", "chpt_", &[ALNUM.at_least(12)])],
    ),
    provider(
        "docs.deno.com/deploy",
        &[
            word("deno-deploy-token", "ddp_", &[ALNUM.at_least(36)]),
            word("deno-deploy-token", "ddw_", &[ALNUM.at_least(36)]),
            word("deno-deploy-token", "ddo_", &[ALNUM.at_least(36)]),
        ],
    ),
    provider(
        "docs.expo.dev/accounts",
        &[near("expo-token", &["expo_token"], &[URL64.n(40)])],
    ),
    provider(
        "www.jetbrains.com/help/hub",
        &[
            prefix(
                "jetbrains-token",
                "perm:",
                &[BASE64.and_also("=.-").at_least(40)],
            ),
            prefix(
                "jetbrains-token",
                "perm-",
                &[BASE64.and_also("=.-").at_least(40)],
            ),
        ],
    ),
    provider(
        "openshift.io/docs",
        &[prefix("openshift-token", "sha256~", &[URL64.at_least(43)])],
    ),
    provider(
        "kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens",
        &[near(
            "kubeadm-token",
            &["kubeadm", "kubelet"],
            &[LOWER_ALNUM.n(6), text("."), LOWER_ALNUM.n(16)],
        )],
    ),
    provider(
        "docs.rancher.com",
        &[near(
            "rancher-token",
            &["rancher"],
            &[
                text("token-"),
                LOWER_ALNUM.n(5),
                text(":"),
                LOWER_ALNUM.n(54),
            ],
        )],
    ),
    provider(
        "contribsys.com/sidekiq",
        &[near(
            "sidekiq-credential",
            &["contribsys"],
            &[ANY_HEX.n(8), text(":"), ANY_HEX.n(8)],
        )],
    ),
    provider(
        "docs.prefect.io/v3",
        &[
            word("prefect-key", "pnu_", &[ALNUM.at_least(36)]),
            word("prefect-key", "pnb_", &[ALNUM.at_least(36)]),
        ],
    ),
    provider(
        "docs.getdbt.com/docs/dbt-cloud-apis",
        &[
            word("dbt-token", "dbtc_", &[URL64.at_least(20)]),
            word("dbt-token", "dbtu_", &[URL64.at_least(20)]),
            near("dbt-token", &["dbt_cloud"], &[HEX.n(40)]),
        ],
    ),
    provider(
        "learning.postman.com/docs/developer",
        &[
            prefix(
                "postman-key",
                "PMAK-",
                &[ALNUM.n(24), text("-"), ALNUM.at_least(34)],
            ),
            prefix("postman-collection-key", "PMAT-", &[ALNUM.at_least(26)]),
        ],
    ),
    provider(
        "docs.npmjs.com/legacy",
        &[near("npm-token", &["_authToken"], UUID)],
    ),
    provider(
        "www.phacility.com/conduit",
        &[near(
            "phabricator-token",
            &["phabricator", "conduit"],
            &[text("api-"), LOWER_ALNUM.n(28)],
        )],
    ),
    provider(
        "launchdarkly.com/docs/home/account",
        &[
            word("launchdarkly-sdk-key", "sdk-", UUID),
            word("launchdarkly-token", "api-", UUID),
            near("launchdarkly-token", &["launchdarkly"], &[URL64.n(40)]),
        ],
    ),
    provider(
        "docs.statsig.com",
        &[word("statsig-key", "secret-", &[ALNUM.at_least(40)])],
    ),
    provider(
        "docs.flagsmith.com",
        &[word("flagsmith-key", "ser.", &[ALNUM.n(22)])],
    ),
    provider(
        "configcat.com/docs",
        &[word(
            "configcat-key",
            "configcat-sdk-1/",
            &[URL64.n(22), text("/"), URL64.n(22)],
        )],
    ),
    provider(
        "transifex.com/docs",
        &[near(
            "transifex-token",
            &["transifex"],
            &[text("1/"), HEX.n(40)],
        )],
    ),
    provider(
        "docs.weblate.org/en/latest/api",
        &[
            word("weblate-token", "wlu_", &[ALNUM.at_least(30)]),
            word("weblate-token", "wlp_", &[ALNUM.at_least(30)]),
        ],
    ),
    provider(
        "docs.readme.com",
        &[prefix("readme-key", "rdme_", &[ALNUM.at_least(60)])],
    ),
    provider(
        "developers.scalingo.com",
        &[word("scalingo-token", "tk-us-", &[URL64.at_least(40)])],
    ),
    provider(
        "docs.apify.com/platform",
        &[prefix("apify-token", "apify_api_", &[ALNUM.at_least(30)])],
    ),
];
