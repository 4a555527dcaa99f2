#!/bin/sh
# Installs posthog-llma @VERSION@ for the current user, without root.
#
#   POSTHOG_LLMA_INSTALL_DIR   folder for the program; ~/.local/bin unless set
#   POSTHOG_LLMA_DOWNLOADS     address of a mirror of the release's files
#
# The archive is used only if it has the checksum that stands in this script. Everything is in
# functions and the last line calls them: a download that breaks off runs nothing.
set -eu

version=@VERSION@
downloads=${POSTHOG_LLMA_DOWNLOADS:-@DOWNLOADS@}

checksum_of() {
  case $1 in
    @CHECKSUMS@
    *) return 1 ;;
  esac
}

fail() {
  echo "error: $*" >&2
  exit 1
}

platform() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-amd64) echo linux-x86_64 ;;
    Linux-aarch64 | Linux-arm64) echo linux-aarch64 ;;
    Darwin-arm64) echo macos-aarch64 ;;
    Darwin-x86_64) echo macos-x86_64 ;;
    *) fail "there is no posthog-llma for $(uname -s) $(uname -m); on Windows use npm, PyPI or Scoop" ;;
  esac
}

download() {
  if command -v curl > /dev/null; then
    curl --fail --silent --show-error --location --output "$2" "$1"
  elif command -v wget > /dev/null; then
    wget -q -O "$2" "$1"
  else
    fail "neither curl nor wget is installed; install one of them, then run this again"
  fi
}

checksum() {
  if command -v sha256sum > /dev/null; then
    sha256sum "$1"
  elif command -v shasum > /dev/null; then
    shasum -a 256 "$1"
  elif command -v openssl > /dev/null; then
    openssl dgst -sha256 -r "$1"
  else
    fail "no sha256sum, shasum or openssl is installed: the download cannot be verified"
  fi
}

install_program() {
  platform=$(platform)
  name=posthog-llma-$version-$platform
  expected=$(checksum_of "$name.tar.gz") || fail "version $version was not released for $platform"
  folder=${POSTHOG_LLMA_INSTALL_DIR:-${HOME:?}/.local/bin}

  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM
  download "$downloads/$name.tar.gz" "$work/archive" || fail "$downloads/$name.tar.gz could not be downloaded"
  actual=$(checksum "$work/archive") || exit 1
  actual=${actual%% *}
  [ "$actual" = "$expected" ] ||
    fail "$downloads/$name.tar.gz has the checksum $actual instead of $expected: nothing was installed"
  gzip -dc "$work/archive" | tar -xf - -C "$work"
  "$work/$name/posthog-llma" --version > /dev/null ||
    fail "the program for $platform does not run on this machine: nothing was installed"

  mkdir -p "$folder"
  # Put in place by a rename: a program that runs now, and hooks that start now, see one or the other.
  cp "$work/$name/posthog-llma" "$folder/.posthog-llma.$$"
  chmod 755 "$folder/.posthog-llma.$$"
  mv -f "$folder/.posthog-llma.$$" "$folder/posthog-llma"
  echo "installed posthog-llma $version as $folder/posthog-llma (checksum verified)"
  case :$PATH: in
    *":$folder:"*) echo "next: posthog-llma setup" ;;
    *)
      echo "$folder is not on PATH; next: $folder/posthog-llma setup"
      ;;
  esac
  echo "to uninstall: posthog-llma setup --remove --purge, then rm $folder/posthog-llma"
}

install_program
