# The process table for lynks-supervise: JSON, which deploy/supervise/table.h tells.
# shellcheck shell=bash disable=SC2154

# All of it, for one run of jq (which takes long to start): lib/table.jq tells the words.
table=()
put() { # WORD [VALUE...]: of the whole, or of the entry that was begun last
    table+=("$1" "${2-}" "${3-}" "${4-}" "${5-}")
}

known_by() { # program, variable
    [[ " ${known[$2]:-} " == *" $1 "* ]]
}

# What the user set and this program knows goes through as it is; the file of a NAME_FILE is copied, since
# neither its folder nor its mode need let the process read it.
put_given() { # program
    local name
    for name in $(compgen -e | grep '^LYNKS_' | sort || true); do
        [[ $handled != *" ${name%_FILE} "* && -n ${!name} ]] || continue
        if known_by "$1" "$name"; then
            put given "$name"
        elif [[ $name == *_FILE ]] && known_by "$1" "${name%_FILE}"; then
            private_file "${!name}" "${name,,}"
            put env "$name" "${name,,}"
        fi
    done
}

# Set below from deploy/up's own options, whatever their source.
handled=" LYNKS_MYSQL_HOST LYNKS_MYSQL_PORT LYNKS_MYSQL_USER LYNKS_MYSQL_PASSWORD LYNKS_MYSQL_DATABASE LYNKS_MYSQL_CA LYNKS_JANUS_URL LYNKS_JANUSBRIDGE_EVENTS \
LYNKS_JANUS_CA LYNKS_JANUS_API_SECRET LYNKS_JANUS_ADMIN_KEY LYNKS_HTTP_HOST LYNKS_HTTP_PORT LYNKS_DEMO_USER LYNKS_ADMIN_PASSWORD \
LYNKS_TOKEN_KEY LYNKS_TURN_URLS LYNKS_TURN_SECRET "

put_text_file() { # variable, text: as a file of the process' own
    local name=${1,,}
    (umask 077 && printf '%s\n' "$2" >"$private/$name")
    put env "${1}_FILE" "$name"
}

put_program() { # program
    put dir "$private"
    if [[ -n $account ]]; then put user "$account"; fi
    put arg "$bin/$1"
    put_given "$1"
}

put_mysql() {
    put env LYNKS_MYSQL_HOST "${LYNKS_MYSQL_HOST:-127.0.0.1}"
    put env LYNKS_MYSQL_PORT "$mysql_port"
    put env LYNKS_MYSQL_USER "$(value LYNKS_MYSQL_USER)"
    put env LYNKS_MYSQL_DATABASE "$(value LYNKS_MYSQL_DATABASE)"
    local password
    if [[ -n $private_mysql ]]; then
        password=$(<"$state/secrets/mysql-password")
    else
        password=$(value LYNKS_MYSQL_PASSWORD)
    fi
    put_text_file LYNKS_MYSQL_PASSWORD "$password"
    if [[ -n ${LYNKS_MYSQL_CA_FILE:-} ]]; then
        private_file "$LYNKS_MYSQL_CA_FILE" mysql-ca.pem
        put env LYNKS_MYSQL_CA_FILE mysql-ca.pem
    fi
}

table_migrate() {
    private_begin migrate migrate
    put step migrate
    put_program lynks-migrate
    put_mysql
    cp -R "$root/sql" "$private/sql"
    put env LYNKS_SQL_DIR sql
    put env LYNKS_DEMO_USER "$demo_user"
    put_text_file LYNKS_ADMIN_PASSWORD "$(<"$state/secrets/admin-password")"
    put env LYNKS_HTTP_HOST "$http_host"
    private_end
    put_files migrate
}

put_files() { # name
    put log_file "$log/$1.log"
    put pid_file "$run/$1.pid"
}

# A service: its own key, the others' public keys, its ports.
begin_service() { # role, number, replica
    local name=$1 ops_host=${LYNKS_OPS_HOST:-127.0.0.1} ops bus
    (($3 == 1)) || name=$1-$3
    ops=$(ops_port "$2" "$3") bus=$(bus_port "$2" "$3")
    private_begin "$name" "$1"
    put process "$name"
    put_program "lynks-$1"
    put_files "$name"
    put flag rolling
    private_file "$state/secrets/bus/$1.secret" bus-secret-key
    private_file "$state/secrets/bus/public" bus-public-keys
    put env LYNKS_BUS_SECRET_KEY_FILE bus-secret-key
    put env LYNKS_BUS_PUBLIC_KEYS_FILE bus-public-keys
    put env LYNKS_OPS_PORT "$ops"
    put_addresses "lynks-$1"
    put port "$ops_host" "$ops" LYNKS_BASE_PORT
    put ready http "$ops_host" "$ops" /readyz
    (($2 == 0)) || {
        put env LYNKS_BUS_BIND "tcp://127.0.0.1:$bus"
        put port 127.0.0.1 "$bus" LYNKS_BASE_PORT
        put shows "on 127.0.0.1:$bus (bus)"
    }
}

# Where the roles are that this program calls: all replicas; but bridges may also be of other nodes, elsewhere.
put_addresses() { # program
    local name number replica list
    for name in authsvc:1 roomsvc:2 janusbridge:3; do
        number=${name#*:} name=LYNKS_${name%:*}_ADDRESS name=${name^^} list=
        for ((replica = 1; replica <= replicas; replica++)); do
            list+=,127.0.0.1:$(bus_port "$number" "$replica")
        done
        [[ $name != LYNKS_JANUSBRIDGE_ADDRESS || -z ${LYNKS_JANUSBRIDGE_ADDRESS:-} ]] || list=$LYNKS_JANUSBRIDGE_ADDRESS
        if known_by "$1" "$name"; then put env "$name" "${list#,}"; fi
    done
}

put_events() { # number, replica: it publishes
    local port
    port=$(events_port "$1" "$2")
    put env LYNKS_EVENTS_BIND "tcp://127.0.0.1:$port"
    put port 127.0.0.1 "$port" LYNKS_BASE_PORT
}

events_of() { # number: where all its replicas publish
    local replica list=
    for ((replica = 1; replica <= replicas; replica++)); do
        list+=,127.0.0.1:$(events_port "$1" "$replica")
    done
    printf '%s' "${list#,}"
}

each_replica() { # function
    local replica
    for ((replica = 1; replica <= replicas; replica++)); do
        "$1" "$replica"
    done
}

table_authsvc() { # replica
    begin_service authsvc 1 "$1"
    # A copy: the account may have no right to the folder of the programs (/root/lynks, say).
    if [[ -z ${LYNKS_HASH_PROGRAM:-} ]]; then
        install -m 500 "$bin/lynks-hash" "$private/lynks-hash"
        put env LYNKS_HASH_PROGRAM lynks-hash
    fi
    if (($1 > 1)); then put flag together; fi
    put_events 1 "$1"
    if ((replicas > 1)); then put env LYNKS_AUTHSVC_EVENTS "$(events_of 1)"; fi
    put_mysql
    private_end
}

table_janusbridge() { # replica
    local admin_key api_secret
    begin_service janusbridge 3 "$1"
    put_events 3 "$1"
    put flag together
    if [[ -n $private_janus ]]; then
        put env LYNKS_JANUS_URL "https://127.0.0.1:$janus_tls_port/janus"
        private_file "$state/secrets/janus-cert.pem" janus-ca.pem
        put env LYNKS_JANUS_CA_FILE janus-ca.pem
        put env LYNKS_JANUS_PID_FILE "$run/janus.pid"
        [[ -n ${LYNKS_MEDIA_CONNECTIONS_MAX:-}${LYNKS_MEDIA_CONNECTIONS_MAX_FILE:-} ]] ||
            put env LYNKS_MEDIA_CONNECTIONS_MAX "$media_connections"
        admin_key=$(<"$state/secrets/janus-admin-key")
        api_secret=$(janus_api_secret)
    else
        put env LYNKS_JANUS_URL "$LYNKS_JANUS_URL"
        if [[ -n ${LYNKS_JANUS_CA_FILE:-} ]]; then
            private_file "$LYNKS_JANUS_CA_FILE" janus-ca.pem
            put env LYNKS_JANUS_CA_FILE janus-ca.pem
        fi
        admin_key=$(value LYNKS_JANUS_ADMIN_KEY)
        api_secret=$(value LYNKS_JANUS_API_SECRET)
    fi
    if [[ -n $admin_key ]]; then put_text_file LYNKS_JANUS_ADMIN_KEY "$admin_key"; fi
    if [[ -n $api_secret ]]; then put_text_file LYNKS_JANUS_API_SECRET "$api_secret"; fi
    private_end
}

table_roomsvc() { # replica
    begin_service roomsvc 2 "$1"
    put_events 2 "$1"
    put env LYNKS_JANUSBRIDGE_EVENTS "${LYNKS_JANUSBRIDGE_EVENTS-$(events_of 3)}"
    # The only node, unless said otherwise, is the one of the bridge that is started here.
    if [[ -n ${LYNKS_NODE:-} && -z ${LYNKS_ROOM_NODE:-} ]]; then put env LYNKS_ROOM_NODE "$LYNKS_NODE"; fi
    put flag together
    put_mysql
    private_end
}

table_gateway() {
    begin_service gateway 0 1
    secret token-key "$(value LYNKS_TOKEN_KEY)"
    private_file "$state/secrets/token-key" token-key
    put env LYNKS_TOKEN_KEY_FILE token-key
    put_turn
    put env LYNKS_AUTHSVC_EVENTS "$(events_of 1)"
    put env LYNKS_ROOMSVC_EVENTS "$(events_of 2)"
    put env LYNKS_JANUSBRIDGE_EVENTS "${LYNKS_JANUSBRIDGE_EVENTS-$(events_of 3)}"
    put flag together
    put env LYNKS_HTTP_HOST "$http_host"
    put env LYNKS_HTTP_PORT "$http_port"
    # A copy, as of the programs' folder above.
    if [[ $web_wanted == 1 ]]; then
        cp -R "$web_built" "$private/web"
        put env LYNKS_WEB_ROOT web
    fi
    put listen "$http_host" "$http_port" LYNKS_HTTP_PORT
    put_front
    put shows "on $url"
    private_end
}

# Stopped in reverse: the front and the gateway first, so that nothing new comes in while the rest ends.
write_table() {
    put table title "$me"
    put table pid_file "$run/supervise.pid"
    put table status_file "$run/status.json"
    put table log_file "$log/supervise.log"
    put table request_file "$run/restart"
    put table banner_file "$state/banner"
    if [[ -n $private_mysql ]]; then table_mysql && put_files mysql; fi
    if [[ -n $private_janus ]]; then table_janus && put_files janus; fi
    if [[ $turn_wanted == 1 ]]; then table_turn && put_files turn; fi
    table_migrate
    each_replica table_authsvc
    each_replica table_janusbridge
    each_replica table_roomsvc
    table_gateway
    table_front
    (umask 077 && jq -n -f "$root/deploy/lib/table.jq" --args -- "${table[@]}" >"$state/table.json")
}
