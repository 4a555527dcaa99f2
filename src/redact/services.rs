//! Names of services that issue keys, for values without a known format.
//!
//! A generated value is a secret if it is assigned to a service, or to its API, client or access:
//! `okta_api = "…"`, `ADAFRUIT=…`. So is the value of their `id`, unless it is a hash or UUID. A
//! name with any other word, such as `commit`, `org`, `project` or `url`, is about something else.

use std::sync::LazyLock;

use super::names::keys::{Kind, NameWords};
use super::rules::{self, Anchor};
use super::text::anchors::{Anchors, Step, spellings};
use super::text::characters::strip_digits;
use super::text::words::Words;

/// Services in addition to those in the rules, without everyday words.
const NAMES: &[&str] = &[
    "ably",
    "abstractapi",
    "abuseipdb",
    "adafruit",
    "aiven",
    "akamai",
    "anypoint",
    "anthropic",
    "asaas",
    "aviationstack",
    "baremetrics",
    "baseten",
    "bitrise",
    "bittrex",
    "bitwarden",
    "blynk",
    "braintree",
    "bunnynet",
    "buttercms",
    "censys",
    "chargebee",
    "chartmogul",
    "civo",
    "clearbit",
    "clearout",
    "clickhouse",
    "clickup",
    "clojars",
    "closecrm",
    "cloudant",
    "cloudsight",
    "coinlayer",
    "configcat",
    "contentstack",
    "couchbase",
    "coveralls",
    "coze",
    "crossmint",
    "currencylayer",
    "customerio",
    "databento",
    "databricks",
    "deepl",
    "deepsecurity",
    "deepseek",
    "detectify",
    "deviantart",
    "diffbot",
    "dify",
    "digitalocean",
    "disqus",
    "dockerhub",
    "duplocloud",
    "dwolla",
    "ebay",
    "elasticemail",
    "elevenlabs",
    "endorlabs",
    "equinix",
    "eventbrite",
    "exoscale",
    "fastly",
    "figma",
    "flagsmith",
    "flutterwave",
    "forestadmin",
    "foursquare",
    "freemius",
    "fullcontact",
    "fullstory",
    "gemfury",
    "geoapify",
    "github",
    "gitlab",
    "gitter",
    "godaddy",
    "grafana",
    "greptile",
    "groq",
    "gumroad",
    "hashicorp",
    "hcp",
    "helpscout",
    "hereapi",
    "huggingface",
    "hunterio",
    "imagekit",
    "infomaniak",
    "infracost",
    "inngest",
    "intercom",
    "ipstack",
    "iterable",
    "jotform",
    "jumpcloud",
    "kagi",
    "keenio",
    "kickbox",
    "klaviyo",
    "lacework",
    "lemonsqueezy",
    "linked_in",
    "looker",
    "mailchimp",
    "mandrill",
    "mapbox",
    "maxmind",
    "message_bird",
    "midtrans",
    "moralis",
    "nango",
    "newrelic",
    "new_relic",
    "novu",
    "numverify",
    "nylas",
    "octopusdeploy",
    "onelogin",
    "onesignal",
    "openai",
    "openrouter",
    "openshift",
    "optimizely",
    "packagecloud",
    "pandadoc",
    "pastebin",
    "pdflayer",
    "pendo",
    "pepipost",
    "perplexity",
    "pinata",
    "pingdom",
    "pirsch",
    "planetscale",
    "pollinations",
    "polymarket",
    "positionstack",
    "posthog",
    "postman",
    "pulumi",
    "ringcentral",
    "salesforce",
    "salesloft",
    "scalr",
    "scraperapi",
    "sendgrid",
    "sendinblue",
    "shodan",
    "shopify",
    "shutterstock",
    "signifyd",
    "siliconflow",
    "snowflake",
    "sourcegraph",
    "sslmate",
    "statuscake",
    "strava",
    "stripe",
    "supabase",
    "tavily",
    "tavus",
    "telnyx",
    "thingsboard",
    "trendmicro",
    "turso",
    "typeform",
    "unkey",
    "upstage",
    "uptimerobot",
    "urlscan",
    "vapi",
    "virustotal",
    "voiceflow",
    "wakatime",
    "weatherapi",
    "weatherstack",
    "webex",
    "webflow",
    "wistia",
    "woocommerce",
    "workos",
    "wpengine",
    "yelp",
    "yousign",
    "zapier",
    "zerobounce",
    "zoho",
];

/// Services of the rules whose name has other meanings.
const AMBIGUOUS: &[&str] = &[
    "appid",
    "routing_key",
    "wallet",
    "mnemonic",
    "deployer",
    "conduit",
    "genie",
    "comet",
    "together",
    "shortcut",
    "unseal",
    "kubelet",
    "vault",
    "duo",
    "lob",
    "ibm",
    "ghost",
    "zoom",
    "sauce",
    "miro",
    "railway",
    "bamboo",
    "cypress",
    "beamer",
    "segment_key",
    "segment_write",
    "azure",
    "aws",
    "drone",
    "turnstile",
    "alchemy",
    "telegr",
    "_authToken",
    "secretAccessKey",
    "security_token",
    "securitytoken",
    "system_accesstoken",
    "mistral",
    "phabricator",
    "Ocp-Apim-Subscription-Key",
    "clubhouse",
    "ark_api",
    "cosmos",
    "glm",
    "function_host",
    "functions_host",
    "kubeadm",
];

/// Words beside the name of a service that allow a secret.
static NEUTRAL: Words = Words::of_any_case(&[
    b"access",
    b"admin",
    b"ai",
    b"api",
    b"app",
    b"application",
    b"auth",
    b"bearer",
    b"bot",
    b"cli",
    b"client",
    b"com",
    b"consumer",
    b"cred",
    b"credential",
    b"credentials",
    b"creds",
    b"default",
    b"dev",
    b"developer",
    b"env",
    b"export",
    b"io",
    b"key",
    b"live",
    b"main",
    b"my",
    b"new",
    b"next",
    b"oauth",
    b"old",
    b"our",
    b"pass",
    b"password",
    b"pat",
    b"personal",
    b"private",
    b"prod",
    b"production",
    b"pwd",
    b"raw",
    b"react",
    b"rest",
    b"rpc",
    b"sandbox",
    b"sdk",
    b"sec",
    b"secret",
    b"server",
    b"service",
    b"signing",
    b"staging",
    b"test",
    b"the",
    b"token",
    b"v",
    b"value",
    b"vite",
    b"web",
    b"webhook",
    b"your",
]);

static SERVICES: LazyLock<Anchors<&str>> = LazyLock::new(|| Anchors::new(anchors()));

/// The spellings of every service's name, each with the name.
pub(super) fn anchors() -> Vec<(Vec<u8>, &'static str)> {
    let of_rules = rules::all().flat_map(|rule| match rule.anchor {
        Anchor::Near(names) => names,
        _ => &[],
    });
    let mut names: Vec<&'static str> = of_rules
        .copied()
        .filter(|name| !AMBIGUOUS.contains(name) && !name.contains("_key"))
        .chain(NAMES.iter().copied())
        .collect();
    names.sort_unstable();
    names.dedup();
    let spelled = |name: &'static str| spellings(name).into_iter().map(move |it| (it, name));
    names.into_iter().flat_map(spelled).collect()
}

/// The kind of value that a name announces which contains the name of a service and no word of
/// anything else.
pub(super) fn kind_of(name: &[u8]) -> Option<Kind> {
    SERVICES.find_map(name, 0, |at, service| {
        let end = at + service.len();
        let spelled = name.get(at..end)?.eq_ignore_ascii_case(service.as_bytes());
        let kind = spelled.then(|| kind_around(name, at, end)).flatten();
        kind.map(Step::Found)
    })
}

/// The kind of value that a name announces which has the name of a service at `from..to`, unless
/// another word makes it something else.
///
/// Ids of clients and keys are half of a login. Other ids have a word of their own.
pub(super) fn kind_around(name: &[u8], from: usize, to: usize) -> Option<Kind> {
    let is_id =
        |word: &[u8]| word.eq_ignore_ascii_case(b"id") || word.eq_ignore_ascii_case(b"identifier");
    let mut kind = Kind::OfService;
    for word in [&name[..from], &name[to..]]
        .into_iter()
        .flat_map(NameWords::of)
    {
        if is_id(word) {
            kind = Kind::IdOfService;
        } else if !is_neutral(word) {
            return None;
        }
    }
    Some(kind)
}

fn is_neutral(word: &[u8]) -> bool {
    let word = strip_digits(word);
    word.is_empty() || NEUTRAL.contain(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_and_its_api_are_told_from_other_things_of_the_service() {
        for (name, kind) in [
            ("okta", Some(Kind::OfService)),
            ("OKTA_API", Some(Kind::OfService)),
            ("myOktaClient2", Some(Kind::OfService)),
            ("okta-prod", Some(Kind::OfService)),
            ("okta_client_id", Some(Kind::IdOfService)),
            ("oktaAccessId", Some(Kind::IdOfService)),
            ("okta_user_id", None),
            ("okta_org", None),
            ("oktaUrl", None),
            ("oktane", None),
            ("pokta", None),
            ("OKTA_COMMIT_SHA", None),
        ] {
            let from = name.to_ascii_lowercase().find("okta").unwrap();
            assert_eq!(kind_around(name.as_bytes(), from, from + 4), kind, "{name}");
        }
    }
}
