//! The corpus of contexts: settings of routers and network servers, and text protocols.

use super::contexts::{assert_found, redact};

#[test]
fn settings_of_routers_and_switches_are_read() {
    assert_found(&[
        "enable secret ‹mixed›\n",
        "sw1(config)# enable secret ‹mixed›",
        "enable secret 9 $9$nhEmQVczB7dqsO$‹random›",
        "username ops privilege 15 secret ‹mixed›",
        "username ops privilege 15 password 7 0822455D0A16544541",
        "username ops password ‹mixed›",
        "line vty 0 4\n password ‹mixed›\n login",
        " neighbor 10.0.0.1 password ‹mixed›",
        "radius-server key ‹mixed›",
        "radius-server host 10.0.0.9 auth-port 1812 key ‹mixed›",
        "tacacs-server key ‹mixed›",
        " server-private 10.2.2.2 key ‹mixed›",
        "crypto isakmp key ‹mixed› address 203.0.113.4",
        "pre-shared-key ‹mixed›",
        "  pre-shared-key local ‹mixed›",
        "pre-shared-key address 0.0.0.0 key ‹mixed›",
        "set vpn peer 1.2.3.4 authentication pre-shared-secret '‹mixed›'",
        "set psksecret ‹mixed›",
        "set password ENC ‹random›",
        "ip ospf authentication-key ‹mixed›",
        "ip ospf message-digest-key 1 md5 ‹mixed›",
        "ip nhrp authentication ‹mixed›",
        "ntp authentication-key 1 md5 ‹mixed›",
        "wpa-psk ascii 0 ‹mixed›",
        "set wireless wpa passphrase ‹mixed›",
        "snmp-server community ‹word› RO",
        "set snmp community ‹mixed› authorization read-only",
        "snmp-server user bob grp v3 auth sha ‹mixed› priv aes 128 ‹mixed›",
        "rocommunity ‹mixed› 10.0.0.0/8",
        "com2sec readonly default ‹mixed›",
        "createUser bob SHA \"‹mixed›\" AES \"‹mixed›\"",
    ]);
    for text in [
        "enable secret scanning for all repositories",
        "enable secret scanning and push protection",
        "username admin has no privileges on router-7",
        "set snmp options in the form below",
        "The radius-server key must match on both sides.",
        "radius-server host 10.0.0.1 auth-port 1812 acct-port 1813",
        "ip ospf authentication message-digest",
        "set key repeat-1",
        "key 1 for ntp",
    ] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn files_of_servers_that_authenticate_are_read() {
    assert_found(&[
        "client office {\n    ipaddr = 10.1.0.0/16\n    secret = ‹mixed›\n}",
        "client localhost {\n\tipaddr = 127.0.0.1\n\tsecret\t\t= ‹word›\n\tproto = *\n}",
        "bob  Cleartext-Password := \"‹word›\"",
        "radtest bob ‹mixed› 10.0.0.1 0 ‹mixed›",
        "radclient 10.0.0.1 auth ‹mixed›",
        "# client server secret addresses\nbob * \"‹mixed›\" *",
        "bob\t*\t‹mixed›\t*",
        "\"office\"  pptpd  \"‹mixed›\"  10.0.0.5",
        "basic_auth {\n    bob $2a$14$‹random›‹random›\n}",
        "basicauth / {\n  bob JDJhJDEw‹random›‹random›‹random›\n}",
        "[mx.test]:587    bob@a.test:‹word›",
        "register => bob:‹word›@sip.test/bob",
        "WIFI:T:WPA;S:home;P:‹word›;;",
        "passwordeval \"echo ‹word›\"",
        "PassCmd \"echo '‹word›'\"",
        "--password-command 'printf ‹word›'",
        "remotepass = ‹mixed›",
        "http-request set-header X-Key ‹dashed›7",
    ]);
    for text in [
        "client := &http.Client{\n\tsecret = cfg.Secret\n}",
        "client office {\n    secret = ${RADIUS_SECRET}\n}",
        "radtest needs a user, a password and a secret",
        "let area = width * height-2 * depth",
        "x * y3_scale * z",
        " * @param token the token of the user",
        "register => ${USER}:${SECRET}@sip.test",
        "WIFI: connected",
    ] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn protocols_that_are_typed_are_read() {
    assert_found(&[
        "redis-cli> AUTH ‹mixed›",
        "127.0.0.1:6379> AUTH ‹word›",
        "127.0.0.1:6379> AUTH worker ‹mixed›",
        "redis:6379> auth ‹mixed›",
        "printf 'AUTH ‹mixed›\\r\\nPING\\r\\n' | nc localhost 6379",
        "{\"command\":\"echo \\\"AUTH ‹mixed›\\\" | nc redis 6379\"}",
        "127.0.0.1:6379> ACL SETUSER bob on >‹mixed› ~* +@all",
        "127.0.0.1:6379> CONFIG GET requirepass\n1) \"requirepass\"\n2) \"‹word›\"",
        "a1 LOGIN bob ‹mixed›",
        "a001 LOGIN \"bob@a.test\" \"‹mixed›\"",
        "LOGIN bob@a.test ‹mixed›",
        "/oper bob ‹mixed›",
        "/msg NickServ IDENTIFY ‹word›",
        "PRIVMSG NickServ :IDENTIFY bob ‹word›",
        "USER bob\n331\nPASS ‹word›",
        "PASS ‹word›\nNICK bob",
        "334 UGFzc3dvcmQ6\n‹base64›",
    ]);
    let plain = "AUTH PLAIN AGJvYgBzd29yZGZpc2gxMg==";
    assert!(!redact(plain).contains("AGJvYg"), "{}", redact(plain));
    for text in [
        "SMTP AUTH PLAIN is disabled by default",
        "AUTH is required before any other command",
        "250-AUTH LOGIN PLAIN XOAUTH2",
        "capabilities = 'AUTH ENABLE UTF8=ACCEPT'",
        "assertTrue('AUTH=CRAM-MD5' in client.capabilities)",
        "redis-cli> AUTH <password>",
        "the auth v2-handler is called first",
        "CREATE ROLE bob LOGIN;",
        "the LOGIN page v2 needs work",
        "identify the token-2 variant",
        "PASS src/auth/token.test.ts",
        "PASS tests/unit/session-2.spec.js (5.3 s)",
        "const verdict = passed ? 'PASS' : 'FAIL';",
        "USER node\nWORKDIR /app2",
    ] {
        assert_eq!(redact(text), text);
    }
}
