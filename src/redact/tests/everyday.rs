//! The corpus of contexts: files and histories of everyday work.

use serde_json::json;

use super::contexts::{assert_found, redact};
use super::{Counts, RedactionKey, Redactor};

#[test]
fn settings_of_many_notations_are_read() {
    assert_found(&[
        "[pypi]\nusername = bob\npassword = ‹word›\n",
        "[remote]\ntype = s3\n# mine\nsecret_access_key = ‹dashed›\n",
        "admin_user = bob\nadmin_password = ‹mixed›\n",
        "     1\tspring:\n     2\t  password: ‹word›\n     3\t  port: 80\n",
        "    12→machine x.test\n    13→  login bob\n    14→  password ‹word›\n",
        "{\"stdout\":\"password: ‹word›\\nuser: bob\\n\"}",
        "{\"stdout\":\"a: b\\npassword: ‹word›\"}",
        "dn: cn=bob\nuserPassword:: ‹base64›\n",
        "export DB_PASSWORD=\"‹word› ‹word›\"",
        "variables:\n  DB_PASSWORD:\n    value: \"‹word›\"\n",
        "env:\n  - value: ‹word›\n    name: API_KEY\n",
        "args:\n  - --admin-password\n  - ‹word›\n",
        "Login:\n- user: bob\n- pass: ‹word›\n",
        "recovery phrase:\n‹words›\n",
        "token: |-\n    ‹dashed›\n    ‹dashed›\n",
        "SetEnv DB_PASSWORD ‹word›\n",
        "fastcgi_param DB_PASSWORD \"‹word›\";",
        "proxy_set_header X-Api-Key ‹random›;",
        "MASTERAUTH ‹dashed›",
        "<Password><Value>‹word›</Value></Password>",
        "Data Source=db;User ID=sa;Password=‹word›</connectionString>",
        "https://maps.test/geocode?address=x&key=‹random›",
        "{\"name\": \"sid\", \"value\": \"‹random›\", \"httpOnly\": true}",
        "| API_KEY | ‹random› |\n",
        "│ JWT_SECRET  │ ‹random›  │\n",
        "Unseal Key 1: ‹random›\n",
        "user bob on >‹mixed› ~* +@all",
        "DSN := \"bob:‹mixed›@tcp(db:3306)/x\"",
        "The root password is ‹mixed› until tomorrow",
        "password for staging: ‹mixed›\n",
        "password:   ]kJ8[+‹mixed›\n",
    ]);
}

#[test]
fn calls_and_defaults_of_programming_languages_are_read() {
    assert_found(&[
        "DriverManager.getConnection(url, \"root\", \"‹word›\");",
        "new PDO('mysql:host=db;dbname=x', 'bob', '‹word›');",
        "mysqli_connect(\"localhost\", \"root\", \"‹word›\", \"shop\");",
        "new NetworkCredential(\"bob\", \"‹word›\")",
        "exec sp_addlogin 'bob', '‹word›'",
        "WiFi.begin(\"Home\", \"‹word›\");",
        "jwt.sign({ id: 1 }, \"‹dashed›\");",
        ".bearer_auth(\"‹random›\")",
        "hmac.New(sha256.New, []byte(\"‹dashed›\"))",
        "btoa('bob:‹word›')",
        "std::string secret{\"‹dashed›\"};",
        "{password, \"‹word›\"}.",
        "{default_pass, <<\"‹word›\">>}",
        "password = (\n    \"‹word›\"\n)",
        "PRIVATE_KEY = \"\"\"\n‹dashed›\n\"\"\"",
        "env.get(\"DB_PASSWORD\")).orElse(\"‹word›\");",
        "env::var(\"DB_PASSWORD\").unwrap_or(\"‹word›\".into());",
        "env::var(\"DB_PASSWORD\").unwrap_or_else(|_| \"‹word›\".to_string());",
        "password: str = Field(default=\"‹word›\")",
        "auth: { user: 'bob', pass: '‹word›' }",
        "session.auth = ('bob', '‹word›')",
        "'auth' => ['bob', '‹word›'],",
        "getByLabel('Password').fill('‹word›');",
        "find_element(By.ID, \"password\").send_keys(\"‹word›\")",
        "expect \"password:\"; send \"‹word›\\r\"",
        "SET PASSWORD FOR bob = PASSWORD('‹word›');",
        "INSERT INTO users (name, password) VALUES ('bob', '‹word›');",
        "insert into t (id, `password`)\nvalues\n (1, '‹word›'),\n (2, '‹mixed›');",
        "req.Header.Set(\"X-Api-Key\", \"‹random›\")",
    ]);
}

#[test]
fn more_command_lines_are_read() {
    assert_found(&[
        "mongo -u root --password ‹word›.Rose7 admin",
        "http POST a.test name=bob password=‹word›",
        "terraform plan -var 'api_secret=‹dashed›'",
        "unrar x -p‹word› a.rar",
        "ssh-keygen -t ed25519 -N '‹dashed›' -f id",
        "vercel env add JWT_SECRET production <<< \"‹dashed›\"",
        "dotnet user-secrets set \"Jwt:Key\" \"‹dashed›\"",
        "netlify env:set API_SECRET ‹word›",
        "any-tool -u bob -p ‹mixed› list",
        "net use Z: \\\\srv\\share ‹mixed› /user:bob",
        "hex user auth --key ‹hex›",
        "subprocess.run([\"mysql\", \"-u\", \"root\", \"-p‹word›\"])",
        "subprocess.run(['curl', '-u', 'bob:‹word›', url])",
        "vault operator unseal ‹random›",
    ]);
}

#[test]
fn cookies_of_browsers_are_read_in_structured_data() {
    let mut value = json!({"name": "sid", "value": "swordfish", "httpOnly": true});
    Redactor::new(RedactionKey::new([7; 32])).value(&mut value, &mut Counts::default());
    assert!(!value.to_string().contains("swordfish"), "{value}");
}

#[test]
fn similar_text_without_a_secret_stays() {
    for text in [
        // A text that ends right after a property.
        "string Password { get; set; }",
        "\"apiKeySource\":\"ANTHROPIC_API_KEY\",\"version_name\":\"2.1.19\"",
        "they pass `lint`, and `A_B=0` too",
        "**All checks pass:** `lint`",
        "\"username=bob\\npassword=stale\\n\"",
        "look for \"auth\", \"error handling\", \"logging\"",
        "\"@x/password-input\": \"1.33.1\"",
        "\"cookie\": [\"cookie@1.1.1\"]",
        "password: user.password,\nsecret=self.secret",
        "'password' => 'required|string|min:8',",
        "user = current_user\npassword = candidate\n",
        "('OAUTH2_CLIENT_SECRET', 'oauth2ClientSecret'),",
        "journalctl -u nginx -p err",
        "docker compose -p shop exec -u node web sh",
        "psql -U bob -p 5433 app",
        "the password is required and was changed",
        "const { password, token } = req.body",
        "INSERT INTO users (name, password) VALUES ($1, $2)",
        "| api_key | string | none |",
        "getConnection(url, user, System.getenv(\"DB_PASSWORD\"))",
        "password :: String",
    ] {
        assert_eq!(redact(text), text);
    }
}
