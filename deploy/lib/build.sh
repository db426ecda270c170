# Builds release, and says nothing unless it fails.
# shellcheck shell=bash disable=SC2154

build_dir=$root/build/release
build_targets="lynks-gateway lynks-authsvc lynks-hash lynks-roomsvc lynks-janusbridge lynks-migrate lynks-keygen lynks-supervise lynks-admin"

end_group() { # its leader, a child of this shell
    kill -TERM -- "-$1" 2>/dev/null || :
    wait "$1" 2>/dev/null || :
    kill -KILL -- "-$1" 2>/dev/null || : # what outlives it, like the server that makes the database
}

# Runs in the background, in a process group of its own, so that a signal ends all of it at once and this script too.
quietly() { # log file, command
    local file=$1 job code=0
    shift
    set -m
    "$@" >>"$file" 2>&1 </dev/null 9>&- &
    job=$!
    set +m
    trap 'end_group "$job"; exit 130' INT TERM HUP
    wait "$job" || code=$?
    trap - INT TERM HUP
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
    quietly "$build_log" configure || build_failed "$build_log"
    # shellcheck disable=SC2086
    quietly "$build_log" ninja -C "$build_dir" $build_targets || build_failed "$build_log"
    progress build "ready ($((SECONDS - began)) s)"
}
