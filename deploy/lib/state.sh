# The state folder. Who may read what:
#   run/      process ids and status: everybody
#   log/      logs: the owner
#   secrets/  the stack's keys and passwords, kept from start to start: the owner
#   private/  one folder per process, made anew at each start, with only what that process may know: its files are
#             the process' own, but private/ itself is closed to it. A process is started inside its folder
#             (the supervisor enters it before it gives up its rights), so it needs no way to the folders of others.
#   mysql/    the private MariaDB
# shellcheck shell=bash disable=SC2154

make_state() {
    mkdir -p -- "$state" 2>/dev/null && [[ -w $state ]] ||
        die "cannot write the state folder $state (LYNKS_STATE)"
    chmod 711 "$state"
    install -d -m 755 "$run"
    install -d -m 750 "$log"
}

random_hex() { # bytes
    head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

# secret NAME VALUE: kept in secrets/NAME. Without a VALUE: the one that is there, or a random one.
secret() {
    local file=$state/secrets/$1
    install -d -m 700 "$state/secrets"
    [[ -n ${2:-} || ! -s $file ]] || return 0
    (umask 077 && printf '%s\n' "${2:-$(random_hex 24)}" >"$file.new") && mv "$file.new" "$file"
}

# The account that services run as; empty: that of whoever runs this.
choose_user() {
    user=
    ((EUID == 0)) || return 0
    user=$(value LYNKS_USER)
    if [[ $user == root ]]; then
        user=
    elif ! getent passwd "$user" >/dev/null; then
        useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user" 9>&- ||
            die "cannot make the account $user (LYNKS_USER)"
    fi
}

private_begin() { # process: its folder, empty, in $private
    private=$state/private/$1
    install -d -m 700 "$state/private"
    rm -rf "$private"
    install -d -m 700 "$private"
}

private_file() { # source, name
    install -m 400 "$1" "$private/$2"
}

private_end() {
    [[ -z $user ]] || chown -R "$user:" "$private"
}

make_keys() {
    install -d -m 700 "$state/secrets/bus"
    "$bin/lynks-keygen" "$state/secrets/bus" gateway authsvc roomsvc janusbridge >"$log/keys.log" 2>&1 ||
        die "lynks-keygen failed: $(tail -n 1 "$log/keys.log")"
}
