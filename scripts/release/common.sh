# Functions that the shell scripts beside this file share.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=posthog-llma
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)

fail() { echo "error: $*" >&2; exit 1; }

# The name of a target's machines, in archives and in the plugin's launcher.
platform_of() {
  case $1 in
    x86_64-unknown-linux-*) echo linux-x86_64 ;;
    aarch64-unknown-linux-*) echo linux-aarch64 ;;
    x86_64-apple-darwin) echo macos-x86_64 ;;
    aarch64-apple-darwin) echo macos-aarch64 ;;
    x86_64-pc-windows-*) echo windows-x86_64 ;;
    *) fail "no platform is known for the target $1" ;;
  esac
}

binary_of() {
  case $1 in
    windows-*) echo "$name.exe" ;;
    *) echo "$name" ;;
  esac
}
