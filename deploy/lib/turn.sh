# TURN: coturn, started beside the rest (LYNKS_TURN), or a server of others (LYNKS_TURN_URLS).
# shellcheck shell=bash disable=SC2154

. "$root/deploy/lib/turn_conf.sh"

read_turn_options() {
    local secret first last
    turn_wanted=$(value LYNKS_TURN)
    [[ $turn_wanted =~ ^([01]|auto)$ ]] || refuse "LYNKS_TURN must be 0, 1 or auto, not '$turn_wanted'"
    if [[ $turn_wanted == auto ]]; then
        [[ -n $domain && $tls_kind != none && -z $(value LYNKS_TURN_URLS) ]] && turn_wanted=1 || turn_wanted=0
    fi
    [[ $turn_wanted == 1 ]] || return 0
    turn_port=$(value LYNKS_TURN_PORT) turn_range=$(value LYNKS_TURN_PORT_RANGE) secret=$(value LYNKS_TURN_SECRET)
    need_port LYNKS_TURN_PORT "$turn_port"
    check_turn_range "$turn_range"
    first=${turn_range%-*} last=${turn_range#*-}
    if [[ -n $private_janus ]]; then
        set -- "$(value LYNKS_RTP_PORT_RANGE)"
        ((last < ${1%-*} || first > ${1#*-})) ||
            refuse "LYNKS_TURN_PORT_RANGE and LYNKS_RTP_PORT_RANGE have ports in common"
    fi
    ((turn_port < first || turn_port > last)) || refuse "LYNKS_TURN_PORT is in LYNKS_TURN_PORT_RANGE"
    [[ -z $secret ]] || turn_is_secret "$secret" ||
        refuse "LYNKS_TURN_SECRET must be 16 to 256 visible characters without blanks"
}

# Where Janus is, for coturn: never loopback, whatever it is told by others.
turn_peers() {
    local host=${janus_url_host:-} found=
    if [[ -z $private_janus ]]; then
        found=$(getent ahosts "$host" | awk '{ print $1 }' | grep -vE '^(127\.|::1$)' | sort -u) || true
    fi
    printf '%s\n' "${found:-$(media_addresses)}" | grep . || true
}

prepare_turn() {
    local -a peers
    [[ $turn_wanted == 1 ]] || return 0
    mapfile -t peers < <(turn_peers)
    ((${#peers[@]})) || die "LYNKS_TURN: this machine has no address but loopback, and Janus takes none of those"
    secret turn-secret "$(value LYNKS_TURN_SECRET)"
    private_begin turn turn
    (umask 077 && turn_conf "$turn_port" "$turn_range" "$(<"$state/secrets/turn-secret")" "${peers[@]}" >"$private/turnserver.conf")
    private_end
}

# Where browsers reach this machine: by the name that its certificate is for, unless addresses were given.
turn_hosts() {
    if [[ -n $domain && $tls_kind != none && -z $(value LYNKS_PUBLIC_IP) ]]; then say "$domain"; else public_addresses; fi
}

# The gateway takes eight of them.
turn_urls() {
    local host list=
    if [[ -n $(value LYNKS_TURN_URLS) || $turn_wanted != 1 ]]; then
        value LYNKS_TURN_URLS
        return
    fi
    while read -r host; do
        [[ $host != *:* ]] || host="[$host]"
        list+=",turn:$host:$turn_port?transport=udp,turn:$host:$turn_port?transport=tcp"
    done < <(turn_hosts | head -n 3)
    [[ $tls_kind == none ]] || list+=",$(turn_url_of "$LYNKS_PUBLIC_URL")"
    printf '%s' "${list#,}"
}

# Where the front finds it: not at loopback, since coturn sends to Janus from the address that it was reached at.
turn_behind_front() {
    local address
    address=$(guess_addresses | head -n 1)
    [[ $address != *:* ]] || address="[$address]"
    printf '%s' "$address:$turn_port"
}

# What the gateway makes credentials of.
put_turn() {
    local urls secret
    urls=$(turn_urls)
    if [[ -n $urls ]]; then put env LYNKS_TURN_URLS "$urls"; fi
    if [[ $turn_wanted == 1 ]]; then
        secret=$(<"$state/secrets/turn-secret")
    else
        secret=$(value LYNKS_TURN_SECRET)
    fi
    if [[ -n $secret ]]; then put_text_file LYNKS_TURN_SECRET "$secret"; fi
}

# What it writes goes into its own folder; it would keep a log of its own elsewhere otherwise.
table_turn() {
    local option
    put process turn
    put dir "$state/private/turn"
    if [[ -n $accounts ]]; then put user "$(account_of turn)"; fi
    put arg "$(PATH=$PATH:/usr/sbin:/sbin command -v turnserver)"
    for option in -c turnserver.conf --log-file=stdout --simple-log --pidfile=turn.pid --userdb=:memory:; do
        put arg "$option"
    done
    put port 0.0.0.0 "$turn_port" LYNKS_TURN_PORT
    put ready tcp 127.0.0.1 "$turn_port"
    put shows "on port $turn_port (UDP and TCP)"
    put flag together
    put ms stop_within_ms 2000
}
