# The variables of deploy/up: its own, and those that it passes on to the processes that know them.
# shellcheck shell=bash disable=SC2034

# name, default, what it is. A default of "-" is none.
own_options() {
    cat <<'END'
LYNKS_STATE|.lynks|folder for data, keys, logs and process ids
LYNKS_BUILD|-|folder of a finished build to run; default: builds build/release and runs it
LYNKS_WEB|1|the web client is built and served, for which nodejs and npm are installed where they are missing: 1 or 0
LYNKS_USER|lynks|when started as root: accounts are this + -gateway, -authsvc and so on, made if missing; root: all run as root
LYNKS_HTTP_HOST|127.0.0.1|address of the API
LYNKS_HTTP_PORT|60000|port of the API
LYNKS_DOMAIN|-|name of this machine that the internet knows: HTTPS is served for it, with a certificate of Let's Encrypt
LYNKS_TLS|auto|HTTPS: auto (with LYNKS_DOMAIN, or the files below), internal (by an authority of our own, for a LAN), off (by a proxy of yours)
LYNKS_TLS_CERT_FILE|-|certificate and chain (PEM) to serve HTTPS with; taken over when it changes
LYNKS_TLS_KEY_FILE|-|its key
LYNKS_TLS_NAMES|-|of LYNKS_TLS=internal: names and addresses in the certificate, separated by commas; default: all that this machine has
LYNKS_TLS_HOST|-|address of HTTPS; default: all
LYNKS_TLS_PORT|443|port of HTTPS
LYNKS_TLS_HTTP_PORT|80|port where plain HTTP is sent to HTTPS, and where Let's Encrypt comes; 0: none
LYNKS_ACME_URL|https://acme-v02.api.letsencrypt.org/directory|directory of another authority than Let's Encrypt
LYNKS_ACME_EMAIL|-|address that the authority may write to
LYNKS_BASE_PORT|5700|bus ports are this + 1 to 3 and 11 to 13, ops ports + 100 to 103, Janus' private listener + 88, the front's ops port + 98
LYNKS_REPLICAS|1|how many of authsvc, roomsvc and janusbridge run (1 to 8); ports of further ones: + 20 each
LYNKS_DEMO_USER|auto|the user testuser (password test123) exists: 1, 0, or auto: unless others can reach the API
LYNKS_TOKEN_KEY|-|key of the check value in tokens, for gateways of several machines alike; default: random, kept in the state folder
LYNKS_JANUS_DIRECT|auto|clients may talk to the private Janus itself, too: 1, 0, or auto: unless others can reach the API
LYNKS_JANUS_HOST|127.0.0.1|address of the private Janus' HTTP and WebSocket: the first IPv4 address of an interface, 0.0.0.0 or ::
LYNKS_JANUS_HTTP_PORT|8088|port of the private Janus' HTTP
LYNKS_JANUS_WS_PORT|8188|port of the private Janus' WebSocket
LYNKS_RTP_PORT_RANGE|20000-29999|UDP ports for media
LYNKS_PUBLIC_IP|-|IP addresses that browsers reach this machine at, if it is behind NAT, separated by commas
LYNKS_ICE_INTERFACES|-|network interfaces for media, separated by commas; default: all but loopback
LYNKS_TURN|auto|coturn is started, for networks that let no UDP to Janus through: 1, 0, or auto: where HTTPS is served for LYNKS_DOMAIN
LYNKS_TURN_PORT|3478|its port, for UDP and TCP
LYNKS_TURN_PORT_RANGE|30000-32767|its UDP ports towards Janus; nobody else needs to reach them
LYNKS_TURN_URLS|-|where browsers find TURN servers; default: those of coturn that is started
LYNKS_TURN_SECRET|-|what a TURN server of others shares with the gateway; default: random of coturn that is started
LYNKS_JANUS_URL|-|use this Janus instead of a private one
LYNKS_JANUS_API_SECRET|-|Janus' api_secret, if it has one
LYNKS_JANUS_ADMIN_KEY|-|VideoRoom's admin_key; default: none of an existing Janus, random of the private one
LYNKS_JANUS_CA_FILE|-|PEM file to trust for an https LYNKS_JANUS_URL
LYNKS_MYSQL_HOST|-|use this MySQL or MariaDB instead of a private one
LYNKS_MYSQL_PORT|3307|its port (3306 with LYNKS_MYSQL_HOST)
LYNKS_MYSQL_USER|lynks|its account
LYNKS_MYSQL_PASSWORD|-|the account's password; default: random in the private one
LYNKS_MYSQL_DATABASE|lynks_db|its database
LYNKS_BACKUP_MYSQL_USER|-|account of your own server for deploy/admin backup and restore; default: LYNKS_MYSQL_USER
LYNKS_BACKUP_MYSQL_PASSWORD|-|its password
LYNKS_MYSQL_TLS|off|of your own server; on: encrypted or not at all; verify: its certificate and name are checked
LYNKS_MYSQL_CA_FILE|-|PEM file to trust for LYNKS_MYSQL_TLS=verify; default: the system's certificates
END
}

# What is looked up often: the names, in their order, and the default of each.
own_names=()
declare -A own_defaults=()
while IFS='|' read -r name default _; do
    own_names+=("$name")
    own_defaults[$name]=${default#-}
done < <(own_options)
unset name default

# Each process needs its own value of these, so they cannot be one variable of the environment.
fixed_options="LYNKS_OPS_PORT LYNKS_BUS_BIND LYNKS_EVENTS_BIND LYNKS_BUS_SECRET_KEY LYNKS_BUS_PUBLIC_KEYS LYNKS_AUTHSVC_ADDRESS LYNKS_AUTHSVC_EVENTS
LYNKS_ROOMSVC_ADDRESS LYNKS_ROOMSVC_EVENTS LYNKS_SQL_DIR"

print_options() {
    own_options | while IFS='|' read -r name default help; do
        [[ $default == - ]] && default=none
        printf '  %-22s %s (%s)\n' "$name" "$help" "$default"
    done
}

# value NAME: from the environment, from the file that NAME_FILE names, or the default.
value() {
    local name=$1 file=${1}_FILE text=
    if [[ -n ${!file:-} ]]; then
        [[ -z ${!name:-} ]] || refuse "$name and $file are both set"
        [[ -r ${!file} ]] && { IFS= read -r text <"${!file}" || [[ -n $text ]]; } ||
            refuse "$file: cannot read ${!file}"
        printf '%s' "$text"
    elif [[ -n ${!name:-} ]]; then
        printf '%s' "${!name}"
    else
        printf '%s' "${own_defaults[$name]:-}"
    fi
}

need_port() { # NAME VALUE MOST
    [[ $2 =~ ^[0-9]{1,5}$ ]] && ((10#$2 >= 1 && 10#$2 <= ${3:-65535})) ||
        refuse "$1 must be a port number from 1 to ${3:-65535}, not '$2'"
}

need_address() { # NAME VALUE
    is_address "$2" || refuse "$1 must be an IP address of this machine, like 127.0.0.1 or 0.0.0.0, not '$2'"
}

read_options() {
    local name
    for name in "${own_names[@]}"; do
        value "$name" >/dev/null || exit # it has said why
    done
    http_host=$(value LYNKS_HTTP_HOST) http_port=$(value LYNKS_HTTP_PORT)
    base_port=$(value LYNKS_BASE_PORT)
    janus_host=$(value LYNKS_JANUS_HOST)
    janus_http_port=$(value LYNKS_JANUS_HTTP_PORT) janus_ws_port=$(value LYNKS_JANUS_WS_PORT)
    mysql_port=$(value LYNKS_MYSQL_PORT)
    [[ -n ${LYNKS_MYSQL_HOST:-} && -z ${LYNKS_MYSQL_PORT:-} ]] && mysql_port=3306
    need_port LYNKS_HTTP_PORT "$http_port"
    need_port LYNKS_BASE_PORT "$base_port" 65000
    need_port LYNKS_JANUS_HTTP_PORT "$janus_http_port"
    need_port LYNKS_JANUS_WS_PORT "$janus_ws_port"
    need_port LYNKS_MYSQL_PORT "$mysql_port"
    replicas=$(value LYNKS_REPLICAS)
    [[ $replicas =~ ^[1-8]$ ]] || refuse "LYNKS_REPLICAS must be a number from 1 to 8, not '$replicas'"
    need_address LYNKS_HTTP_HOST "$http_host"
    need_address LYNKS_JANUS_HOST "$janus_host"
    [[ $janus_host != *:* || $janus_host == :: ]] ||
        refuse "LYNKS_JANUS_HOST: Janus' WebSockets cannot listen on one IPv6 address alone; :: are all addresses"
    check_rtp_range "$(value LYNKS_RTP_PORT_RANGE)"
    check_public_ip "$(value LYNKS_PUBLIC_IP)"
    check_interfaces "$(value LYNKS_ICE_INTERFACES)"
    accounts=$(value LYNKS_USER)
    # The longest role is added to it, and 32 characters are the most that an account can have.
    [[ $accounts =~ ^[a-z_][a-z0-9_-]{0,19}$ ]] ||
        refuse "LYNKS_USER must be up to 20 of a-z, 0-9, _ and -, a letter first, not '$accounts'"
    [[ $(value LYNKS_DEMO_USER) =~ ^(0|1|auto)$ ]] || refuse "LYNKS_DEMO_USER must be 0, 1 or auto"
    for name in $(compgen -e | grep '^LYNKS_' || true); do
        [[ ${!name} != *$'\n'* ]] || refuse "$name has a line break"
    done
    janus_direct=$(value LYNKS_JANUS_DIRECT) # auto: until there is a build to ask (set_janus_direct)
    [[ $janus_direct =~ ^(0|1|auto)$ ]] || refuse "LYNKS_JANUS_DIRECT must be 0, 1 or auto"
    private_mysql=1 private_janus=1
    [[ -z ${LYNKS_MYSQL_HOST:-} ]] || private_mysql=
    [[ -z $private_mysql || ${LYNKS_MYSQL_TLS:-off} == off ]] ||
        refuse "LYNKS_MYSQL_TLS is for a server of your own (LYNKS_MYSQL_HOST); the private one listens on 127.0.0.1 only"
    if [[ -n ${LYNKS_JANUS_URL:-} ]]; then
        private_janus=
        read_janus_url
    else
        set_media_connections
    fi
}

# Each connection for media takes a port, and two descriptors of Janus; the rest are for clients that talk to it.
set_media_connections() {
    local range files fit
    range=$(value LYNKS_RTP_PORT_RANGE) files=$(ulimit -Hn)
    [[ $files != unlimited ]] || files=1048576
    fit=$((${range#*-} - ${range%-*} + 1))
    ((fit <= files / 3)) || fit=$((files / 3))
    media_connections=$((fit < 2000 ? fit : 2000))
    [[ ! ${LYNKS_MEDIA_CONNECTIONS_MAX:-} =~ ^[0-9]{1,5}$ ]] || ((10#$LYNKS_MEDIA_CONNECTIONS_MAX <= fit)) ||
        refuse "LYNKS_MEDIA_CONNECTIONS_MAX is $LYNKS_MEDIA_CONNECTIONS_MAX, but there is room for $fit (LYNKS_RTP_PORT_RANGE, ulimit -Hn)"
}

read_janus_url() {
    [[ $LYNKS_JANUS_URL =~ ^(https?)://(\[[0-9A-Fa-f:.]+\]|[^/:@]+)(:([0-9]+))?(/.*)?$ ]] ||
        refuse "LYNKS_JANUS_URL must be like http://127.0.0.1:8088/janus, not '$LYNKS_JANUS_URL'"
    janus_url_host=${BASH_REMATCH[2]//[\[\]]/} janus_url_port=${BASH_REMATCH[4]}
    [[ -n $janus_url_port ]] || { [[ ${BASH_REMATCH[1]} == https ]] && janus_url_port=443 || janus_url_port=80; }
}

# Which program knows which variable, and deploy/up's own. The list was made from the programs' --options, since they need
# not have been built yet when a mistyped name is told (tests/support/config-tables writes it, a test compares it).
read_known() {
    local name programs
    declare -gA known=()
    while read -r name programs; do
        known[$name]=" $programs "
    done <"$root/deploy/lib/variables"
    for name in "${own_names[@]}"; do
        known[$name]+=" "
    done
}

# The known name that differs from this one at one place only, the shorter the better.
nearest() { # NAME
    local width name i off
    for width in 1 2 3; do
        for name in $(printf '%s\n' "${!known[@]}" | sort); do
            off=$((${#name} - ${#1}))
            ((-4 < off && off < 4)) || continue
            # Three letters beside LYNKS_ must agree, or anything of that length would be near.
            for ((i = 6; i < ${#1}; i++)); do
                ((i - 6 >= 3 || ${#1} - i - width >= 3)) || continue
                [[ $name != "${1:0:i}"*"${1:i+width}" ]] || { printf '%s' "$name" && return; }
            done
        done
    done
}

# A mistyped variable would be ignored silently otherwise.
check_names() {
    local name near
    for name in $(compgen -e | grep '^LYNKS_' || true); do
        [[ " ${fixed_options//$'\n'/ } " == *" ${name%_FILE} "* ]] &&
            refuse "$name is set by deploy/up itself, for each process; LYNKS_BASE_PORT moves the ports"
        [[ -n ${known[$name]:-} || -n ${known[${name%_FILE}]:-} ]] && continue
        near=$(nearest "${name%_FILE}")
        refuse "$name is unknown; ${near:+did you mean }${near:-deploy/up --help lists all}${near:+?}"
    done
}
