//! The corpus of contexts: settings, histories and messages.

use super::contexts::{assert_found, redact};

#[test]
fn keys_and_ids_of_services_are_found_by_the_name_of_the_service() {
    assert_found(&[
        "$ set -x MAILGUN_KEY ‹dashed›7",
        "export STRIPE_KEY='‹dashed›'",
        "DEEPL_AUTH=‹dashed›",
        "bitrise_pat: \"‹random›\"",
        "ADO_PAT=‹random›",
        "spotify_bearer := \"‹random›\"",
        "okta_client_id = \"‹random›\"",
        "\"datadogId\": \"‹random›\"",
        "hcp_client_id=‹random›",
        "api:\n  encryption:\n    key: \"‹base64›\"\n",
        "{\n  \"session\": {\n    \"key\": \"‹random›\"",
        "String datadog_: = \"‹random›\";",
    ]);
    for text in [
        "okta_client_id = var.okta_client_id",
        "okta_client_id: 4a18d42f-0706-4ad0-b127-24078731fbed",
        "stripe_customer_id = \"cus_NffrFeUfNV2Hib8Qz7xKq\"",
        "discord_channel_id = 987654321098765432",
        "sort:\n  key: created_at\n",
        "session:\n  key: user_id\n",
        "linear = nn.Linear(512, 1024, bias=False)",
    ] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn sentences_give_passwords_in_several_languages() {
    assert_found(&[
        "The password for the staging box is ‹mixed›, please use it",
        "my api key is ‹mixed›",
        "A temporary password is generated for root@localhost: ‹mixed›",
        "das Passwort lautet ‹mixed›",
        "Kennwort: ‹mixed›",
        "le mot de passe est ‹mixed›.",
        "mot de passe : ‹mixed›",
        "la contraseña es ‹mixed›",
        "senha: ‹mixed›",
        "login with admin / ‹mixed›",
        "log in as bob/‹mixed›",
        "Credentials: bob / ‹mixed›",
        "creds: bob:‹mixed›",
        "pw is ‹mixed› btw",
        "::add-mask::‹mixed›",
    ]);
    for text in [
        "the token is base64-encoded before it is sent",
        "the password is sha256-hashed",
        "login with Google / GitHub, or with email",
        "Log in as admin/editor to see the page",
        "credentials: user/password or token",
        "Passwort ist erforderlich",
        "le mot de passe est requis",
        "Contraseña: campo obligatorio",
    ] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn settings_of_servers_and_networks_are_read() {
    assert_found(&[
        "[mx.test]:587 bob@a.test:‹word›",
        "smtp_sasl_password_maps = static:bob:‹word›",
        "<auth-user-pass>\nbob\n‹word›\n</auth-user-pass>",
        "network={\n  ssid=\"home\"\n  psk=\"‹word› ‹word›\"\n}",
        "stats auth admin:‹word›",
        "enable secret 0 ‹mixed›\n",
        "username admin privilege 15 password 7 094F471A1A0A‹hex›",
        "pre-shared-key ascii-text \"‹mixed›\"",
        "bob : EAP \"‹mixed›\"",
        "[remote]\ntype = webdav\nuser = bob\npass = ‹word›\n",
        "Parameters:\n  DbPassword:\n    Type: String\n    Default: ‹word›\n",
        "  AdminPassword:\n    Default: \"‹dashed›\"\n    Type: String\n",
        "PASSWORD=${DB_PASSWORD:-‹mixed›}",
        "@Value(\"${db.password:‹mixed›}\")",
        "api_key: !!str ‹random›",
        "{\"\"password\"\": \"\"‹word›\"\"}",
        "mount -o username=bob,password=‹word› //a/b /m",
        "jdbc:oracle:thin:scott/‹word›@//db:1521/x",
    ]);
    for text in [
        "DB_PASSWORD=${DB_PASSWORD:-postgres}",
        "spring.datasource.password=${DB_PASSWORD:}",
        "${db.password:changeme}",
        "the password 7 characters long",
        "password: \"\", token: ''",
        "connect(username=user,password=password)",
        "  Password:\n    Type: String\n    NoEcho: true\n",
        "Set-Cookie: theme=dark; Path=/",
        "Cookie: cookie_consent=yes",
    ] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn more_calls_and_commands_are_read() {
    assert_found(&[
        "pymysql.connect(\"db\", \"root\", \"‹word›\", \"shop\")",
        "mysql_connect('db', 'root', '‹word›')",
        "pika.PlainCredentials(\"svc\", \"‹word›\")",
        "Credentials.basic(\"bob\", \"‹word›\")",
        "keyring.set_password(\"svc\", \"bob\", \"‹word›\")",
        "new Sequelize('db', 'bob', '‹word›', {})",
        "http.basic_auth 'bob', '‹word›'",
        "System.put_env(\"API_SECRET\", \"‹word›\")",
        "localStorage.setItem('token', '‹mixed›')",
        "(\"‹word›\" | ConvertTo-SecureString -AsPlainText -Force)",
        "def pw = \"‹word›\"",
        "etcdctl --user root:‹word› get /x",
        "conan remote login r bob -p ‹word›",
        "net user bob ‹mixed› /add",
        "net use z: \\\\a\\b /user:bob ‹word›",
        "rclone config create r sftp user=bob pass=‹word›",
        "kubeseal --raw <<< \"‹word›\"",
        "podman secret create x <(printf '‹word›')",
        "AUTH default ‹mixed›\n",
    ]);
    for text in [
        "mongosh -u admin -p --authenticationDatabase admin",
        "net user bob /delete",
        "net user /domain",
        "docker secret create x ./file.txt",
        "session.setItem('token', 'identifier')",
        "new Sequelize(config.database, config.username, config.password, config)",
    ] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn a_default_is_searched_on_its_own_line_only() {
    let far = format!("password:\n{:385}\n{:64}Default: x", "", "");
    for cut in 380..far.len() {
        assert_eq!(redact(&far[..cut]), far[..cut], "{cut}");
    }
}

#[test]
fn a_password_at_the_limit_of_a_command_is_replaced_as_a_whole() {
    for length in 980..1030 {
        let options = format!("mysql --opt={}", "o".repeat(length));
        let text = redact(&format!("{options} -phunter22xyz app"));
        let password = text.strip_prefix(&options).unwrap();
        // Beyond the limit of a command, it stays.
        let whole = password.starts_with(" -p[redacted:password:") && password.ends_with("] app");
        let found = !password.contains("hunter22xyz");
        assert!(whole || !found && length > 1000, "{password}");
    }
}

#[test]
fn a_password_is_found_behind_any_number_of_calls_without_one() {
    for (call, last) in [
        ("redis-cli -h b -a $A ", "redis-cli -h b -a hunter22xyz"),
        ("mysql -u b -p$A ", "mysql -u b -phunter22xyz"),
        ("mysql -u b x -p$A ", "mysql -u b x -phunter22xyz"),
    ] {
        for times in 0..70 {
            let text = redact(&format!("{}{last}", call.repeat(times)));
            assert!(!text.contains("hunter"), "{times}: {text}");
        }
    }
}
