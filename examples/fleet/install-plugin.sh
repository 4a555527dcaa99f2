#!/bin/sh
# Puts the plugin of Claude Code into /opt/posthog-llma/plugin, for every user of this machine. Run it
# as root, from device management, with the package that you downloaded and verified:
#
#   install-plugin.sh posthog-llma-claude-code-1.2.3.tgz
#
#   POSTHOG_LLMA_PLUGIN_FOLDER   another folder for the plugin
set -eu
# Every user reads the plugin, whatever the umask of root is.
umask 022

fail() {
  echo "error: $*" >&2
  exit 1
}

[ $# = 1 ] || fail "usage: install-plugin.sh PACKAGE"
target=${POSTHOG_LLMA_PLUGIN_FOLDER:-/opt/posthog-llma/plugin}
target=${target%/}
parent=${target%/*}
case $target in
  /?*) ;;
  *) fail "POSTHOG_LLMA_PLUGIN_FOLDER is $target: name the folder from / on" ;;
esac

mkdir -p "${parent:-/}"
new=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM
{ gzip -dc "$1" > "$new/package.tar" && tar -xof "$new/package.tar" -C "$new"; } ||
  fail "$1 cannot be unpacked: download it again; $target is as it was"
[ -f "$new/package/.claude-plugin/plugin.json" ] ||
  fail "$1 is not the plugin of Claude Code: take posthog-llma-claude-code-VERSION.tgz; $target is as it was"
chmod -R u=rwX,go=rX "$new/package"

# Replaced by two renames. A hook that starts between them finds no program; the next session sends
# what it left.
if [ -e "$target" ] || [ -L "$target" ]; then mv "$target" "$new/earlier"; fi
mv "$new/package" "$target"

# Another umask may have closed the folder that is ours alone.
case $parent in */posthog-llma) chmod a+rx "$parent" ;; esac
folder=$parent
while [ -n "$folder" ]; do
  case $(ls -ld "$folder") in
    ?????????[xt]*) ;;
    *) echo "warning: other users cannot read below $folder: chmod a+x it, or choose another folder" >&2 ;;
  esac
  folder=${folder%/*}
done
echo "installed $1 in $target"
