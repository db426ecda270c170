# What the shell scripts of the tests share. Sourced, not run; bash.
#
# Everything temporary goes under TMPDIR: tests/run gives each run its own, and recognises by it what a
# test left behind.

# Upper and lower case, order and ranges of letters as they are in C, whatever language the machine speaks.
export LC_ALL=C
unset CDPATH # with it cd may go elsewhere, and prints where

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# What may be kept between runs because it only saves time.
cache="$root/build/test-cache"

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails when the time is over, four times as long for
# the sake of busy machines. For what tells nobody that it is ready.
wait_for() {
    local end=$((${EPOCHREALTIME/./} + 4 * $1 * 1000000))
    shift
    until "$@"; do
        [ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
        sleep 0.02
    done
}

port_is_free() {
    # Both ends of a connection count: a port below the ephemeral range that is in TIME_WAIT can be bound.
    [ -z "$(ss -Hltn "sport = :$1")" ]
}

# A free TCP port below the range that the kernel draws from for outgoing connections.
free_port() {
    local port
    for _ in {1..200}; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        port_is_free "$port" && echo "$port" && return
    done
    die "no free port"
}

random_hex() {
    od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'
}

is_alive() {
    # A zombie still has a process id, but nothing runs any more.
    local state
    state=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -c1)
    [ -n "$state" ] && [ "$state" != Z ]
}

is_gone() {
    ! is_alive "$1"
}

# stop_pid PID SECONDS: asks, waits, then kills.
stop_pid() {
    kill -TERM "$1" 2>/dev/null || return 0
    kill -CONT "$1" 2>/dev/null
    wait_for "$2" is_gone "$1" || { kill -KILL "$1" 2>/dev/null && wait_for 5 is_gone "$1"; }
}
