# A stack of deploy/up for the tests of deploy/up itself: in a state folder and on ports of its own. Sourced, after
# support/tap.sh.

names="mysql janus authsvc roomsvc janusbridge gateway"

# The folder is open to the account that the private MariaDB runs as; with a blank, because users have those too.
work=$(mktemp -d "${TMPDIR:-/tmp}/lynks-deploy.XXXXXX")
chmod 711 "$work"

ports_are_free() {
    local port
    for port in "$@"; do port_is_free "$port" || return 1; done
}

# Of those that tests beside this one do not look at.
free_block() {
    local base
    for _ in {1..100}; do
        base=$((10000 + 400 * (RANDOM % 50) + 200 * (${TEST_SLOT:-0} % 2)))
        ports_are_free $((base + 1)) $((base + 2)) $((base + 3)) $((base + 11)) $((base + 12)) $((base + 13)) \
            $((base + 31)) $((base + 32)) $((base + 33)) $((base + 88)) $((base + 100)) $((base + 101)) \
            $((base + 102)) $((base + 103)) $((base + 21)) $((base + 22)) $((base + 23)) $((base + 121)) \
            $((base + 122)) $((base + 123)) $((base + 110)) $((base + 111)) $((base + 112)) $((base + 113)) &&
            echo "$base" && return
    done
    die "no free ports"
}

# use_stack NAME: from here on, deploy/... means this one.
use_stack() {
    extra=()
    state="$work/$1 state"
    [ -s "$work/$1.base" ] || free_block >"$work/$1.base"
    base=$(cat "$work/$1.base")
    http_port=$((base + 110)) janus_port=$((base + 111)) mysql_port=$((base + 113))
}

# deploy COMMAND...: with this stack's variables and those of the array extra; without the web client, unless that says so.
deploy() {
    local command=$1
    shift
    env LYNKS_STATE="$state" LYNKS_BASE_PORT="$base" LYNKS_HTTP_PORT="$http_port" LYNKS_MYSQL_PORT="$mysql_port" \
        LYNKS_JANUS_HTTP_PORT="$janus_port" LYNKS_JANUS_WS_PORT=$((base + 112)) LYNKS_WEB=0 "${extra[@]}" \
        "$root/deploy/$command" "$@"
}

pid_of() {
    cat "$state/run/$1.pid" 2>/dev/null
}

# By name. The folder /proc/PID belongs to root where a process is closed to others.
account_of() { # process id
    id -nu "$(awk '$1 == "Uid:" { print $2 }' "/proc/$1/status")"
}

all_pids() {
    local name
    for name in $names supervise; do pid_of "$name"; done
}

all_gone() {
    local pid
    for pid in "$@"; do is_gone "$pid" || return 1; done
}

is_well() {
    deploy status >/dev/null
}

# same A B: passes if they are equal, else shows both.
same() {
    [ "$1" = "$2" ] || { printf 'expected: %s\ngot:      %s\n' "$2" "$1"; return 1; }
}

holds() { # text, pattern
    [[ $1 == *"$2"* ]] || { printf 'no "%s" in:\n%s\n' "$2" "$1"; return 1; }
}

# fails_with PATTERN COMMAND...: the command fails and its one line of error holds the pattern.
fails_with() {
    local pattern=$1 errors
    shift
    if "$@" >"$work/out" 2>"$work/err"; then
        echo "succeeded: $*"
        return 1
    fi
    errors=$(<"$work/err")
    same "$(wc -l <"$work/err")" 1 || { echo "$errors"; return 1; }
    holds "$errors" "$pattern"
}

# The three lines that deploy/up printed, and their answers.
printed_example() {
    sed -n '/^TOKEN=/,/^$/p' "$1"
}

example_works() { # file with deploy/up's output
    same "$(printed_example "$1" | bash)" \
        $'{"action":"success","room_id":123456}\n{"action":"success","room_id":123456,"publishers":[]}'
}

# Every stack down, whatever a failed test left.
clean_up() {
    local file
    for file in "$work"/*.base "$work"/*/*.base; do
        [ -e "$file" ] || continue
        file=${file#"$work/"}
        use_stack "${file%.base}"
        deploy down >/dev/null 2>&1
    done
    rm -rf "$work"
}
trap clean_up EXIT
