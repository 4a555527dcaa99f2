//! The corpus of contexts: labels that are not before their value, such as a field with its kind, a
//! name behind it, a command above it.

use serde_json::json;

use super::contexts::{assert_found, redact};
use super::{Counts, RedactionKey, Redactor};

#[test]
fn fields_that_say_of_what_kind_a_value_is_are_read() {
    assert_found(&[
        "{\"type\":\"password\",\"value\":\"‹word›\"}",
        "{\"value\":\"‹word›\",\"type\":\"password\"}",
        "{\"kind\": \"secret\", \"key\": \"X\", \"value\": \"‹word›\"}",
        "{\"kind\": \"token\", \"value\": \"‹mixed›\"}",
        "{\"id\":\"password\",\"value\":\"‹word›\"}",
        "{\"label\":\"API Key\",\"text\":\"‹dashed›\"}",
        "{\"fieldType\":\"password\",\"fieldValue\":\"‹word›\"}",
        "{\"type\":\"CONCEALED\",\"label\":\"pw\",\"value\":\"‹word›\"}",
        "{\"Type\":\"SecureString\",\"Name\":\"/x/y\",\"Value\":\"‹word›\"}",
        "  type  = \"SecureString\"\n  value = \"‹word›\"",
        "{\"sensitive\": true, \"type\": \"string\", \"value\": \"‹word›\"}",
        "<input value=\"‹word›\" type=\"password\" />",
        "type: password\nvalue: ‹mixed›",
        "  \"value\": \"‹word›\",\n  \"name\": \"db-password\"",
    ]);
    let redactor = Redactor::new(RedactionKey::new([7; 32]));
    for (mut value, goes) in [
        (json!({"type": "password", "value": "swordfish"}), true),
        (json!({"Type": "SecureString", "Value": "swordfish"}), true),
        (json!({"sensitive": true, "value": "swordfish"}), true),
        (json!({"sensitive": false, "value": "swordfish"}), false),
        (json!({"type": "token", "value": "swordfish"}), false),
        (json!({"type": "text", "value": "swordfish"}), false),
    ] {
        redactor.value(&mut value, &mut Counts::default());
        assert_ne!(value.to_string().contains("swordfish"), goes, "{value}");
    }
    for text in [
        "{\"type\":\"password\",\"label\":\"Password\",\"placeholder\":\"Enter password\"}",
        "{\"type\": \"token\", \"value\": \"identifier\"}",
        "{\"type\":\"Identifier\",\"kind\":\"token\",\"value\":\"foo\"}",
        "{\"type\":\"text\",\"name\":\"q\",\"value\":\"blue shoes\"}",
        "<input type=\"password\" value={password} onChange={onChange} />",
        "<input type=\"password\" value=\"\" required>",
        "{\"id\":\"password\",\"type\":\"password\",\"required\":true}",
        "{\"type\": \"string\", \"format\": \"password\", \"value\": null}",
        "type: password\nlabel: Password\nrequired: true",
        "{\"kind\":\"secret\",\"name\":\"db-creds-2\"}",
        "{\"secret\": true, \"required\": false}",
        "<key>      API key (defaults to env)\n  --prompt <text>  (default: coding assistant)",
    ] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn names_behind_a_value_and_more_calls_are_read() {
    assert_found(&[
        "keychain.set(\"‹word›\", forKey: \"password\")",
        "UserDefaults.standard.set(\"‹mixed›\", forKey: \"apiToken\")",
        "[defaults setObject:@\"‹word›\" forKey:@\"password\"];",
        "editor.putString(\"auth_token\", \"‹mixed›\").apply();",
        "await SecureStore.setItemAsync('password', '‹word›');",
        "await storage.write(key: 'password', value: '‹word›');",
        "map.put(\"password\", \"‹word›\");",
        "flag.StringVar(&token, \"token\", \"‹mixed›\", \"of the user\")",
        "page.fill('input[name=password]', '‹word›')",
        "$(\"#password\").val(\"‹word›\")",
        "document.querySelector('#password').value = '‹word›'",
        "await user.type(screen.getByLabelText(/password/i), '‹word›')",
        "fill_in 'Password', with: '‹word›'",
        "fireEvent.change(passwordInput, { target: { value: '‹word›' } })",
        "client.connect(\"device\", \"bob\", \"‹word›\")",
        "SELECT pgp_sym_encrypt('x', '‹word›')",
        "EXEC sp_addlinkedsrvlogin 's', 'false', NULL, 'bob', '‹word›'",
        "app.use(cookieParser('‹word›'))",
        "User.objects.create_superuser('bob', 'a@b.test', '‹word›')",
        "getPassword() => \"‹word›\"",
        "SET PASSWORD FOR 'bob'@'%' = '‹word›';",
        "(connect {:user \"bob\" :password \"‹word›\"})",
        "configuration[\"Jwt:Key\"] = \"‹dashed›\";",
    ]);
    for text in [
        "keychain.set(value, forKey: \"password\")",
        "UserDefaults.standard.set(true, forKey: \"hasToken\")",
        "defaults.removeObject(forKey: \"password\")",
        "editor.putString(\"user_id\", \"u-1234\")",
        "cache.set(\"session:42\", \"active-2\")",
        "page.fill('input[name=password]', process.env.PW)",
        "await user.type(screen.getByLabelText(/password/i), password)",
        "fill_in 'Password', with: user.password",
        "client.connect(\"tcp://h:1883\", \"client1\", opts)",
        "AES_ENCRYPT(data, @key)",
        "cookieParser(process.env.COOKIE_SECRET)",
        "create_user(name, email, password)",
        "GetPassword() => _password",
    ] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn commands_and_what_they_print_are_read() {
    assert_found(&[
        "acme auth token ‹mixed›",
        "mytool config set token ‹mixed›",
        "secret ‹mixed›",
        "vault kv put secret/x key=‹mixed›",
        "etcdctl put /app/jwt_secret ‹word›",
        "skopeo copy --dest-creds bob:‹word› a b",
        "any-tool --user bob:‹mixed› list",
        "net rpc join -U bob%‹mixed›",
        "curl -H 'apikey: ‹word›' x",
        "curl -H \"token: ‹mixed›\" x",
        "curl --data-urlencode 'token=‹mixed›' a.test",
        "{{host}}/x?token=‹mixed›",
        "@token = ‹mixed›",
        "terraform apply -var=\"admin_password=‹mixed›\"",
        "helm upgrade a b --set db.password=‹word›,replicas=2",
        "wmic /node:x /user:bob /password:‹word› os get",
        "schtasks /create /ru bob /rp ‹word› /tn x",
        "signtool sign /f x.pfx /p ‹mixed› a.exe",
        "reg add HKCU\\x /v Password /t REG_SZ /d ‹mixed› /f",
        "netsh wlan set hostednetwork key=‹word›",
        "vncpasswd -f <<< ‹word›",
        "mosquitto_passwd -b f bob ‹word›",
        "API_TOKEN=‹word›",
        "JWT_SECRET=‹word›.‹word›",
        "ENV PASS ‹mixed›",
        "$ printenv API_SECRET\n‹dashed›",
        "$ terraform output -raw db_password\n‹mixed›",
        "$ vault kv get -field=password secret/x\n‹mixed›",
        "$ pass show db\n‹word›",
        "Key         Value\n---         -----\npassword    ‹word›",
        "id|user|token\n1|bob|‹random›",
        "Please use the following password to proceed:\n\n‹random›\n",
        "user=bob pass=‹mixed›",
        "token is ‹mixed›",
        "use password ‹mixed› for the staging box",
        "your password has been reset to ‹mixed›",
        "test account: a@b.test / ‹mixed›",
        "db:\n  user: bob\n  password: Tangerine\n  secret: ‹mixed›",
    ]);
}

#[test]
fn commands_without_a_secret_stay() {
    for text in [
        "kubectl delete secret db-creds-2",
        "kubectl get secret app-tls-v2 -n prod",
        "$ kubectl get secret db-1\nNAME   TYPE   DATA",
        "fix: rotate token PROJ-1234",
        "See token AUTH-77 for details",
        "docker run -u node:node app1",
        "docker run --user 1000:1000 image-2",
        "TIMESTAMP=\"$(date -u +%H:%M:%S.%6NZ)\"",
        "rsync -e 'ssh -p 2200' a1 b1",
        "vault kv put secret/db password=$DB_PASSWORD",
        "reg add HKCU\\x /v Theme /t REG_SZ /d dark /f",
        "netsh wlan show profile name=home key=clear",
        "signtool verify /pa app.exe",
        "the password is argon2id-hashed",
        "password is sha512crypt",
        "the API key is read from env2",
        "Password:\n\n  Must have 8 characters",
        "tests pass: 12, fail: 1",
        "rename token to auth-token-2",
        "changed the password to be optional",
        "AUTH_TOKEN=none",
        "NEXT_TOKEN=abcdefgh",
        "BASIC_AUTH=enabled",
        "-H 'token: {{token}}'",
        "type Kind = 'id'|'token'|'key'",
        "user: User\npassword: Password",
        "  password: Hashed",
        "class Login(BaseModel):\n    username: str\n    password: SecretStr",
    ] {
        assert_eq!(redact(text), text);
    }
}
