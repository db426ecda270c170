# TAP for tests written in bash: a test is a function; it passes when it returns 0, and what it prints is
# shown when it fails. Sourced; ends with run_tests NAME...
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root" || exit 1

# run_tests NAME...: each in a subshell, so that none changes the world of the next.
run_tests() {
    local name number=0 failures=0 output
    echo "1..$#"
    for name in "$@"; do
        number=$((number + 1))
        if output=$("$name" 2>&1); then
            echo "ok $number - ${name//_/ }"
        else
            echo "not ok $number - ${name//_/ }"
            printf '%s\n' "$output" | tail -100 | sed 's/^/# /'
            failures=$((failures + 1))
        fi
    done
    [ "$failures" = 0 ]
}

# Files of the repository, new ones included, that match the patterns; all without one.
tracked() {
    git ls-files -co --exclude-standard -- "$@" | while IFS= read -r file; do
        [ ! -f "$file" ] || printf '%s\n' "$file"
    done
}

# Passes if there is nothing; else shows it.
none_of() {
    [ -z "$1" ] || { printf '%s\n' "$1"; return 1; }
}
