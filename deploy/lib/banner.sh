# What is printed when all is ready.
# shellcheck shell=bash disable=SC2154

# Where this machine reaches the API.
set_url() {
    local host=$http_host
    case $host in
        0.0.0.0 | '') host=127.0.0.1 ;;
        ::) host='[::1]' ;;
        *:*) host="[$host]" ;;
    esac
    url=http://$host:$http_port
}

# 1 or 0, of what is auto: not where others can reach the API. The migrator, which decides that in containers, too, is asked:
# of the demo user, as which it knows it.
decide_by_reach() { # 0, 1 or auto
    LYNKS_DEMO_USER=$1 LYNKS_HTTP_HOST=$http_host \
        env -u LYNKS_DEMO_USER_FILE -u LYNKS_HTTP_HOST_FILE "$bin/lynks-migrate" --demo-user ||
        die "lynks-migrate does not take the configuration"
}

# Where people open it: as it is known to others, if that was said.
people_url() {
    if [[ -n ${LYNKS_PUBLIC_URL:-} ]]; then
        printf '%s/' "${LYNKS_PUBLIC_URL%/}"
    elif [[ -n ${LYNKS_DOMAIN:-} ]]; then
        printf 'https://%s/' "$LYNKS_DOMAIN"
    else
        printf '%s/' "$url"
    fi
}

# What a person needs, first.
first_lines() { # LYNKS_STATE=..., for commands
    local admin="$1${tools}admin password prints the password, until it is changed"
    if [[ $web_wanted == 0 && -z ${LYNKS_WEB_ROOT:-} ]]; then
        printf 'Lynks is ready on %s\n' "$url"
    else
        printf 'Open %s and sign in as %s.\n' "$(people_url)" \
            "$([[ $demo_user == 1 ]] && printf 'testuser with the password test123' || printf 'admin')"
    fi
    if [[ -s $state/secrets/admin-password ]]; then
        printf 'Users are managed by admin; %s.\n' "$admin"
    fi
}

# Is there a demo user?
set_demo_user() {
    demo_user=$(decide_by_reach "$(value LYNKS_DEMO_USER)")
}

# Whoever reaches Janus itself is asked for no token.
set_janus_direct() {
    janus_direct=$(decide_by_reach "$janus_direct")
}

# Three lines that work as they stand, whatever tools there are beside curl and grep.
example() {
    local name=testuser password=test123 room=${LYNKS_STANDARD_ROOM:-123456} create
    [[ $demo_user == 1 ]] || name=NAME password=PASSWORD
    create="curl -s $url/create -H \"authorization: \$TOKEN\" -d '{}'"
    printf "TOKEN=\$(curl -s %s/login -d '{\"username\":\"%s\",\"password\":\"%s\"}' | grep -o '[0-9a-f]\\{64\\}')\n" \
        "$url" "$name" "$password"
    if [[ $room == 0 ]]; then
        printf "ROOM=\$(%s | grep -o '[0-9]\\{2,\\}')\n" "$create"
        printf 'curl -s %s/list_participants -H "authorization: $TOKEN" -d "{\\"room_id\\":$ROOM}"; echo\n' "$url"
    else
        printf '%s; echo\n' "$create"
        printf "curl -s %s/list_participants -H \"authorization: \$TOKEN\" -d '{\"room_id\":%s}'; echo\n" "$url" "$room"
    fi
}

# All of this machine's own are of private networks: then nobody on the internet sends media to them.
has_public_address() {
    local address
    for address in $(hostname -I 2>/dev/null); do
        [[ $address =~ ^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]) ]] ||
            return 0
    done
    return 1
}

# What those miss who come from elsewhere, where they can.
missing_for_others() {
    [[ $(decide_by_reach auto) == 0 ]] || return 0
    local is_https=
    [[ $tls_kind == none && ${LYNKS_PUBLIC_URL:-https://${LYNKS_DOMAIN:+x}} != https://?* ]] || is_https=1
    [[ -n $is_https ]] ||
        printf 'Warning: others come without HTTPS: their browsers give no camera and microphone, and they cannot sign in (LYNKS_DOMAIN, or LYNKS_TLS=internal on a LAN).\n'
    [[ $tls_kind != none ]] || [[ $is_https != 1 || -n ${LYNKS_TRUSTED_PROXIES:-} ]] ||
        printf 'Warning: HTTPS is spoken by a proxy that LYNKS_TRUSTED_PROXIES does not name: all its clients count as one address.\n'
    [[ -z $private_janus || $tls_kind == internal || -n $(value LYNKS_PUBLIC_IP) ]] || has_public_address ||
        printf 'Warning: this machine has no address of the internet: people there have neither picture nor sound (LYNKS_PUBLIC_IP names the one that leads here).\n'
    [[ $turn_wanted == 1 || -n $(value LYNKS_TURN_URLS) || $tls_kind == internal ]] ||
        printf 'Warning: there is no TURN server: people behind firewalls that let no UDP through have neither picture nor sound (LYNKS_TURN=1).\n'
}

# What deploy/status tells again.
banner_notes() {
    if [[ $demo_user == 1 ]]; then
        printf 'Warning: the demo user testuser (password test123) exists; LYNKS_DEMO_USER=0 is for real use.\n'
    elif [[ $(value LYNKS_DEMO_USER) == auto ]]; then
        printf 'The demo user is disabled, since others can reach the API; LYNKS_DEMO_USER=1 asks for it all the same.\n'
    fi
    if [[ $(value LYNKS_REGISTRATION) == open ]]; then
        printf 'Warning: everybody who reaches the API can register (LYNKS_REGISTRATION=open); members are then whoever did.\n'
    fi
    media_lines
    missing_for_others
}

write_banner() {
    local stop=deploy/down of=
    [[ -z ${LYNKS_STATE:-} ]] || of="LYNKS_STATE=$(printf %q "$state") "
    stop=$of$stop
    [[ -n $detach ]] || stop="Ctrl-C, or $stop"
    {
        printf '\n'
        first_lines "$of"
        printf '\n'
        example
        printf '\nLogs: %s   Stop: %s\n' "$log" "$stop"
        banner_notes
    } >"$state/banner"
}
