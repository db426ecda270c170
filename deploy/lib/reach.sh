# A MySQL or Janus of the user's own: there before anything is started?
# shellcheck shell=bash disable=SC2154

reach_within_s=10

# reach HOST PORT WHAT: tries for a while, since it may be starting at this moment too.
reach() {
    local end=$((SECONDS + reach_within_s))
    until timeout 2 bash -c 'exec 3<>"/dev/tcp/$1/$2"' - "$1" "$2" 2>/dev/null; do
        ((SECONDS < end)) || die "$3 cannot be reached at $1 port $2 (tried for $reach_within_s s)"
        sleep 0.2
    done
}

reach_mysql() {
    reach "$LYNKS_MYSQL_HOST" "$mysql_port" "MySQL (LYNKS_MYSQL_HOST)"
    progress mysql "found at $LYNKS_MYSQL_HOST:$mysql_port"
}

reach_janus() {
    local host port
    [[ $LYNKS_JANUS_URL =~ ^(https?)://(\[[0-9A-Fa-f:.]+\]|[^/:@]+)(:([0-9]+))?(/.*)?$ ]] ||
        die "LYNKS_JANUS_URL must be like http://127.0.0.1:8088/janus, not '$LYNKS_JANUS_URL'"
    host=${BASH_REMATCH[2]//[\[\]]/} port=${BASH_REMATCH[4]}
    [[ -n $port ]] || { [[ ${BASH_REMATCH[1]} == https ]] && port=443 || port=80; }
    reach "$host" "$port" "Janus (LYNKS_JANUS_URL)"
    progress janus "found at $host:$port"
}
