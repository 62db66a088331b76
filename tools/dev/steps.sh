# Sourced by tools/run and tools/test: how a long step is shown, logged and refused.
#
# Everything here speaks on stderr, so that the output of the command itself stays clean. A step
# that takes less than two seconds says nothing unless `verbose` is set.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
jobs=$(nproc)
logs=$root/build/logs
verbose=${verbose:-}

# The build directory, or a sentence and 2 when it cannot be used.
prepare_logs() {
  if ! mkdir -p "$logs" 2>/dev/null || ! [[ -w $root/build && -w $logs ]]; then
    echo "millrace: cannot write to $root/build: run as its owner ($(stat -c %U "$root"/build \
      "$root" 2>/dev/null | head -n 1)), or remove it" >&2
    return 2
  fi
}

# One build at a time in this tree; the lock goes with the shell that holds it.
lock_build() {
  prepare_logs || return 2
  exec 9>"$root/build/.lock" || return 2
  if ! flock -n 9; then
    echo "millrace: waiting for another build of this tree" >&2
    flock 9
  fi
}

unlock_build() { exec 9>&-; }

# Reads the output of a step, keeps all of it in the log $2, and shows where it is now and then.
follow() {
  local name=$1 log=$2 line start=$SECONDS next=$((SECONDS + 2)) shown=
  while IFS= read -r line || [[ -n $line ]]; do
    printf '%s\n' "$line"
    if ((SECONDS >= next)); then
      [[ -n $shown ]] || printf 'millrace: %s ...\n' "$name" >&2
      shown=yes
      printf '  %4d s  %.90s\n' $((SECONDS - start)) "$line" >&2
      next=$((SECONDS + 10))
    fi
  done >"$log"
}

log_name() { tr -cs 'a-zA-Z0-9_\n-' '-' <<<"$1"; }

# step <name> <command...>: its output goes to build/logs/<name>.log; on failure the end of that is
# shown. Returns what the command returned.
step() {
  local name=$1 start=$SECONDS log status
  shift
  log=$logs/$(log_name "$name").log
  prepare_logs || return 2
  set +e
  "$@" 2>&1 9>&- </dev/null | follow "$name" "$log"
  status=${PIPESTATUS[0]}
  set -e
  if ((status != 0)); then
    printf 'millrace: %s FAILED after %d s; all of its output is in %s, this is what matters:\n' \
      "$name" $((SECONDS - start)) "${log#"$root/"}" >&2
    show_failure "$log" >&2
  elif [[ -n $verbose ]] || ((SECONDS - start >= 2)); then
    printf 'millrace: %-34s ok %5d s\n' "$name" $((SECONDS - start)) >&2
  fi
  return "$status"
}

# What a person needs of a failed log: no lines of tests that passed, no compiler command lines.
show_failure() {
  grep -vE '^ +Start +[0-9]+: |^ *[0-9]+/[0-9]+ Test .* Passed |^\[[0-9]+/[0-9]+\] ' "$1" | tail -n 200
}

# configured <preset>: is its build directory there, and made for this tree and no other?
configured() {
  [[ -f $root/build/$1/build.ninja ]] &&
    grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$root/build/$1/CMakeCache.txt" 2>/dev/null
}

# configure <preset> [-DOPTION=VALUE...]: once; ninja looks after later changes by itself. A build
# directory made for the command alone gets the rest when these options ask for it.
configure() {
  local preset=$1 wish cached
  shift
  if ! configured "$preset"; then
    (cd "$root" && cmake --fresh --preset "$preset" "$@")
    return
  fi
  cached=$(sed 's/:[A-Z]*=/=/' "$root/build/$preset/CMakeCache.txt")
  for wish in "$@"; do
    if ! grep -qxF "${wish#-D}" <<<"$cached"; then
      (cd "$root" && cmake --preset "$preset" "$@")
      return
    fi
  done
}
