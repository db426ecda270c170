# What is around the machine (machine.sh): a network with a name server, an authority that gives certificates by ACME (Debian's
# pebble), and a computer of people, which trusts that authority and knows the machine's name. Sourced after machine.sh, whose wire
# leads here; needs root. It has to be ended (internet_end) by whoever began it.
# shellcheck shell=bash disable=SC2154

machine_name=meet.example.test
authority_name=authority.example.test
acme_url=https://$authority_name:14000/dir

internet= # its folder
way_out=  # the process of slirp4netns

# All of it runs in a network of its own, which is there for as long as the name server is.
internet_begin() { # folder
    internet=$1
    mkdir -p "$internet"
    setpriv --pdeathsig KILL unshare --net bash -c \
        'ip link set lo up && exec pebble-challtestsrv -dns01 127.0.0.1:8053 -defaultIPv4 "$0" -defaultIPv6 "" -http01 "" -https01 "" -tlsalpn01 ""' \
        "$machine_address" </dev/null >"$internet/names.log" 2>&1 &
    outside=$!
    wait_for 10 outside_has 8053 && make_authority && start_authority && make_computer
}

in_outside() { # command
    nsenter -t "$outside" -n "$@"
}

outside_has() { # port
    [ -n "$(in_outside ss -Hlnut "sport = :$1")" ]
}

# Of its own HTTPS; the certificates that it gives are of another one, which it draws when it starts.
make_authority() {
    (
        cd "$internet" || exit
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=authority of a test" -keyout own.key -out own.pem &&
            openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$authority_name" -keyout site.key -out site.csr &&
            openssl x509 -req -in site.csr -CA own.pem -CAkey own.key -CAcreateserial -days 2 \
                -extfile <(echo "subjectAltName=DNS:$authority_name,DNS:localhost") -out site.pem
    ) 2>"$internet/openssl.log" || { cat "$internet/openssl.log"; return 1; }
}

start_authority() {
    cat >"$internet/pebble.json" <<END
{"pebble": {"listenAddress": "0.0.0.0:14000", "managementListenAddress": "127.0.0.1:15000", "certificate": "$internet/site.pem",
"privateKey": "$internet/site.key", "httpPort": 80, "tlsPort": 443, "certificateValidityPeriod": 7776000}}
END
    PEBBLE_VA_NOSLEEP=1 setpriv --pdeathsig KILL nsenter -t "$outside" -n pebble -config "$internet/pebble.json" -dnsserver 127.0.0.1:8053 \
        </dev/null >"$internet/pebble.log" 2>&1 &
    authority=$!
    wait_for 10 in_outside curl -s -f --cacert "$internet/own.pem" -o "$internet/root.pem" https://localhost:15000/roots/0 ||
        { cat "$internet/pebble.log"; return 1; }
}

# As somebody does who trusts an authority of his own: in Chromium and Firefox by their policies, for curl by a file.
make_computer() {
    local etc=$internet/etc
    cp -a /etc "$etc"
    echo "$machine_address $machine_name" >>"$etc/hosts"
    mkdir -p "$etc/chromium/policies/managed" "$etc/firefox/policies"
    jq -n --arg root "$(openssl x509 -in "$internet/root.pem" -outform DER | base64 -w0)" '{CACertificates: [$root]}' \
        >"$etc/chromium/policies/managed/authority.json"
    jq -n --arg root "$internet/root.pem" '{policies: {Certificates: {Install: [$root]}}}' >"$etc/firefox/policies/policies.json"
}

on_computer() { # command
    in_outside unshare --mount bash -c 'mount --bind "$0" /etc && exec "$@"' "$internet/etc" "$@"
}

# From there, of programs of the group of own-net.mjs (CUTTABLE).
let_only_https_out() {
    local cut=(-m owner --gid-owner 4242)
    in_outside iptables -A OUTPUT "${cut[@]}" -o lo -j ACCEPT && in_outside iptables -A OUTPUT "${cut[@]}" -p tcp --dport 443 -j ACCEPT &&
        in_outside iptables -A OUTPUT "${cut[@]}" -j DROP
}

# As a provider's firewall does: nothing gets to the machine but what it names (lynks status).
let_in_what_it_names() {
    local rule
    in_outside iptables -A OUTPUT -d "$machine_address" -m conntrack --ctstate ESTABLISHED -j ACCEPT || return
    while read -r rule; do
        # shellcheck disable=SC2086
        in_outside iptables -A OUTPUT -d "$machine_address" $rule || return
    done < <(in_machine lynks status | sed -n 's/^Firewall: iptables -A INPUT //p')
    in_outside iptables -A OUTPUT -d "$machine_address" -j DROP
}

# The machine knows the authority: its name, and what its own HTTPS is signed by.
introduce_authority() {
    printf '%s\n' "127.0.0.1 localhost" "$outside_address $authority_name" "$machine_address $machine_name" >"$machine/etc/hosts"
    mkdir -p "$machine/usr/local/share/ca-certificates"
    cp "$internet/own.pem" "$machine/usr/local/share/ca-certificates/authority.crt"
    # Where they are not yet, they find it when they are installed.
    [ ! -e "$machine/usr/sbin/update-ca-certificates" ] || in_root update-ca-certificates >"$internet/openssl.log"
}

# For who installs packages: from the machine by here to where this computer gets them.
open_way_out() {
    [ -c /dev/net/tun ] || die "there is no /dev/net/tun"
    setpriv --pdeathsig KILL slirp4netns --configure --mtu=65520 "$outside" tap0 </dev/null >"$internet/slirp.log" 2>&1 &
    way_out=$!
    wait_for 10 has_way_out || { cat "$internet/slirp.log"; return 1; }
    in_outside sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' && in_outside iptables -t nat -A POSTROUTING -o tap0 -j MASQUERADE
    sed -E 's/^(nameserver +)(127\.[0-9.]+|::1)$/\110.0.2.3/' /etc/resolv.conf >"$machine/etc/resolv.conf"
}

has_way_out() {
    [ -n "$(in_outside ip -4 route show default)" ]
}

internet_end() {
    local pid
    for pid in "$way_out" "${authority-}" "$outside"; do
        [ -z "$pid" ] || stop_pid "$pid" 5
    done
}
