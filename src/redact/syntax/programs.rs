//! Programs that take a password, and the place of it among their arguments, from their manual
//! pages.

/// The place of a password among arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Takes {
    /// Right after the flag: `-pX`.
    Glued(&'static str),
    /// As the next argument: `-a X`.
    Next(&'static str),
    /// Either of the two.
    Either(&'static str),
    /// After a user's name and this byte, in an argument as `Either` has it: `-u user:X`.
    Pair(&'static str, u8),
    /// After a user's name and this byte, in an argument of its own: `user/X@db`.
    Account(u8),
    /// The last argument, if the first is a flag with this letter.
    LastWith(u8),
    /// The last argument.
    Last,
    /// The first argument that is no flag.
    First,
    /// The first argument that is no flag, if it looks random.
    Token,
    /// After a name and `=`, in an argument that begins so.
    Literal(&'static str),
    /// As the next argument of an unknown program that takes a user too. Words and ports do not
    /// count.
    WithUser(&'static str),
    /// After the address of a share: `net use z: \\\\host\\share X`.
    AfterShare,
    /// The argument of this number, from 0 on, that is no flag, if it has letters and digits.
    Nth(usize),
    /// After a user's name and this byte, in the first argument.
    FirstPair(u8),
    /// The same for an unknown program, for which a user and a group look alike.
    UserPair(u8),
    /// After a name and `=`, in each argument but the first.
    Fields,
    /// The second argument that is no flag of Windows: `net user bob X /add`.
    AfterUser,
}

/// A program, or one of its commands.
#[derive(Debug)]
pub(crate) struct Program {
    /// Names. The anchor begins after the bar, where three letters are rare elsewhere.
    pub(crate) names: &'static [&'static str],
    pub(crate) takes: &'static [Takes],
}

impl Program {
    /// Whether its passwords are known by the flags before them, in any order.
    pub(crate) fn takes_anywhere(&self) -> bool {
        self.takes
            .iter()
            .all(|it| matches!(it, Glued(_) | Next(_) | Either(_) | Pair(..)))
    }
}

use Takes::{
    Account, AfterShare, AfterUser, Either, Fields, First, FirstPair, Glued, Last, LastWith,
    Literal, Next, Nth, Pair, Token, UserPair, WithUser,
};

/// Facts from the programs' manual pages.
pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        names: &[
            "mysql ",
            "mysqldump ",
            "mysqladmin ",
            "mysqlimport ",
            "mysqlcheck ",
            "mysqlsh ",
            "mycli ",
            "ma|riadb ",
            "ma|riadb-dump ",
            "7z ",
            "7za ",
            "unrar ",
            "rar ",
        ],
        takes: &[Glued("-p"), Glued("-hp")],
    },
    Program {
        names: &["sshpass "],
        takes: &[Either("-p")],
    },
    Program {
        names: &["redi|s-cli ", "valke|y-cli "],
        takes: &[Next("-a"), Next("--pass")],
    },
    Program {
        names: &[
            "do|cker login ",
            "po|dman login ",
            "nerdctl login ",
            "buil|dah login ",
            "skopeo login ",
            "re|gistry login ",
            "oras login ",
            "az login ",
            "cf login ",
            "oc login ",
            "mo|ngo ",
            "mo|ngosh ",
            "mo|ngodump ",
            "mo|ngorestore ",
            "mo|ngoexport ",
            "mo|ngoimport ",
            "cqlsh ",
            "twine upload ",
            "use|radd ",
            "use|rmod ",
            "snowsql ",
            "rd|esktop ",
            "ipmitool ",
            "cypher-shell ",
            "rabbitmqadmin ",
            "conan remote login ",
            "conan user ",
            "tsql ",
            "security import ",
            "certutil ",
            "doveadm pw ",
        ],
        takes: &[Either("-p"), Next("--pass"), Next("-P")],
    },
    Program {
        names: &["cu|rl "],
        takes: &[
            Pair("-u", b':'),
            Pair("-U", b':'),
            Pair("--user", b':'),
            Pair("--proxy-user", b':'),
            Pair("-E", b':'),
            Pair("-b", b'='),
            Pair("--cookie", b'='),
            Next("--oauth2-bearer"),
            Next("--pass"),
        ],
    },
    Program {
        names: &[
            "ht|tp -a",
            "ht|tps -a",
            "xh -a",
            "ht|tp --auth ",
            "ht|tps --auth ",
            "ab -A ",
            "ab -P ",
        ],
        takes: &[Account(b':')],
    },
    Program {
        names: &[
            "mo|squitto_pub ",
            "mo|squitto_sub ",
            "sq|lcmd ",
            "bcp ",
            "isql ",
            "zip ",
        ],
        takes: &[Either("-P")],
    },
    Program {
        names: &[
            "ldapsearch ",
            "ldapadd ",
            "ldapmodify ",
            "ldapdelete ",
            "ldapwhoami ",
            "ldapcompare ",
            "ldapmodrdn ",
        ],
        takes: &[Either("-w")],
    },
    Program {
        names: &["ldappasswd "],
        takes: &[Either("-w"), Either("-s"), Either("-a")],
    },
    Program {
        names: &["security add-"],
        takes: &[Next("-w")],
    },
    Program {
        names: &["in|flux "],
        takes: &[Next("-password"), Next("-t")],
    },
    Program {
        names: &["ope|nssl ", "apksigner "],
        takes: &[Glued("pass:"), Next("-k"), Next("-K"), Next("-password")],
    },
    Program {
        names: &["smbclient ", "rpcclient ", "smbmap "],
        takes: &[Pair("-U", b'%')],
    },
    Program {
        names: &["etcdctl "],
        takes: &[Pair("--user", b':')],
    },
    Program {
        names: &["net user "],
        takes: &[AfterUser],
    },
    Program {
        names: &["lftp "],
        takes: &[Pair("-u", b',')],
    },
    Program {
        names: &["sq|lplus ", "im|pdp ", "ex|pdp ", "sq|lldr "],
        takes: &[Account(b'/')],
    },
    Program {
        names: &["htpasswd ", "mosquitto_passwd "],
        takes: &[LastWith(b'b')],
    },
    Program {
        names: &[
            "rabbitmqctl add_user ",
            "rabbitmqctl change_password ",
            "wpa_passphrase ",
            "user-secrets set ",
        ],
        takes: &[Last],
    },
    Program {
        names: &[
            "encry|pt_string ",
            "ConvertTo-|SecureString ",
            "rclone obscure ",
            "set-initial-password ",
            "nhrp authentication ",
            "snmp-server community ",
            "snmp community ",
            "roco|mmunity ",
            "rwco|mmunity ",
            "isakmp key ",
            "pre|-shared-key local ",
            "pre|-shared-key remote ",
            "bw unlock ",
        ],
        takes: &[First],
    },
    Program {
        names: &[
            "vault login ",
            "authtoken ",
            "snyk auth ",
            "ca|rgo login ",
            "pypi-token.pypi ",
            "github-|oauth.github.com ",
            "auth init -t ",
            "nomad login ",
            "co|nda token set ",
            "auth-type bearer -a ",
        ],
        takes: &[Token],
    },
    Program {
        names: &["snmpget ", "snmpwalk ", "snmpset "],
        takes: &[Next("-c"), Next("-A"), Next("-X")],
    },
    Program {
        names: &["snmp-server user ", "creat|eUser "],
        takes: &[
            WithUser("sha"),
            WithUser("md5"),
            WithUser("128"),
            WithUser("256"),
            WithUser("des"),
            WithUser("SHA"),
            WithUser("MD5"),
            WithUser("AES"),
            WithUser("DES"),
        ],
    },
    Program {
        names: &[
            "digest-key ",
            "authentication-key ",
            "radius-server ",
            "tacacs-server ",
            "server-p|rivate ",
            "pre|-shared-key address ",
        ],
        takes: &[WithUser("md5"), WithUser("sha1"), WithUser("key"), Nth(0)],
    },
    Program {
        names: &["com|2sec "],
        takes: &[Nth(2)],
    },
    Program {
        names: &["CONN|ECT "],
        takes: &[FirstPair(b'/')],
    },
    Program {
        names: &["ftp> user "],
        takes: &[Nth(1)],
    },
    Program {
        names: &["radtest "],
        takes: &[Nth(1), Nth(4)],
    },
    Program {
        names: &["isql ", "radclient "],
        takes: &[Nth(2)],
    },
    Program {
        names: &["smbclient ", "doveadm auth test "],
        takes: &[Nth(1), Nth(2)],
    },
    Program {
        names: &["qpdf --encrypt "],
        takes: &[First, Nth(1)],
    },
    Program {
        names: &["pdftk "],
        takes: &[Next("user_pw"), Next("owner_pw"), Next("input_pw")],
    },
    Program {
        names: &["wmic ", "psexec ", "sc|htasks ", "si|gntool ", "Psexec "],
        takes: &[
            Glued("/password:"),
            Next("/rp"),
            WithUser("/p"),
            WithUser("-p"),
        ],
    },
    Program {
        names: &["sen|demail ", "sen|dEmail "],
        takes: &[Next("-xp")],
    },
    Program {
        names: &["swaks "],
        takes: &[Next("-ap")],
    },
    Program {
        names: &["sto|mp "],
        takes: &[Next("-W")],
    },
    Program {
        names: &["osslsigncode "],
        takes: &[Next("-pass")],
    },
    Program {
        names: &["netsh "],
        takes: &[Glued("key="), Glued("keyMaterial=")],
    },
    Program {
        names: &["set|airportnetwork ", "dscl . -passwd "],
        takes: &[Last],
    },
    Program {
        names: &["kv put "],
        takes: &[Fields],
    },
    Program {
        names: &["-creds ", "-creds=", "--creds ", "--creds="],
        takes: &[FirstPair(b':')],
    },
    Program {
        names: &["secret set ", "pu|t-parameter "],
        takes: &[Either("-b"), Next("--body"), Next("--value")],
    },
    Program {
        names: &["nmcli "],
        takes: &[Next("password"), Next("wifi-sec.psk")],
    },
    Program {
        names: &["xfreerdp ", "cmdkey ", "mstsc "],
        takes: &[Glued("/p:"), Glued("/pass:")],
    },
    Program {
        names: &["secret generic "],
        takes: &[Literal("--from-literal=")],
    },
    Program {
        names: &["security unlock-", "supabase "],
        takes: &[Next("-p")],
    },
    Program {
        names: &["ssh-keygen "],
        takes: &[Next("-N"), Next("-P")],
    },
    Program {
        names: &["operator unseal "],
        takes: &[First],
    },
    Program {
        names: &["set-agent-token ", "config http-basic", "mc alias set "],
        takes: &[Last],
    },
    Program {
        names: &["bundle config "],
        takes: &[Account(b':')],
    },
    Program {
        names: &["rclone config "],
        takes: &[
            Next("key"),
            Next("pass"),
            Next("secret_access_key"),
            Glued("pass="),
        ],
    },
    Program {
        names: &["service install "],
        takes: &[Token],
    },
    Program {
        names: &["secret:create "],
        takes: &[Next("--value")],
    },
    Program {
        names: &[" -u ", " -U ", " --user ", " --username ", " --login "],
        takes: &[WithUser("-p"), UserPair(b':'), UserPair(b'%')],
    },
    Program {
        names: &["net use "],
        takes: &[AfterShare],
    },
];
