#!/bin/sh
# Puts the plugin of Claude Code into /opt/posthog-llma/plugin, for every user of this machine. Run it
# as root, from device management, with the package that you downloaded and verified:
#
#   install-plugin.sh posthog-llma-claude-code-1.2.3.tgz
set -eu
[ $# = 1 ] || { echo "usage: install-plugin.sh PACKAGE" >&2; exit 1; }

target=${POSTHOG_LLMA_PLUGIN_FOLDER:-/opt/posthog-llma/plugin}
mkdir -p "$target"
# Replaced by two renames. A hook that starts between them finds no program; the next session sends
# what it left.
new=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$new"' EXIT
gzip -dc "$1" | tar -xf - -C "$new"
chmod 755 "$new/package"
mv "$target" "$new/earlier"
mv "$new/package" "$target"
echo "installed $1 in $target"
