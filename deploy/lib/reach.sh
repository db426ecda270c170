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
    reach "$janus_url_host" "$janus_url_port" "Janus (LYNKS_JANUS_URL)"
    progress janus "found at $janus_url_host:$janus_url_port"
}
