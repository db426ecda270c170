# The ports of a stack: in what scheme, and whether they can be had.
# shellcheck shell=bash disable=SC2154

# Of a service, by its number in the port scheme and its replica's. The ops ports of the first and second replica are
# where the bus ports of the sixth and seventh would be: from the sixth on these are 10 further.
bus_port() { # number, replica
    printf '%s' $((base_port + $1 + 20 * ($2 - 1) + ($2 > 5 ? 10 : 0)))
}

# Where a service publishes events, by its number. From the sixth replica on in the gaps between the others' ports.
events_port() { # number, replica
    printf '%s' $((base_port + 10 + $1 + 20 * ($2 - 1) + ($2 > 5 ? 5 : 0)))
}

ops_port() { # number, replica
    printf '%s' $((base_port + 100 + $1 + 20 * ($2 - 1)))
}

ports_wanted() { # lines of HOST PORT VARIABLE
    local ops_host=${LYNKS_OPS_HOST:-127.0.0.1} number replica
    say "$http_host $http_port LYNKS_HTTP_PORT"
    front_ports
    [[ -z $private_mysql ]] || say "127.0.0.1 $mysql_port LYNKS_MYSQL_PORT"
    if [[ -n $private_janus && $janus_direct != 0 ]]; then
        say "$janus_host $janus_http_port LYNKS_JANUS_HTTP_PORT"
        say "$janus_host $janus_ws_port LYNKS_JANUS_WS_PORT"
    fi
    [[ -z $private_janus ]] || say "127.0.0.1 $((base_port + 88)) LYNKS_BASE_PORT"
    [[ $turn_wanted != 1 ]] || say "0.0.0.0 $turn_port LYNKS_TURN_PORT"
    say "$ops_host $(ops_port 0 1) LYNKS_BASE_PORT"
    for ((replica = 1; replica <= replicas; replica++)); do
        for number in 1 2 3; do
            say "127.0.0.1 $(bus_port $number $replica) LYNKS_BASE_PORT"
            say "127.0.0.1 $(events_port $number $replica) LYNKS_BASE_PORT"
            say "$ops_host $(ops_port $number $replica) LYNKS_BASE_PORT"
        done
    done
}

# "; by NAME[PID]" of whoever listens on a TCP port; nothing if that cannot be known.
port_owner() { # port
    local inode found
    inode=$(awk -v port="$(printf ':%04X' "$1")" 'index($2, port) && $4 == "0A" { print $10; exit }' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null) || true
    found=$(find /proc/[0-9]*/fd -lname "socket:\[${inode:-none}\]" -print -quit 2>/dev/null) || true
    found=${found#/proc/} found=${found%%/*}
    [[ -z $found ]] || printf '; by %s[%s]' "$(cat "/proc/$found/comm" 2>/dev/null)" "$found"
}

# Before anything is installed or built. The supervisor binds them in the end, and says the same if one was taken since.
check_ports() {
    local host port variable
    local -A wanted=()
    while read -r host port variable; do
        [[ -z ${wanted[$host $port]:-} ]] || refuse "port $port is wanted twice ($variable is one of the two)"
        wanted[$host $port]=1
        ! timeout 2 bash -c 'exec 3<>"/dev/tcp/$1/$2"' - "$host" "$port" 2>/dev/null ||
            die "port $port is taken ($variable)$(port_owner "$port")"
    done < <(ports_wanted)
}
