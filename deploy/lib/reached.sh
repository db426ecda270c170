# At which addresses browsers reach this machine for media, and what a firewall has to let through.
# shellcheck shell=bash disable=SC2154

# Where Janus may be reached: as it gathers them itself.
media_addresses() {
    addresses_of "$(value LYNKS_ICE_INTERFACES)"
}

# The one that leads to others by IPv4, and by IPv6; or the first of each. No packet is sent for it.
guess_addresses() {
    local all
    all=$(media_addresses)
    { guess_one -4 203.0.113.1 || grep -v : <<<"$all"; } | head -n 1
    { guess_one -6 2001:db8::1 || grep : <<<"$all"; } | head -n 1
}

guess_one() { # -4 or -6, an address of nobody
    local from
    from=$(ip "$1" -o route get "$2" 2>/dev/null | sed -n 's/.* src \([^ ]*\).*/\1/p')
    [[ -n $from ]] && grep -qxF "$from" < <(media_addresses) && say "$from"
}

public_addresses() {
    local given
    given=$(value LYNKS_PUBLIC_IP)
    if [[ -n $given ]]; then tr , '\n' <<<"$given"; else guess_addresses; fi | grep . || true
}

is_loopback() { # address
    [[ $1 == 127.* || $1 == ::1 ]]
}

allow() { # udp or tcp, port or FIRST-LAST
    say "Firewall: iptables -A INPUT -p $1 --dport ${2/-/:} -j ACCEPT"
}

# What others have to get to, as rules of iptables; with IPv6 ip6tables wants the same. coturn can be told to which
# addresses it may relay, but not to which ports of them: the last line is for these.
firewall_lines() {
    local range host port
    range=$(value LYNKS_RTP_PORT_RANGE)
    while read -r host port _; do
        is_loopback "$host" || allow tcp "$port"
    done < <(front_ports && say "$http_host $http_port")
    [[ -z $private_janus ]] || allow udp "$range"
    if [[ $turn_wanted == 1 ]]; then
        allow udp "$turn_port"
        allow tcp "$turn_port"
        [[ -z $private_janus ]] ||
            say "Firewall: iptables -A OUTPUT -p udp --sport ${turn_range/-/:} ! --dport ${range/-/:} -j DROP"
    fi
}

# Nothing where only this machine itself is served.
media_lines() {
    local addresses
    [[ $turn_wanted == 1 || $(decide_by_reach auto) == 0 ]] || return 0
    addresses=$(public_addresses | paste -sd ' ')
    if [[ -n $(value LYNKS_PUBLIC_IP) ]]; then
        say "Media: browsers reach it at $addresses (LYNKS_PUBLIC_IP)."
    elif [[ -n $private_janus ]]; then
        say "Media: browsers reach it at ${addresses:-no address} (guessed; behind NAT set LYNKS_PUBLIC_IP)."
    fi
    firewall_lines
}
