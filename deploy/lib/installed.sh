# An installed Lynks (deploy/install), as deploy/status, restart and admin see it: units of systemd in place of the supervisor.
# shellcheck shell=bash disable=SC2154

units_dir=/usr/local/lib/systemd/system

unit_names() { # of the process table, in its order: what runs, without the steps
    jq -r '.entries[] | select(.step | not) | .name' "$state/table.json"
}

rolling_names() {
    jq -r '.entries[] | select(.rolling) | .name' "$state/table.json"
}

# Its checks of the process table hold.
is_ready() { # name
    local kind host port path command dir
    systemctl --quiet is-active "lynks-$1.service" || return
    dir=$(jq -r --arg name "$1" '.entries[] | select(.name == $name) | .dir // "/"' "$state/table.json")
    while IFS=$'\t' read -r kind host port path command; do
        [[ $host != *:* ]] || host="[$host]"
        case $kind in
            tcp) timeout 2 bash -c 'exec 3<>"/dev/tcp/$1/$2"' - "${host//[\[\]]/}" "$port" 2>/dev/null || return ;;
            http) curl -s -f -m 2 -o /dev/null "http://$host:$port$path" || return ;;
            command) (cd "$dir" && sh -c "$command") >/dev/null 2>&1 || return ;;
        esac
    done < <(jq -r --arg name "$1" '.entries[] | select(.name == $name) | .ready[]? |
        [.type, .host // "-", .port // 0, .path // "-", .command // "-"] | @tsv' "$state/table.json")
}

# What its checks, and the log, say of one that does not come.
wait_until_ready() { # name
    local end
    end=$((SECONDS + $(jq --arg name "$1" '.entries[] | select(.name == $name) | (.ready_within_ms // 20000) / 1000 | floor' \
        "$state/table.json")))
    until is_ready "$1"; do
        ((SECONDS < end)) || return
        sleep 0.1
    done
}

last_words() { # unit
    journalctl --unit "$1" --lines 5 --output cat --no-pager 2>/dev/null || true
}

# One that runs, with the program and the settings that are on the disk now; its sockets stay.
restart_unit() { # name
    # It may have failed too often before.
    systemctl reset-failed "lynks-$1.service" 2>/dev/null || true
    systemctl restart "lynks-$1.service" && wait_until_ready "$1"
}

# As the supervisor writes them down for deploy/status.
unit_states() {
    local name
    while IFS= read -r name; do
        systemctl show "lynks-$name.service" --property ActiveState,MainPID,NRestarts,ActiveEnterTimestamp --timestamp=unix |
            jq -R -n --arg name "$name" --slurpfile table "$state/table.json" '
                [inputs | capture("(?<key>[^=]*)=(?<value>.*)")] | from_entries | {
                    name: $name, state: (if .ActiveState == "active" then "ready" else .ActiveState end),
                    pid: (.MainPID | tonumber), restarts: (.NRestarts | tonumber),
                    since: (.ActiveEnterTimestamp | ltrimstr("@") | tonumber? // 0),
                    check: ([$table[0].entries[] | select(.name == $name) | .ready[0]?][0] // {})}'
    done < <(unit_names) | jq -s .
}

restart_units() { # names; none: all that take part in a rolling restart
    local name
    local -a names=("$@")
    ((EUID == 0)) || die "run this as root"
    ((${#names[@]})) || mapfile -t names < <(rolling_names)
    for name in "${names[@]}"; do
        [[ -e $units_dir/lynks-$name.service ]] || die "there is no $name"
    done
    for name in "${names[@]}"; do
        restart_unit "$name" || die "$name does not get ready; journalctl -u lynks-$name tells more"
        progress "$name" "ready"
    done
}
