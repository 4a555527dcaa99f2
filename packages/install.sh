#!/bin/sh
# Installs posthog-llma @VERSION@ for the current user, without root.
#
#   POSTHOG_LLMA_INSTALL_DIR   folder for the program; ~/.local/bin unless set
#   POSTHOG_LLMA_DOWNLOADS     address of a mirror of the release's files
#
# The archive is used only if it has the checksum that stands in this script. Everything is between
# two braces, which a shell reads to the end first: a download that breaks off runs nothing.
{
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

# A path as a word of a line for a shell.
word() {
  case $1 in
    *[!0-9A-Za-z/._-]*) printf '%s\n' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/" ;;
    *) echo "$1" ;;
  esac
}

main() {
  platform=$(platform)
  name=posthog-llma-$version-$platform
  expected=$(checksum_of "$name.tar.gz") || fail "version $version was not released for $platform"
  folder=${POSTHOG_LLMA_INSTALL_DIR:-${HOME:?}/.local/bin}
  # No shell expands the ~ of a value in quotes.
  case $folder in
    \~/*) folder=${HOME:?}/${folder#??} ;;
    \~*) fail "POSTHOG_LLMA_INSTALL_DIR is $folder: name the folder from / or ~/ on" ;;
  esac
  [ ! -d "$folder/posthog-llma" ] ||
    fail "$folder/posthog-llma is a folder: move it away, or set POSTHOG_LLMA_INSTALL_DIR to another folder"
  for tool in gzip tar; do
    command -v $tool > /dev/null || fail "$tool is not installed; install it, then run this again"
  done

  new=""
  work=$(mktemp -d)
  trap 'rm -rf "$work" "$new"' EXIT
  trap 'exit 1' HUP INT TERM
  download "$downloads/$name.tar.gz" "$work/archive" || fail "$downloads/$name.tar.gz could not be downloaded"
  actual=$(checksum "$work/archive") || exit 1
  actual=${actual%% *}
  [ "$actual" = "$expected" ] ||
    fail "$downloads/$name.tar.gz has the checksum $actual instead of $expected: nothing was installed"
  gzip -dc "$work/archive" | tar -xf - -C "$work" ||
    fail "the archive could not be unpacked in $work: nothing was installed"

  mkdir -p -- "$folder" ||
    fail "$folder could not be made: set POSTHOG_LLMA_INSTALL_DIR to another folder"
  folder=$(CDPATH='' cd -- "$folder" && pwd)
  # Put in place by a rename: a program that runs now, and hooks that start now, see one or the other.
  # It is tried there, since a folder for temporary files may not let programs run.
  new=$folder/.posthog-llma.$$
  { cp "$work/$name/posthog-llma" "$new" && chmod 755 "$new"; } ||
    fail "the program could not be written into $folder: nothing was installed"
  "$new" --version > /dev/null ||
    fail "the program for $platform does not run in $folder: nothing was installed"
  mv -f "$new" "$folder/posthog-llma"

  echo "installed posthog-llma $version as $folder/posthog-llma (checksum verified)"
  program=$(word "$folder/posthog-llma")
  command=$program
  case :$PATH: in
    *":$folder:"* | *":$folder/:"*) command=posthog-llma ;;
    *) echo "$folder is not on PATH" ;;
  esac
  echo "next: $command setup"
  echo "to uninstall: $command setup --remove --purge && rm $program"
}

main
}
