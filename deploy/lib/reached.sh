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

# What others connect to by TCP: lines of HOST PORT.
open_ports() {
    front_ports
    say "$http_host $http_port"
    if [[ -n $private_janus && $janus_direct == 1 ]]; then
        say "$janus_host $janus_http_port"
        say "$janus_host $janus_ws_port"
    fi
}

# A listener at an IPv4 address is none for IPv6; one at :: is for both.
is_of() { # iptables or ip6tables, address
    if [[ $1 == iptables ]]; then [[ $2 != *:* || $2 == :: ]]; else [[ $2 == *:* ]]; fi && ! is_loopback "$2"
}

allow() { # iptables or ip6tables, udp or tcp, port or FIRST-LAST
    say "Firewall: $1 -A INPUT -p $2 --dport ${3/-/:} -j ACCEPT"
}

# What others have to get to. coturn can be told to which addresses it may relay, but not to which ports of them: the last line is
# for these.
firewall_of() { # iptables or ip6tables
    local range host port
    range=$(value LYNKS_RTP_PORT_RANGE)
    while read -r host port _; do
        if is_of "$1" "$host"; then allow "$1" tcp "$port"; fi
    done < <(open_ports)
    [[ -z $private_janus ]] || allow "$1" udp "$range"
    if [[ $turn_wanted == 1 ]]; then
        allow "$1" udp "$turn_port"
        allow "$1" tcp "$turn_port"
        [[ -z $private_janus ]] ||
            say "Firewall: $1 -A OUTPUT -p udp --sport ${turn_range/-/:} ! --dport ${range/-/:} -j DROP"
    fi
}

# By IPv6 too, where media has such an address.
firewall_lines() {
    firewall_of iptables
    if media_addresses | grep -q :; then firewall_of ip6tables; fi
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
