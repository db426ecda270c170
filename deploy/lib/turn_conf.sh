# What coturn is told (turnserver.conf). Used by deploy/up and in the container of coturn.
# shellcheck shell=bash

turn_sessions_of_one=40       # allocations: a browser makes one for each URL, network and connection, and again after a crash
turn_bytes_per_second=6000000 # of an allocation, each way: forty people, not all of them large

turn_is_secret() { # VALUE: coturn takes a line
    [[ $1 =~ ^[[:graph:]]{16,256}$ ]]
}

# In containers: the proxy speaks for it, too, unless it is on the host's network (LYNKS_TURN_NETWORK).
turn_is_by_https() {
    [[ -n ${LYNKS_DOMAIN-} && ${LYNKS_TLS:-auto} != off && ${LYNKS_TURN:-1} != 0 && ${LYNKS_TURN_NETWORK-} != host ]]
}

# Over TLS, where HTTPS is (deploy/front/haproxy.cfg): networks that let nothing else out take it for that.
turn_url_of() { # URL that people open
    local place=${1#https://}
    place=${place%%/*}
    [[ $place =~ :[0-9]+$ ]] || place+=:443
    printf 'turns:%s?transport=tcp' "$place"
}

# Relaying takes a port of these for each allocation.
check_turn_range() { # VALUE
    [[ $1 =~ ^([1-9][0-9]{3,4})-([1-9][0-9]{3,4})$ ]] &&
        ((BASH_REMATCH[1] >= 1024 && BASH_REMATCH[2] <= 65535 && BASH_REMATCH[2] - BASH_REMATCH[1] >= 9)) ||
        refuse "LYNKS_TURN_PORT_RANGE must be two ports from 1024 to 65535, ten or more in all, like 30000-32767, not '$1'"
}

# It relays to these addresses, where Janus is, and to nothing else: what is allowed goes before what is denied.
turn_conf() { # PORT RANGE SECRET PEER...
    local port=$1 range=$2 secret=$3 peer
    shift 3
    cat <<END
listening-port=$port
min-port=${range%-*}
max-port=${range#*-}
use-auth-secret
static-auth-secret=$secret
realm=lynks
fingerprint
denied-peer-ip=0.0.0.0-255.255.255.255
denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
END
    for peer in "$@"; do printf 'allowed-peer-ip=%s\n' "$peer"; done
    cat <<END
no-multicast-peers
no-tcp-relay
no-cli
no-tls
no-dtls
no-software-attribute
no-rfc5780
no-stun-backward-compatibility
response-origin-only-with-rfc5780
user-quota=$turn_sessions_of_one
total-quota=$((${range#*-} - ${range%-*} + 1))
max-bps=$turn_bytes_per_second
stale-nonce=600
END
}
