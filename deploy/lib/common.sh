# Shared by deploy/up, down, status and restart: where things are, how to speak, the lock.
# shellcheck shell=bash

set -euo pipefail
umask 022
# Without a trap bash goes on if what it waits for ends by itself in the moment of a Ctrl-C.
trap 'exit 130' INT
# Upper and lower case, order and ranges of letters differ from language to language: in Turkish the capital of i is no I.
export LC_ALL=C
unset CDPATH # with it cd may go elsewhere, and prints where

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# What deploy/install has installed is called as "lynks status" and so on.
tools=deploy/ state=$root/.lynks
if [[ -e $root/.release ]]; then tools='lynks ' state=/var/lib/lynks; fi
me=$tools$(basename "$0")

say() { printf '%s\n' "$*"; }
progress() { printf '  %-13s %s\n' "$1" "$2"; }
die() {
    printf '%s: %s\n' "$me" "$*" >&2
    exit 1
}

refuse() { # what is wrong with the configuration: without a change it will not work the next time either
    printf '%s: %s\n' "$me" "$*" >&2
    exit 2
}

# The folder that holds all of one stack: data, keys, logs, process ids.
state=${LYNKS_STATE:-$state}
[[ $state == *$'\n'* ]] && refuse "LYNKS_STATE has a line break"
state=$(realpath -m -- "$state")
run=$state/run
log=$state/log

# A folder of somebody else could lead us anywhere with a link, and what we left in it would not be his.
check_owner() {
    local owner
    [[ ! -e $state || -O $state ]] && return
    owner=$(stat -c %U -- "$state")
    die "the state folder $state belongs to $owner: run this as $owner, or set LYNKS_STATE to another folder"
}

# Held by deploy/up and then by its supervisor for as long as it lives; the kernel lets go of it when they end, so it
# says for sure whether a stack runs, whatever process ids have been used again. Descriptor 9, in whoever takes it.
take_lock() { # [seconds to wait]
    exec 9>"$run/lock"
    flock -w "${1:-0}" 9
}

# Its processes are units of systemd (deploy/install).
is_installed() {
    [[ -e $state/installed ]]
}

is_running() {
    if is_installed; then
        systemctl --quiet is-active lynks.target
        return
    fi
    [[ -e $run/lock ]] && ! flock -n "$run/lock" true
}
