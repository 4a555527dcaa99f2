//! Payment, shops, shipping, travel and trading.

use super::{Provider, inside, link, near, prefix, provider, word};
use crate::redact::text::format::{
    ALNUM, ANY_HEX, BASE64, Class, DIGIT, HEX, LOWER_ALNUM, PAD, UPPER_ALNUM, URL64, UUID, WORD,
    text,
};
use crate::redact::values::checks::{mixed_case, random, with_symbol};

pub(super) const PROVIDERS: &[Provider] = &[
    provider(
        "docs.stripe.com/keys",
        &[
            prefix("stripe-secret-key", "sk_live_", &[ALNUM.at_least(10)]),
            prefix("stripe-secret-key", "sk_test_", &[ALNUM.at_least(10)]),
            prefix("stripe-restricted-key", "rk_live_", &[ALNUM.at_least(10)]),
            prefix("stripe-restricted-key", "rk_test_", &[ALNUM.at_least(10)]),
            prefix("stripe-secret-key", "sk_prod_", &[URL64.at_least(14)]),
            prefix("stripe-restricted-key", "rk_prod_", &[ALNUM.at_least(10)]),
            prefix("stripe-organization-key", "sk_org_", &[WORD.at_least(20)]),
            prefix(
                "stripe-webhook-secret",
                "whsec_",
                &[BASE64.at_least(24), PAD],
            ),
        ],
    ),
    provider(
        "developer.squareup.com/docs/build-basics/access-tokens",
        &[
            prefix("square-token", "sq0atp-", &[URL64.at_least(22)]),
            prefix("square-secret", "sq0csp-", &[URL64.at_least(40)]),
            word("square-token", "EAAA", &[URL64.and_also("+/=").n(60)]),
            word("square-token", "EAAA", &[URL64.between(22, 60)]).checked(random),
        ],
    ),
    provider(
        "developer.paypal.com/api/rest",
        &[
            prefix(
                "braintree-token",
                "access_token$production$",
                &[LOWER_ALNUM.n(16), text("$"), ALNUM.at_least(32)],
            ),
            prefix(
                "braintree-token",
                "access_token$sandbox$",
                &[LOWER_ALNUM.n(16), text("$"), ALNUM.at_least(32)],
            ),
            near("paypal-secret", &["paypal"], &[URL64.n(80)]),
        ],
    ),
    provider(
        "docs.adyen.com",
        &[word("adyen-key", "AQE", &[ADYEN.between(80, 300)]).checked(with_symbol)],
    ),
    provider(
        "razorpay.com/docs/api/authentication",
        &[
            word("razorpay-key-id", "rzp_live_", &[ALNUM.n(14)]),
            word("razorpay-key-id", "rzp_test_", &[ALNUM.n(14)]),
            near("razorpay-secret", &["razorpay"], &[ALNUM.n(24)]).checked(mixed_case),
        ],
    ),
    provider(
        "plaid.com/docs/api",
        &[
            prefix("plaid-access-token", "access-production-", UUID),
            prefix("plaid-access-token", "access-development-", UUID),
            prefix("plaid-access-token", "access-sandbox-", UUID),
            near("plaid-secret", &["plaid"], &[HEX.n(30)]),
        ],
    ),
    provider(
        "developer.flutterwave.com/docs",
        &[
            prefix(
                "flutterwave-secret-key",
                "FLWSECK-",
                &[LOWER_ALNUM.n(32), text("-X")],
            ),
            prefix(
                "flutterwave-secret-key",
                "FLWSECK_TEST-",
                &[LOWER_ALNUM.n(32), text("-X")],
            ),
            prefix(
                "flutterwave-encryption-key",
                "FLWSECK_TEST-",
                &[ALNUM.at_least(12)],
            ),
            prefix(
                "flutterwave-encryption-key",
                "FLWSECK_TEST",
                &[ALNUM.at_least(12)],
            ),
        ],
    ),
    provider(
        "docs.mollie.com",
        &[
            word("mollie-key", "live_", &[ALNUM.n(30)]),
            word("mollie-key", "test_", &[ALNUM.n(30)]),
            word("mollie-token", "access_", &[ALNUM.n(30)]),
        ],
    ),
    provider(
        "developer.gocardless.com",
        &[near(
            "gocardless-token",
            &["gocardless"],
            &[text("live_"), URL64.n(40)],
        )],
    ),
    provider(
        "docs.cdp.coinbase.com",
        &[near("coinbase-key", &["coinbase"], &[ALNUM.n(64)])],
    ),
    provider(
        "developers.binance.com",
        &[near("binance-key", &["binance"], &[ALNUM.n(64)])],
    ),
    provider(
        "docs.kraken.com/api",
        &[near("kraken-key", &["kraken"], &[BASE64.n(86), text("==")])],
    ),
    provider(
        "www.kucoin.com/docs",
        &[near("kucoin-secret", &["kucoin"], UUID)],
    ),
    provider(
        "developer.paddle.com/api-reference",
        &[
            prefix("paddle-key", "pdl_live_apikey_", &[WORD.at_least(40)]),
            prefix("paddle-key", "pdl_sdbx_apikey_", &[WORD.at_least(40)]),
            prefix(
                "paddle-webhook-secret",
                "pdl_ntfset_",
                &[WORD.and_also("+/").at_least(30)],
            ),
        ],
    ),
    provider(
        "shopify.dev/docs/apps/build/authentication-authorization",
        &[
            prefix("shopify-token", "shpat_", &[ALNUM.at_least(32)]),
            prefix("shopify-custom-app-token", "shpca_", &[ALNUM.at_least(32)]),
            prefix("shopify-private-app-token", "shppa_", &[ALNUM.at_least(32)]),
            prefix("shopify-shared-secret", "shpss_", &[ALNUM.at_least(32)]),
            prefix("shopify-theme-token", "shptka_", &[ALNUM.at_least(32)]),
            prefix("shopify-user-token", "shpua_", &[ALNUM.at_least(32)]),
            prefix("shopify-partner-token", "prtapi_", &[ALNUM.at_least(32)]),
        ],
    ),
    provider(
        "duffel.com/docs/api",
        &[
            prefix(
                "duffel-token",
                "duffel_live_",
                &[URL64.and_also("=").at_least(40)],
            ),
            prefix(
                "duffel-token",
                "duffel_test_",
                &[URL64.and_also("=").at_least(40)],
            ),
        ],
    ),
    provider(
        "docs.easypost.com",
        &[
            prefix("easypost-key", "EZAK", &[ALNUM.at_least(54)]),
            prefix("easypost-test-key", "EZTK", &[ALNUM.at_least(54)]),
        ],
    ),
    provider(
        "docs.goshippo.com",
        &[
            prefix("shippo-token", "shippo_live_", &[ALNUM.at_least(40)]),
            prefix("shippo-token", "shippo_test_", &[ALNUM.at_least(40)]),
        ],
    ),
    provider(
        "docs.lob.com",
        &[near("lob-key", &["lob"], &[text("live_"), HEX.n(35)])],
    ),
    provider(
        "www.mercadopago.com/developers",
        &[prefix(
            "mercadopago-token",
            "APP_USR-",
            &[ALNUM.and_also("-").at_least(24)],
        )],
    ),
    provider(
        "docs.xendit.co",
        &[
            prefix("xendit-key", "xnd_production_", &[ALNUM.at_least(40)]),
            prefix("xendit-key", "xnd_development_", &[ALNUM.at_least(40)]),
        ],
    ),
    provider(
        "docs.polar.sh",
        &[
            prefix("polar-token", "polar_oat_", &[URL64.at_least(20)]).checked(random),
            prefix("polar-token", "polar_at_", &[URL64.at_least(20)]).checked(random),
            prefix("polar-token", "polar_pat_", &[URL64.at_least(20)]).checked(random),
            prefix("polar-token", "polar_rt_", &[URL64.at_least(20)]).checked(random),
        ],
    ),
    provider(
        "docs.iexcloud.io",
        &[word("iexcloud-key", "sk_", &[HEX.n(32)])],
    ),
    provider(
        "finnhub.io/docs/api",
        &[near("finnhub-key", &["finnhub"], &[LOWER_ALNUM.n(20)])],
    ),
    provider(
        "developer.mastercard.com/open-finance",
        &[near("finicity-secret", &["finicity"], &[ALNUM.n(20)])],
    ),
    provider(
        "developers.etsy.com",
        &[
            near(
                "etsy-key",
                &["etsy"],
                &[LOWER_ALNUM.n(24), text(":"), LOWER_ALNUM.at_least(8)],
            ),
            near("etsy-key", &["etsy"], &[LOWER_ALNUM.n(24)]),
        ],
    ),
    provider(
        "www.alphavantage.co/documentation",
        &[near(
            "alphavantage-key",
            &["alphavantage", "alpha_vantage"],
            &[UPPER_ALNUM.n(16)],
        )],
    ),
    provider(
        "docs.etherscan.io",
        &[near(
            "etherscan-key",
            &["etherscan", "bscscan", "polygonscan"],
            &[UPPER_ALNUM.n(34)],
        )],
    ),
    provider(
        "docs.infura.io",
        &[
            link("infura-key", "infura.io/v3/", &[HEX.n(32)]),
            near("infura-key", &["infura"], &[HEX.n(32)]),
        ],
    ),
    provider(
        "www.alchemy.com/docs",
        &[
            link("alchemy-key", "alchemy.com/v2/", &[URL64.n(32)]),
            link("alchemy-key", "alchemyapi.io/v2/", &[URL64.n(32)]),
            near("alchemy-key", &["alchemy"], &[URL64.n(32)]).checked(mixed_case),
        ],
    ),
    provider(
        "developer.bitcoin.org/wif",
        &[near(
            "ethereum-private-key",
            &["wallet", "deployer", "mnemonic"],
            &[text("0x"), ANY_HEX.n(64)],
        )],
    ),
    provider(
        "developers.facebook.com/docs/development",
        &[near(
            "facebook-app-token",
            &["facebook"],
            &[DIGIT.between(15, 16), text("|"), URL64.n(27)],
        )],
    ),
    provider(
        "docs.asaas.com",
        &[
            prefix(
                "asaas-key",
                "$aact_prod_",
                &[URL64.and_also("=:").at_least(20)],
            ),
            prefix(
                "asaas-key",
                "$aact_hmlg_",
                &[URL64.and_also("=:").at_least(20)],
            ),
        ],
    ),
    provider(
        "docs.midtrans.com",
        &[
            prefix("midtrans-server-key", "Mid-server-", &[URL64.at_least(10)]),
            prefix("midtrans-client-key", "Mid-client-", &[URL64.at_least(10)]),
        ],
    ),
    provider(
        "docs.mercury.com",
        &[
            prefix("mercury-token", "mercury_production_", &[WORD.at_least(40)]).checked(random),
            prefix("mercury-token", "mercury_sandbox_", &[WORD.at_least(40)]).checked(random),
        ],
    ),
    provider(
        "docs.ramp.com",
        &[
            prefix("ramp-secret", "ramp_sec_", &[ALNUM.at_least(40)]),
            prefix("ramp-client-id", "ramp_id_", &[ALNUM.at_least(32)]),
            prefix("ramp-token", "ramp_business_tok_", &[ALNUM.at_least(32)]),
        ],
    ),
    provider(
        "docs.crossmint.com",
        &[
            prefix("crossmint-key", "sk_production_", &[ALNUM.at_least(24)]),
            prefix("crossmint-key", "sk_staging_", &[ALNUM.at_least(24)]),
            prefix(
                "crossmint-client-key",
                "ck_production_",
                &[ALNUM.at_least(24)],
            ),
            prefix("crossmint-client-key", "ck_staging_", &[ALNUM.at_least(24)]),
        ],
    ),
    provider(
        "docs.fleetbase.io",
        &[
            prefix("fleetbase-key", "flb_live_", &[ALNUM.at_least(20)]),
            prefix("fleetbase-key", "flb_test_", &[ALNUM.at_least(20)]),
        ],
    ),
    provider(
        "woocommerce.github.io/woocommerce-rest-api-docs",
        &[
            word("woocommerce-secret", "cs_", &[HEX.n(40)]),
            word("woocommerce-key", "ck_", &[HEX.n(40)]),
        ],
    ),
    provider(
        "developer.ebay.com/api-docs",
        &[
            word("ebay-secret", "PRD-", EBAY),
            word("ebay-secret", "SBX-", EBAY),
            inside("ebay-client-id", URL64.between(6, 48), "-PRD-", EBAY_ID),
            inside("ebay-client-id", URL64.between(6, 48), "-SBX-", EBAY_ID),
        ],
    ),
    provider(
        "docs.robinhood.com/crypto/trading",
        &[prefix("robinhood-key", "rh-api-", UUID)],
    ),
    provider(
        "www.checkout.com/docs",
        &[
            word("checkout-secret-key", "sk_", UUID),
            word("checkout-secret-key", "sk_test_", UUID),
            word("checkout-secret-key", "sk_sbox_", &[ALNUM.n(27)]),
        ],
    ),
    provider(
        "docs.rainforestpay.com",
        &[prefix("rainforest-key", "apikey_", &[HEX.n(64)])],
    ),
    provider(
        "help.branch.io/developers-hub",
        &[
            word("branch-io-key", "key_live_", &[ALNUM.at_least(16)]),
            word("branch-io-key", "key_test_", &[ALNUM.at_least(16)]),
        ],
    ),
    provider(
        "developer.wepay.com/docs",
        &[
            word("wepay-token", "STAGE_", &[HEX.at_least(60)]),
            word("wepay-token", "PRODUCTION_", &[HEX.at_least(60)]),
        ],
    ),
    provider(
        "flutterwave.com/docs/moneywave",
        &[word("moneywave-key", "ts_", &[UPPER_ALNUM.between(28, 34)])],
    ),
    provider(
        "developer.heartlandpaymentsystems.com",
        &[
            prefix("heartland-key", "skapi_cert_", &[URL64.at_least(24)]).checked(random),
            prefix("heartland-key", "skapi_prod_", &[URL64.at_least(24)]).checked(random),
        ],
    ),
    provider(
        "databento.com/docs",
        &[word("databento-key", "db-", &[ALNUM.n(29)])],
    ),
    provider(
        "paystack.com/docs/api/authentication",
        &[word("paystack-key", "sk_", &[URL64.between(32, 64)]).checked(random)],
    ),
];

const ADYEN: Class = ALNUM.and_also("+/=.-{}[]$~,&<>()^%*#@!?:;|");

/// A hexadecimal id of the application, in five pieces.
const EBAY: &[super::Part] = &[HEX.and_also("-").between(28, 40)];

const EBAY_ID: &[super::Part] = &[HEX.between(9, 12), text("-"), HEX.between(8, 12)];
