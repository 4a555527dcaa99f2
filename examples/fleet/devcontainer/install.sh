#!/bin/sh
# Installs posthog-llma for every user of a container, and lets Claude Code's hooks run it. Run as
# root with APIKEY and HOST, which the feature's options become.
#
#   APIKEY                     the key of the PostHog project, phc_…
#   HOST                       us, eu, or the address of your own PostHog; us unless set
#   POSTHOG_LLMA_INSTALL_DIR   folder for the program; /usr/local/bin unless set
#   POSTHOG_LLMA_INSTALLER     address of another installer script: a mirror, or one version
#
# A file of managed settings that is no JSON stops Claude Code for every user. So each value that
# becomes a part of it is checked before anything is written, and a rename puts it in place.
set -eu
# Every user reads the settings and runs the program, whatever the umask of root is.
umask 022
# Ranges of letters are those of ASCII.
export LC_ALL=C

fail() {
  echo "error: $*; nothing was changed" >&2
  exit 1
}

# A text without the white space around it: a secret from a file ends with a line end.
trimmed() {
  text=${1#"${1%%[![:space:]]*}"}
  printf '%s\n' "${text%"${text##*[![:space:]]}"}"
}

# As `posthog-llma setup` checks a new key.
key=$(trimmed "${APIKEY:-}")
case $key in
  "") fail "the option apiKey (APIKEY) is empty: set it to the key of your PostHog project, phc_…" ;;
  phx_*) fail "the option apiKey (APIKEY) is a personal API key, phx_…: set it to the key of your PostHog project, phc_…" ;;
  phc_*[!0-9A-Za-z]*) drawn="" ;;
  *) drawn=${key#phc_} ;;
esac
if [ "$drawn" = "$key" ] || [ ${#drawn} -lt 40 ] || [ ${#drawn} -gt 60 ]; then
  fail "the option apiKey (APIKEY) is no project API key, phc_ and about 43 letters and digits: copy it again from the settings of your PostHog project"
fi

host=$(trimmed "${HOST:-}")
case $host in
  "" | us | US) host=https://us.i.posthog.com ;;
  eu | EU) host=https://eu.i.posthog.com ;;
  *[!]0-9A-Za-z.:/_~%[-]*) host="" ;;
  https://?* | http://localhost* | http://127.* | http://\[::1\]*) ;;
  *://*) host="" ;;
  *.*) host=https://$host ;;
  *) host="" ;;
esac
[ -n "$host" ] ||
  fail "the option host (HOST) is neither us nor eu nor an address such as https://posthog.example.com"

bin=${POSTHOG_LLMA_INSTALL_DIR:-/usr/local/bin}
case $bin in
  *\"* | *\\* | *[[:cntrl:]]*) fail "POSTHOG_LLMA_INSTALL_DIR has a character that hooks cannot name: choose another folder" ;;
  /*) ;;
  *) fail "POSTHOG_LLMA_INSTALL_DIR is $bin: name the folder from / on" ;;
esac

installer=${POSTHOG_LLMA_INSTALLER:-https://github.com/posthog-llma/posthog-llma/releases/latest/download/install.sh}
settings=/etc/claude-code/managed-settings.d
# Claude Code passes over files whose names begin with a dot.
new=$settings/.posthog-llma.$$
script=$(mktemp)
trap 'rm -f "$script" "$new"' EXIT
trap 'exit 1' HUP INT TERM
curl -fsSL --output "$script" "$installer"
POSTHOG_LLMA_INSTALL_DIR=$bin sh "$script"

mkdir -p "$settings"
# The Claude Code of every user reads below these folders, which another umask may have closed.
chmod a+rx "${settings%/*}" "$settings"
cat > "$new" << JSON
{
  "hooks": {
    "SessionStart": [
      { "hooks": [{ "type": "command", "command": "$bin/posthog-llma", "args": ["hook"], "timeout": 5 }] }
    ],
    "SessionEnd": [
      { "hooks": [{ "type": "command", "command": "$bin/posthog-llma", "args": ["hook"] }] }
    ]
  },
  "env": {
    "POSTHOG_API_KEY": "$key",
    "POSTHOG_HOST": "$host",
    "POSTHOG_LLMA_CC_ENABLED": "true"
  }
}
JSON
mv -f "$new" "$settings/posthog-llma.json"
echo "Claude Code sends its sessions to $host, by $settings/posthog-llma.json"
