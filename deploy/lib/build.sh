# Builds release, and says nothing unless it fails.
# shellcheck shell=bash disable=SC2154

build_dir=$root/build/release
build_targets="lynks-gateway lynks-authsvc lynks-hash lynks-roomsvc lynks-janusbridge lynks-migrate lynks-keygen lynks-supervise lynks-admin"

# For who was interrupted: all that quietly has at work.
end_groups() {
    local leader
    for leader in $(jobs -p); do
        kill -TERM -- "-$leader" 2>/dev/null || :
        wait "$leader" 2>/dev/null || :
        kill -KILL -- "-$leader" 2>/dev/null || : # what outlives it, like the server that makes the database
    done
}

# Runs in the background, in a process group of its own, so that a signal to this script is heard at once; its trap
# (end_groups) ends all of it.
quietly() { # log file, command
    local file=$1 code=0
    shift
    set -m
    "$@" >>"$file" 2>&1 </dev/null 9>&- &
    set +m
    wait "$!" || code=$?
    return "$code"
}

build_failed() {
    tail -n 20 "$1" >&2
    die "the build failed; see $1"
}

configure() {
    # A tree that was copied or moved: CMake refuses a build folder that was made elsewhere.
    local made_for
    made_for=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build_dir/CMakeCache.txt" 2>/dev/null || true)
    [[ -z $made_for || $made_for == "$root" ]] || rm -rf "$build_dir"
    [[ -e $build_dir/build.ninja ]] || (cd "$root" && cmake --preset release)
}

build() {
    local build_log=$log/build.log began=$SECONDS
    if [[ -n ${LYNKS_BUILD:-} ]]; then
        bin=$(realpath -m -- "$LYNKS_BUILD")/bin
        [[ -x $bin/lynks-supervise ]] || die "LYNKS_BUILD: there is no build in $LYNKS_BUILD"
        return
    fi
    bin=$build_dir/bin
    mkdir -p "$root/build" 2>/dev/null && [[ -w $root/build && (! -e $build_dir || -w $build_dir) ]] ||
        die "cannot write $build_dir (made by another user?)"
    [[ -x $bin/lynks-gateway ]] || progress build "compiling (a minute or two)"
    : >"$build_log"
    # What one that was killed has left at work holds it, too.
    exec 7>"$build_dir.lock"
    flock -w 1800 7 || die "another run is still compiling in $build_dir"
    quietly "$build_log" configure || build_failed "$build_log"
    # shellcheck disable=SC2086
    quietly "$build_log" ninja -C "$build_dir" $build_targets || build_failed "$build_log"
    exec 7>&-
    progress build "ready ($((SECONDS - began)) s)"
}
