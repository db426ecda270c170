# The private Janus: its configuration folder from the templates in deploy/janus.
# shellcheck shell=bash disable=SC2154

# fill TEMPLATE NAME=VALUE...: the text with each @NAME@ replaced.
fill() {
    local text pair
    text=$(<"$root/deploy/janus/$1")
    shift
    for pair in "$@"; do
        text=${text//"@${pair%%=*}@"/"${pair#*=}"}
    done
    printf '%s\n' "$text"
}

quoted() { # as a string of Janus' configuration
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

setting() { # NAME VALUE: a line, or nothing without a value
    [[ -z $2 ]] || printf '%s = %s' "$1" "$(quoted "$2")"
}

# For the listener that only the bridge uses. It trusts this very certificate and nothing else.
make_certificate() {
    local dir=$state/secrets
    openssl x509 -checkend 5184000 -noout -in "$dir/janus-cert.pem" >/dev/null 2>&1 && [[ -s $dir/janus-key.pem ]] &&
        return
    (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=lynks-janus \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$dir/janus-key.pem" -out "$dir/janus-cert.pem") \
        >"$log/openssl.log" 2>&1 || die "openssl failed; see $log/openssl.log"
}

# Only what is used is loaded.
link_modules() { # kind, names
    local kind=$1 name file
    shift
    mkdir "$private/$kind"
    for name in "$@"; do
        for file in /usr/lib/*/janus/"$kind"/"$name".so /usr/lib/janus/"$kind"/"$name".so; do
            [[ ! -e $file ]] || ln -s "$file" "$private/$kind/$name.so"
        done
        [[ -e $private/$kind/$name.so ]] || die "Janus has no $name.so; is the package janus whole?"
    done
}

write_config() { # name, NAME=VALUE...
    local name=$1
    shift
    fill "$name.in" "$@" >"$private/$name"
}

# Of the private one. Without direct access nobody else on this machine gets in by the bridge's listener either.
janus_api_secret() {
    local text
    text=$(value LYNKS_JANUS_API_SECRET)
    if [[ -z $text && $janus_direct == 0 ]]; then
        text=$(<"$state/secrets/janus-api-secret")
    fi
    printf '%s' "$text"
}

prepare_janus() {
    local ip= clients=false
    local -a transports=(libjanus_http)
    if [[ $janus_direct == 1 ]]; then clients=true transports+=(libjanus_websockets); fi
    janus_tls_port=$((base_port + 88))
    secret janus-admin-key "$(value LYNKS_JANUS_ADMIN_KEY)"
    secret janus-core-admin-secret
    secret janus-api-secret
    make_certificate
    private_begin janus janus
    link_modules plugins libjanus_videoroom
    link_modules transports "${transports[@]}"
    mkdir "$private/events" "$private/loggers"
    private_file "$state/secrets/janus-cert.pem" cert.pem
    private_file "$state/secrets/janus-key.pem" key.pem
    write_config janus.jcfg \
        "API_SECRET=$(setting api_secret "$(janus_api_secret)")" \
        "ADMIN_SECRET=$(<"$state/secrets/janus-core-admin-secret")" \
        "EVENT_LOOPS=$(nproc)" "RTP_PORT_RANGE=$(value LYNKS_RTP_PORT_RANGE)" \
        "NAT_1_1=$(setting nat_1_1_mapping "$(value LYNKS_PUBLIC_IP)")" "KEEP_PRIVATE=$([[ $turn_wanted == 1 ]] && printf true || printf false)" \
        "INTERFACES=$(setting ice_enforce_list "$(value LYNKS_ICE_INTERFACES)")"
    write_config janus.plugin.videoroom.jcfg "ADMIN_KEY=$(quoted "$(<"$state/secrets/janus-admin-key")")"
    # With "::" it would listen to IPv6 alone; without an address it does to both.
    [[ $janus_host == :: ]] || ip=$janus_host
    write_config janus.transport.http.jcfg "CLIENTS=$clients" "IP=$(setting ip "$ip")" "PORT=$janus_http_port" TLS_HOST=127.0.0.1 \
        "TLS_PORT=$janus_tls_port"
    write_config janus.transport.websockets.jcfg "HOST=$janus_host" "PORT=$janus_ws_port"
    chmod 400 "$private"/*.jcfg
    private_end
}

# Its paths are relative to its own folder.
table_janus() {
    local option
    put process janus
    put dir "$state/private/janus"
    if [[ -n $accounts ]]; then put user "$(account_of janus)"; fi
    put arg "$(command -v janus)"
    for option in --configs-folder=. --disable-colors; do
        put arg "$option"
    done
    if [[ $janus_direct == 1 ]]; then
        put port "$janus_host" "$janus_http_port" LYNKS_JANUS_HTTP_PORT
        put port_by_interface "$janus_host" "$janus_ws_port" LYNKS_JANUS_WS_PORT
        put ready http "$janus_host" "$janus_http_port" /janus/info
        put ready tcp "$janus_host" "$janus_ws_port"
        put shows "on $janus_host:$janus_http_port (HTTP) and $janus_host:$janus_ws_port (WebSocket)"
    else
        put shows "for Lynks alone (LYNKS_JANUS_DIRECT)"
    fi
    put port 127.0.0.1 "$janus_tls_port" LYNKS_BASE_PORT
    put ready tcp 127.0.0.1 "$janus_tls_port"
    # Janus forgets a SIGTERM that comes before its main loop runs; it has nothing to lose by being killed.
    put ms stop_within_ms 2000
}
