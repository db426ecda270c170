# What Janus is told of addresses, ports and interfaces. It takes whatever it is given and says nothing, so it is looked
# at before. Used by deploy/up and in the container of Janus; whoever sources it has refuse().
# shellcheck shell=bash

is_ipv4() {
    local part
    local -a parts
    [[ $1 =~ ^[0-9]{1,3}(\.[0-9]{1,3}){3}$ ]] || return 1
    IFS=. read -ra parts <<<"$1"
    for part in "${parts[@]}"; do ((10#$part <= 255)) || return 1; done
}

# Eight groups of up to four digits; in one place "::" stands for one group or more.
is_ipv6() {
    local group='[0-9A-Fa-f]{1,4}' some
    # shellcheck disable=SC2206
    local -a groups=(${1//:/ })
    some="($group(:$group)*)?"
    [[ $1 =~ ^$group(:$group){7}$ ]] || { [[ $1 =~ ^$some::$some$ ]] && ((${#groups[@]} <= 7)); }
}

is_address() {
    is_ipv4 "$1" || is_ipv6 "$1"
}

# Each peer connection takes a port, and two people in a room have four.
check_rtp_range() { # VALUE
    [[ $1 =~ ^([1-9][0-9]{3,4})-([1-9][0-9]{3,4})$ ]] &&
        ((BASH_REMATCH[1] >= 1024 && BASH_REMATCH[2] <= 65535 && BASH_REMATCH[2] - BASH_REMATCH[1] >= 9)) ||
        refuse "LYNKS_RTP_PORT_RANGE must be two ports from 1024 to 65535, ten or more in all, like 20000-29999, not '$1'"
}

check_public_ip() { # VALUE: addresses separated by commas, or empty
    local address
    local -a addresses
    IFS=, read -ra addresses <<<"${1:+$1,}" # read leaves out one comma at the end
    for address in "${addresses[@]}"; do
        [[ $address != 0.0.0.0 && $address != :: ]] && is_address "$address" ||
            refuse "LYNKS_PUBLIC_IP must be an IP address, like 203.0.113.7, not '$address'"
    done
}

# Those that lead to others, by IPv4 and by IPv6, separated by commas; none where nothing does.
default_interfaces() {
    {
        awk '$2 == "00000000" && $8 == "00000000" { print $1 }' /proc/net/route
        awk '$1 ~ /^0+$/ && $2 == "00" && $10 != "lo" { print $10 }' /proc/net/ipv6_route 2>/dev/null
    } | sort -u | paste -sd , || true
}

# Of interfaces, or of an address itself, separated by commas; empty: all that this machine has but loopback.
addresses_of() { # LIST
    local wanted=,$1, name address
    ip -o address show scope global up 2>/dev/null | while read -r _ name _ address _; do
        address=${address%/*}
        [[ $wanted == ,, || $wanted == *",$name,"* || $wanted == *",$address,"* ]] && printf '%s\n' "$address"
    done || true
}

is_own_interface() { # its name, or an IPv4 address of this machine
    [[ -n $1 && $1 != */* && $1 != . && $1 != .. && -e /sys/class/net/$1 ]] ||
        { is_ipv4 "$1" && grep -qsE "\|-- ${1//./\\.}\$" /proc/net/fib_trie; }
}

check_interfaces() { # VALUE: separated by commas, or empty
    local name
    local -a names
    IFS=, read -ra names <<<"${1:+$1,}"
    for name in "${names[@]}"; do
        is_own_interface "$name" ||
            refuse "LYNKS_ICE_INTERFACES: there is no interface '$name' (there are: $(cd /sys/class/net && echo *))"
    done
}
