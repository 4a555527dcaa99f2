//! A labelled corpus of everyday files and command lines: where a name, a declaration, a pair, a
//! header, a command or the form of a file says that a value is a secret, and where it is none.
//!
//! Words in `‹›` stand for values that a seeded generator makes.

use serde_json::{Value, json};

use super::corpus::Random;
use crate::redact::Counts;
use crate::redact::RedactionKey;
use crate::redact::Redactor;
use crate::redact::text::format::{ALNUM, BASE64, HEX};

/// Values as people and machines choose them.
fn made(kind: &str, random: &mut Random) -> String {
    const WORDS: [&str; 8] = [
        "hunterino",
        "swordfish",
        "opensesame",
        "letmeinnow",
        "blueberries",
        "trustnoone",
        "moonlights",
        "tangerine",
    ];
    let word = |random: &mut Random| WORDS[random.below(WORDS.len())].to_owned();
    match kind {
        "random" => random.bytes(ALNUM, 28) + "7aZ9",
        "word" => word(random),
        "mixed" => format!("{}{}!x", word(random), random.below(90) + 10),
        "dashed" => format!("{}-{}-{}", word(random), word(random), word(random)),
        "hex" => random.bytes(HEX, 30) + "7a",
        "digits" => (10_000 + random.below(9_000_000)).to_string(),
        "base64" => random.bytes(BASE64, 38) + "9Q==",
        "basic" => "Ym9iOnN3b3JkZmlzaDE=".to_owned(),
        "line" => random.bytes(BASE64, 62) + "9Q",
        "words" => [
            "legal", "winner", "thank", "year", "wave", "sausage", "worth", "useful", "maple",
            "river", "copper", "velvet",
        ]
        .join(" "),
        other => panic!("‹{other}› is unknown"),
    }
}

/// The text of a context, and the secrets in it.
fn filled(context: &str, random: &mut Random) -> (String, Vec<String>) {
    let (mut text, mut secrets) = (String::new(), Vec::new());
    let mut parts = context.split('‹');
    text.push_str(parts.next().unwrap());
    for part in parts {
        let (kind, rest) = part.split_once('›').unwrap();
        let secret = made(kind, random);
        text.push_str(&secret);
        text.push_str(rest);
        secrets.push(secret);
    }
    (text, secrets)
}

pub(super) fn redact(text: &str) -> String {
    Redactor::new(RedactionKey::new([7; 32]))
        .text(text, &mut Counts::default())
        .unwrap_or_else(|| text.to_owned())
}

#[track_caller]
pub(super) fn assert_found(contexts: &[&str]) {
    let mut random = Random(21);
    let mut missed = Vec::new();
    for context in contexts {
        for _ in 0..3 {
            let (text, secrets) = filled(context, &mut random);
            let redacted = redact(&text);
            assert_eq!(redact(&redacted), redacted, "a second time, from {text}");
            if secrets.iter().any(|secret| redacted.contains(secret)) {
                missed.push(format!("{text}\n → {redacted}"));
                break;
            }
        }
    }
    assert!(missed.is_empty(), "missed:\n{}", missed.join("\n\n"));
}

#[test]
fn names_of_json_decide() {
    assert_found(&[
        "{\"token\":\"‹word›\"}",
        "{\"token\": ‹digits›, \"n\": 1}",
        "{\"token\": \"x9\", \"secret\": \"‹word›\"}",
        "{ \"dbPassword\" : \"‹dashed›\" }",
        "{\"API_KEY\":\"‹word›\"}",
        "{\"api-key\":[\"‹word›\",\"‹mixed›\"]}",
        "{\"credential\":{\"id\":\"‹word›\",\"more\":{\"deep\":[\"‹dashed›\"]}}}",
        "{\"credentials\": {\n  \"user\": \"‹word›\",\n  \"n\": ‹digits›\n}}",
        "{\"privateKey\":\"‹dashed›\"}",
        "{\"cookie\":\"‹word›\"}",
        "{\"authorization\":\"‹word›\"}",
        "{\"accessTokens\":[\"‹word›\"]}",
        "{\"passwords\":{\"bob\":\"‹word›\"}}",
        "{\\\"refresh_token\\\":\\\"‹word›\\\"}",
        "{\\\"token\\\":‹digits›}",
        "{\\\"secrets\\\":{\\\"a\\\":\\\"‹word›\\\"}}",
        "{\\\\\\\"password\\\\\\\":\\\\\\\"‹word›\\\\\\\"}",
        "{\"password\": \"‹word› and ‹word›\"}",
        "{\"password\": {\"type\": \"string\", \"value\": \"‹word›\"}}",
    ]);
}

#[test]
fn declarations_of_programming_languages_are_read() {
    assert_found(&[
        "var apiToken string = \"‹dashed›\"",
        "\tsecretKey []byte = []byte(\"‹dashed›\")",
        "char const *password = \"‹word›\";",
        "wchar_t password[] = L\"‹word›\";",
        "std::string password(\"‹mixed›\");",
        "static std::string const api_key{\"‹random›\"};",
        "let password: Box<str> = \"‹word›\".into();",
        "const TOKEN: &'static [u8] = b\"‹dashed›\";",
        "let client_secret = SecretString::from(\"‹dashed›\");",
        "let password: Option<String> = Some(String::from(\"‹word›\"));",
        "let password: String? = \"‹word›\"",
        "private val dbPassword: String? = \"‹word›\"",
        "lateinit var x; const val CLIENT_SECRET: String = \"‹dashed›\"",
        "private readonly dbPassword: string | null = '‹word›';",
        "db_password: Annotated[str, Field()] = \"‹word›\"",
        "password: Optional[str] = '‹word›'",
        "api_secret: typing.Final[str] = '‹dashed›'",
        "#define ADMIN_PASSWORD \"‹word›\"",
        "# define API_TOKEN \"‹dashed›\"",
        "NSString *password = @\"‹word›\";",
        "Dim dbPassword As String = \"‹word›\"",
        "define('SECURE_AUTH_KEY', '‹dashed›');",
        "define(\"DB_PASSWORD\", \"‹word›\");",
        "API_TOKEN ::= ‹random›",
        "API_TOKEN :::= ‹random›",
        "API_TOKEN ?= ‹random›",
        "$token .= '‹random›';",
        "password += \"‹word›\"",
        "options.password ??= '‹word›'",
        "self.password ||= '‹word›'",
        "apiSecret = settings.apiSecret || \"‹dashed›\"",
        "password: process.env.PASSWORD ?? '‹word›',",
        "os.environ.get(\"DB_PASSWORD\", \"‹word›\")",
        "os.getenv('API_SECRET') or '‹dashed›'",
        "env('MAIL_PASSWORD', '‹word›')",
        "System.getenv(\"PASSWORD\") ?: \"‹word›\"",
        "password <- '‹word›'",
        "password = \"\"\"‹word›\"\"\"",
        "(def api-key \"‹random›\")",
        ":password \"‹word›\"",
        "keyPassword '‹word›'",
        "mongoose.auth.password('‹word›')",
        "options.setPassword(\"‹word›\");",
        "System.setProperty(\"x.keyStorePassword\", \"‹word›\");",
        "parser.add_argument(\"--password\", default=\"‹word›\")",
        "public string Password { get; set; } = \"‹word›\";",
        "requests.get(u, auth=('bob', '‹word›'))",
        "req.SetBasicAuth(\"bob\", \"‹word›\")",
        "smtp.login(\"bob@a.test\", \"‹word›\")",
        "the password is \"‹word›\"",
        "log in as bob with password ‹mixed›\n",
        "PRAGMA key = '‹word›';",
    ]);
}

#[test]
fn pairs_of_name_and_value_are_read() {
    assert_found(&[
        "{\"name\":\"DB_PASSWORD\",\"value\":\"‹word›\"}",
        "{\"Name\": \"API_SECRET\", \"Value\": \"‹dashed›\"}",
        "{ \"value\": \"‹word›\", \"name\": \"DB_PASSWORD\" }",
        "{\\\"name\\\":\\\"API_TOKEN\\\",\\\"value\\\":\\\"‹dashed›\\\"}",
        "{\"key\":\"client_secret\",\"type\":\"text\",\"value\":\"‹word›\"}",
        "{\"ParameterKey\": \"MasterPassword\", \"ParameterValue\": \"‹word›\"}",
        "ParameterKey=MasterUserPassword,ParameterValue=‹word›",
        "- name: SMTP_PASSWORD\n  value: ‹word›\n",
        "- name: \"SMTP_PASSWORD\"\n  # mail\n  value: \"‹word›\"\n",
        "- OptionName: SECRET_KEY\n  Value: ‹dashed›\n",
        "<property name=\"connection.password\" value=\"‹word›\" />",
        "<property name=\"password\">‹word›</property>",
        "<property>\n  <name>fs.secret.key</name>\n  <value>‹dashed›</value>\n</property>",
        "<string name=\"api_secret\">‹dashed›</string>",
        "<key>AdminPassword</key>\n\t<string>‹word›</string>",
        "<key>apiToken</key><string>‹dashed›</string>",
        "<environmentVariable name=\"API_TOKEN\" value=\"‹random›\" />",
        "<entry key=\"db.password\">‹word›</entry>",
        "<password>\n  ‹word›\n</password>",
        "<a:Password Type=\"text\">‹word›</a:Password>",
        "<password><![CDATA[‹word›]]></password>",
        "variable \"admin_password\" {\n  description = \"of the admin\"\n  default = \"‹word›\"\n}",
        "{\"element\":\"Password textbox\",\"ref\":\"e3\",\"text\":\"‹word›\"}",
        "{\"name\":\"Authorization\",\"value\":\"Bearer ‹random›\"}",
        "password: |\n  ‹word›\n",
        "  db:\n    password: >-\n      ‹dashed›\n    port: 1\n",
        "client_secret: |-\n    ‹random›\n",
        "user,password\nbob,‹word›\neve,‹dashed›\n",
        "id;secret;name\n1;‹random›;x\n",
        "name\ttoken\nx\t‹random›\n",
        "\"user\",\"api_key\"\n\"bob\",\"‹random›\"\n",
        "| host | password |\n| --- | --- |\n| a | ‹word› |\n| b | `‹dashed›` |\n",
        "| id | secret   |\n+----+----------+\n|  1 | ‹random› |\n",
        " id | password \n----+----------\n  1 | ‹word›\n",
        "DB_PASSWORD     ‹word›\n",
        "API_SECRET\t‹dashed›\n",
    ]);
}

#[test]
fn headers_are_read_whatever_their_scheme() {
    assert_found(&[
        "Authorization: Api-Token ‹random›",
        "Authorization: FancyToken ‹random›",
        "authorization: OAuth realm=\"x\", oauth_token=\"‹random›\", oauth_signature=\"‹base64›\"",
        "Authorization: hmac id:‹base64›",
        "Authorization: MAC id=\"1\", nonce=\"2\", mac=\"‹base64›\"",
        "Authorization: Negotiate ‹base64›",
        "curl -H 'Authorization: sso-key ‹random›:‹random›' https://api.test",
        "Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/s3, SignedHeaders=host, Signature=‹hex›‹hex›",
        "\"Authorization\": \"Token token=\\\"‹random›\\\", x=\\\"1\\\"\"",
        "-H \"Proxy-Authorization: Basic ‹basic›\"",
        "X-Acme-Key: ‹random›",
        "X-Gitlab-Token: ‹random›",
        "-H 'X-Vendor-Secret: ‹dashed›'",
        "Ocp-Apim-Subscription-Key: ‹hex›",
    ]);
}

#[test]
fn command_lines_are_read() {
    assert_found(&[
        "mysql -uroot -p‹word› app",
        "mysqldump --host db -p'‹mixed›' app",
        "mariadb -p\"‹mixed›\" app",
        "{\"command\":\"mysql -u root -p‹word› app\"}",
        "{\"command\":\"mysql -p\\\"‹word›\\\" app\"}",
        "sshpass -p ‹word› ssh a@b",
        "sshpass -p'‹mixed›' ssh a@b",
        "redis-cli -a ‹word› -h x ping",
        "docker login -u bob -p ‹word›",
        "docker login r.test -u bob --password ‹dashed›",
        "curl -u bob:‹word› https://a.test",
        "curl -fsS  -u  bob:‹word›  https://a.test",
        "curl -X PUT \\\n  -u bob:‹word› \\\n  https://a.test",
        "curl -ubob:‹mixed› https://a.test",
        "curl -sSu 'bob:‹mixed›' https://a.test",
        "curl --cookie 'sid=‹random›' https://a.test",
        "htpasswd -cb .htpasswd bob ‹word›",
        "echo ‹word› | sudo -S ls",
        "echo -n '‹mixed›' | sudo -S ls",
        "printf '%s' \"‹random›\" | docker login -u x --password-stdin r.test",
        "echo \"bob:‹word›\" | sudo chpasswd",
        "deploy --password ‹dashed› --now",
        "deploy --password ‹word› --now",
        "deploy --password=‹word› --now",
        "deploy --token ‹dashed›",
        "ldapsearch -x -w ‹word› -b dc=x",
        "ansible-vault encrypt_string '‹word›' --name 'x'",
        "mongosh -u a -p ‹word› --quiet",
        "sqlcmd -U sa -P ‹mixed›",
        "unzip -P ‹word› x.zip",
        "openssl enc -d -pass pass:‹word› -in x",
        "gpg --passphrase ‹word› -d x",
        "keytool -storepass ‹word› -list",
        "smbclient //a/b -U bob%‹word›",
        "lftp -u bob,‹word› a.test",
        "sqlplus scott/‹word›@db",
        "npm config set //r.test/:_authToken ‹random›",
        "npm config set _authToken ‹random›",
        "kubectl create secret generic x --from-literal=y=‹word›",
        "pulumi config set --secret dbPassword ‹word›",
        "gh secret set X --body \"‹word›\"",
        "setenv DB_PASSWORD ‹word›",
        "ENV DB_PASSWORD ‹word›",
        "export DB_PASSWORD=‹word›",
        "terraform apply -var \"db_password=‹word›\"",
        "helm install x y --set auth.password=‹word›",
        "svn co --username bob --password ‹word› https://a.test",
        "curl -d 'user=bob&password=‹word›' https://a.test",
        "psql \"host=db password=‹word› dbname=x\"",
        "[\"--password\", \"‹word›\"]",
        "aws ssm put-parameter --name x --value ‹word›",
        "ConvertTo-SecureString \"‹word›\" -AsPlainText -Force",
        "set -gx API_SECRET ‹dashed›",
    ]);
}

#[test]
fn files_of_known_form_are_read() {
    assert_found(&[
        "machine a.test\nlogin bob\npassword ‹word›\n",
        "machine a.test\n\tlogin bob\n\tpassword ‹dashed›\n",
        "db.test:5432:app:bob:‹word›",
        "*:*:*:bob:‹mixed›",
        "requirepass ‹word›",
        "masterauth ‹dashed›",
        "bob:$6$saltysalt$‹random›‹random›:1:0:99999:7:::",
        "bob:$apr1$abcdefgh$‹random›",
        "bob:$2y$10$‹random›‹random›",
        "bob:{SHA}‹random›=",
        "CREATE USER bob IDENTIFIED BY '‹word›';",
        "alter user bob identified by ‹word›;",
        "ALTER USER b IDENTIFIED WITH caching_sha2_password BY '‹word›'",
        "CREATE USER bob PASSWORD '‹word›'",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:\n  one: ‹base64›\n  two: ‹base64›\n",
        "apiVersion: v1\ndata:\n  one: ‹base64›\n  two: ‹base64›\nkind: Secret\n",
        "kind: Secret\nstringData:\n  any: \"‹word›\"\n  more: |\n    ‹dashed›\n",
        "{\"kind\":\"Secret\",\"data\":{\"one\":\"‹base64›\",\"two\":\"‹base64›\"}}",
        "//r.test/:_authToken=‹random›",
        "{\"username\":\"bob\",\"key\":\"‹hex›\"}",
        "{\"auths\":{\"r.test\":{\"auth\":\"‹basic›\"}}}",
        "     1→-----BEGIN RSA PRIVATE KEY-----\n     2→‹line›\n     3→‹line›\n     4→-----END RSA PRIVATE KEY-----\n",
        "1: -----BEGIN PRIVATE KEY-----\n2: ‹line›\n3: ‹line›\n4: -----END PRIVATE KEY-----\n",
        "{\"x\":\"-----BEGIN PRIVATE KEY-----\\n‹line›\\n‹line›\\n-----END PRIVATE KEY-----\\n\"}",
        "seed phrase: ‹words›",
        "MNEMONIC=\"‹words›\"",
        "mnemonic: ‹words›\n",
        "account x\nhost smtp.test\nuser bob\npassword ‹word›\n",
        "spring:\n  datasource:\n    password: ‹word›\n",
        "db.password=‹word›\n",
        "xpack.security.password: ‹word›\n",
        "config.yml:12:password: ‹word›\n",
        "jdbc:mysql://h/x?user=a&password=‹word›",
        "network={\n  psk=\"‹word›\"\n}",
    ]);
}

/// In structured inputs and outputs of tools, no value under a documented name is looked at.
#[test]
fn fields_of_structured_data_go_whatever_they_look_like() {
    for name in [
        "api_key",
        "apiKey",
        "API-KEY",
        "api_keys",
        "token",
        "Token",
        "access_token",
        "githubToken",
        "secret",
        "clientSecret",
        "password",
        "db_password",
        "PASSWORD",
        "passwords",
        "userPassword",
        "authorization",
        "Authorization",
        "Proxy-Authorization",
        "credential",
        "credentials",
        "awsCredentials",
        "private_key",
        "privateKey",
        "cookie",
        "Cookie",
        "Set-Cookie",
        "cookies",
    ] {
        for value in [
            json!("swordfish"),
            json!("a"),
            json!("test"),
            json!("Two words"),
            json!("/etc/motd"),
            json!(12_345_678),
            json!(-1.5),
            json!(["swordfish", 77_777]),
            json!({"swordfish": "no", "deep": [{"n": 98_765, "x": "plain"}]}),
        ] {
            let text = redacted(json!({"input": {name: value.clone(), "other": "swordfish"}}));
            for leaf in leaves(&value) {
                let field = &text[..text.rfind("\"other\"").unwrap()];
                let leaf = format!(":{leaf}");
                assert!(!field.contains(&leaf), "{leaf} under {name} in {text}");
            }
            assert!(text.contains("redacted:"), "{name}: {value} → {text}");
            assert!(text.contains("\"other\":\"swordfish\""), "{text}");
        }
    }
}

#[test]
fn fields_that_hold_no_secret_stay() {
    for kept in [
        json!({"max_tokens": 4096, "input_tokens": 12_345, "token_count": 77, "tokens": 9}),
        json!({"tokens": {"input": 1204, "output": 88}, "next_page_token": "abc"}),
        json!({"token": null, "secret": true, "password": "", "api_key": "${API_KEY}"}),
        json!({"token": "{{ token }}", "password": "$DB_PASSWORD", "cookies": []}),
        json!({"properties": {"token": {"type": "string", "description": "of the user"}}}),
        json!({"name": "token", "description": "what to log in with"}),
        json!({"tokenizer": "bpe", "password_reset_url": "x", "secretary": "bob", "key": "a"}),
    ] {
        assert_eq!(redacted(kept.clone()), kept.to_string());
    }
}

#[test]
fn a_value_goes_that_a_field_beside_it_names() {
    for pair in [
        json!({"name": "DB_PASSWORD", "value": "swordfish"}),
        json!({"Name": "DB_PASSWORD", "Value": "swordfish"}),
        json!({"key": "api_token", "type": "x", "value": 12_345}),
        json!({"ParameterKey": "DbPassword", "ParameterValue": "swordfish"}),
        json!({"element": "Password field", "ref": "e1", "text": "swordfish"}),
        json!({"selector": "#password", "value": "swordfish"}),
        json!({"password": {"type": "string", "value": "swordfish"}}),
    ] {
        let text = redacted(pair);
        assert!(
            !text.contains("swordfish") && !text.contains("12345"),
            "{text}"
        );
    }
}

/// The JSON of a value after redaction.
fn redacted(mut value: Value) -> String {
    let redactor = Redactor::new(RedactionKey::new([7; 32]));
    redactor.value(&mut value, &mut Counts::default());
    value.to_string()
}

fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Object(fields) => fields.values().flat_map(leaves).collect(),
        leaf => vec![leaf.to_string()],
    }
}

#[test]
fn what_only_looks_like_one_of_these_stays() {
    for text in [
        "Gitea commit: 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "snyk org id: 4a18d42f-0706-4ad0-b127-24078731fbed",
        "password: 'Passwort',",
        "password: \"Mot de passe\"",
        "{\"password\": \"Contraseña\", \"token\": \"Token\"}",
        "apiKey: /^sk-[a-z0-9]{32}$/",
        "\"token\": \"[A-Za-z0-9]{40}\"",
        "url: \"http://x.test/${API_KEY:-default}\"",
        "PASSWORD=${DB_PASSWORD:-postgres}",
        "API_KEY=${API_KEY:-default}",
        "login({ user: 'bob', password: 'wrong' })",
        "password: 'incorrect-password'",
        "curl -u <user:password> https://x.test",
        "curl -u user:password https://x.test",
        "mysql -u root -p app",
        "mkdir -p a && docker run -p 80:80 login",
        "redis-cli -a $REDIS_PASSWORD ping",
        "echo $PW | sudo -S ls",
        "Pass --password to log in, or --token when there is one.",
        "  --token string   token of the user",
        "--password <PASSWORD>",
        "{\"max_tokens\": 10000, \"tokens\": 512345, \"token_count\": 10000}",
        "{\"tokens\": {\"input\": 12000, \"output\": 40000}}",
        "{\"token\": \"${TOKEN}\", \"secret\": null, \"password\": false, \"api_key\": \"\"}",
        "{\"properties\": {\"token\": {\"type\": \"string\", \"description\": \"of the user\"}}}",
        "{\"name\": \"password\", \"required\": true, \"in\": \"body\"}",
        "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      key: password\n",
        "<input name=\"password\" type=\"password\" value=\"\">",
        "variable \"db_password\" {\n  type = string\n}",
        "| Option | Token |\n|---|---|\n| a | what it is |\n",
        "token,kind\n",
        "from x import password, token\nfrom y import z, w\n",
        "description: |\n  secret words\npassword: |\n  The password of it.\n",
        "Authorization: Bearer $TOKEN",
        "Authorization: whether a user may do something",
        "kind: ConfigMap\ndata:\n  mode: fast\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Idempotency-Key: 4a18d42f-0706-4ad0-b127-24078731fbed",
        "s.replace(/x/, '$1$2$3')",
        "CREATE TABLE t (password text, token varchar(64))",
        "password: Optional[str] = None",
        "type Props = {\n  password: string\n  token: Token\n}",
        "const form = {\n  email: email,\n  password: hashed\n}",
        "the seed phrase has twelve words that nobody but you should ever see or know about it",
        "localhost:5432:ready for connections",
        "add_argument(\"--password\", \"-p\", help=\"the password\")",
        "t.set(\"password\", \"Passwort\")",
        "password is \"required\", token is \"optional\"",
        "const [token, setToken] = useState('')",
    ] {
        assert_eq!(redact(text), text);
    }
}
