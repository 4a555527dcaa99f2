# What the scripts beside this file share.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=posthog-llma
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)

fail() { echo "error: $*" >&2; exit 1; }

# The folder that the plugin's launcher looks in on the machines that a target is for.
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

# macOS has shasum only.
checksum() {
  if command -v sha256sum > /dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi
}

# Packs a folder so that the same content gives the same bytes, and writes its checksum beside it.
pack() {
  local folder=$1 archive=$2
  touch_all "$folder"
  case $archive in
    *.zip) (cd "$(dirname "$folder")" && 7z a -bso0 "$OLDPWD/$archive" "$(basename "$folder")") ;;
    *)
      (cd "$(dirname "$folder")" && find "$(basename "$folder")" -print | LC_ALL=C sort) > "$archive.list"
      tar_with_one_owner -C "$(dirname "$folder")" --no-recursion -T "$archive.list" -cf - | gzip -9n > "$archive"
      rm "$archive.list"
      ;;
  esac
  (cd "$(dirname "$archive")" && checksum "$(basename "$archive")" > "$(basename "$archive").sha256")
}

# To the time of the last commit, which says more than that of the build.
touch_all() {
  local when
  when=$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y%m%d%H%M.%S)
  find "$1" -exec env TZ=UTC touch -t "$when" {} +
}

tar_with_one_owner() {
  if tar --version | grep -q GNU; then
    tar --owner=0 --group=0 --numeric-owner --format=ustar "$@"
  else
    tar --uid 0 --gid 0 --format ustar "$@"
  fi
}
