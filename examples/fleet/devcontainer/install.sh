#!/bin/sh
# Installs posthog-llma for every user of a container, and lets Claude Code's hooks run it. Run as
# root with APIKEY and HOST, which the feature's options become.
#
#   POSTHOG_LLMA_INSTALLER   address of another installer script: a mirror, or one version
set -eu

: "${APIKEY:?set the option apiKey to the key of your PostHog project}"
host=${HOST:-https://us.i.posthog.com}
installer=${POSTHOG_LLMA_INSTALLER:-https://github.com/posthog-llma/posthog-llma/releases/latest/download/install.sh}
bin=${POSTHOG_LLMA_INSTALL_DIR:-/usr/local/bin}

script=$(mktemp)
trap 'rm -f "$script"' EXIT
curl -fsSL --output "$script" "$installer"
POSTHOG_LLMA_INSTALL_DIR=$bin sh "$script"

settings=/etc/claude-code/managed-settings.d
mkdir -p "$settings"
cat > "$settings/posthog-llma.json" << JSON
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
    "POSTHOG_API_KEY": "$APIKEY",
    "POSTHOG_HOST": "$host",
    "POSTHOG_LLMA_CC_ENABLED": "true"
  }
}
JSON
echo "Claude Code sends its sessions to $host, by $settings/posthog-llma.json"
