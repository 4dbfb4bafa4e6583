#!/usr/bin/env bash
# venv.sh: the folder .venv of this checkout, with the project and one of its locks installed.
#
#   venv.sh run     what the programs need (requirements.lock)
#   venv.sh dev     that and what the checks and tests need (requirements-dev.lock)
#
# Does nothing when that is there. One folder for both: the second lock holds the first.
# Takes PYTHON (python3), and where packages come from out of pip's own settings.
#
# Exit status: 0 there, 2 this machine lacks something (the message says what), 1 anything else.
set -euo pipefail

readonly PYTHON=${PYTHON:-python3}
readonly VENV=.venv

lacking() {
  echo "venv.sh: $*" >&2
  exit 2
}

say() {
  echo "set-up: $*" >&2
}

check_python() {
  command -v "$PYTHON" >/dev/null \
    || lacking "$PYTHON is missing: install Python 3.11 or later (Debian: apt-get install python3 python3-venv)," \
      "or name one: make PYTHON=python3.12"
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || lacking "$PYTHON is $("$PYTHON" --version 2>&1), but 3.11 or later is needed; name another: make PYTHON=python3.12"
}

has_ensurepip() {
  "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null
}

# Debian and Ubuntu ship Python without what makes virtual environments.
add_ensurepip() {
  local package path said
  package=$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  path=$(command -v "$PYTHON")
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null && [ "${path#/usr/bin/}" != "$path" ]; then
    say "installing the system package $package"
    export DEBIAN_FRONTEND=noninteractive
    # The lists of a fresh container are empty, those of an old machine stale: read them when the first try fails.
    said=$(apt-get -qq install -y --no-install-recommends "$package" 2>&1) \
      || said=$({ apt-get -qq update && apt-get -qq install -y --no-install-recommends "$package"; } 2>&1) \
      || echo "$said" >&2
  fi
  has_ensurepip \
    || lacking "$PYTHON cannot make virtual environments (no ensurepip); on Debian and Ubuntu: apt-get install $package"
}

# Sound: it was made here (scripts carry the full path, so a moved checkout's are dead) and has pip.
is_sound() {
  grep -q -s -F "$PWD/$VENV" "$VENV/bin/activate" && "$VENV/bin/python" -c "import pip" 2>/dev/null
}

make_venv() {
  check_python
  has_ensurepip || add_ensurepip
  say "making $VENV with $("$PYTHON" --version 2>&1)"
  "$PYTHON" -m venv --clear "$VENV"
}

# Doubly quiet: errors only. Byte code is made at first use, of what is used.
pip_install() {
  "$VENV/bin/python" -m pip install -q -q --disable-pip-version-check --no-input --no-user --no-compile "$@" \
    || { echo "venv.sh: pip failed; check the network and pip's settings (pip config list), then run this again" >&2; exit 1; }
}

# A mark's name holds the checksum of what it stands for.
mark() {
  echo "$VENV/.$1-$(cksum <"$2" | tr ' ' '-')"
}

install_lock() {
  local kind=$1 lock=$2
  say "installing $(grep -c '^[a-z]' "$lock") packages of $lock"
  # What was there before counts no longer: the locks share packages.
  rm -f "$VENV"/.run-* "$VENV"/.dev-*
  pip_install --require-hashes -r "$lock"
  # The dev lock serves the programs when each of their pins stands in it.
  if [ "$kind" = dev ] && ! grep -q -v -x -F -f requirements-dev.lock requirements.lock; then
    : >"$(mark run requirements.lock)"
  fi
  : >"$(mark "$kind" "$lock")"
}

install_project() {
  say "installing the command poniente"
  rm -f "$VENV"/.project-*
  pip_install --no-build-isolation --no-deps -e .
  : >"$(mark project pyproject.toml)"
}

main() {
  local kind=$1 lock=$2
  cd "$(dirname "$0")/../.."
  is_sound || make_venv
  [ -e "$(mark "$kind" "$lock")" ] || install_lock "$kind" "$lock"
  [ -e "$(mark project pyproject.toml)" ] || install_project
}

case ${1:-} in
  run) main run requirements.lock ;;
  dev) main dev requirements-dev.lock ;;
  *)
    echo "usage: venv.sh run|dev" >&2
    exit 2
    ;;
esac
