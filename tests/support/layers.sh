# The layers of the tests: what each needs built, what it runs, for how long. Sourced by tests/run.

layers="lint unit contract contract-tsan hostile fuzz integration e2e chaos compose install"
# Their figures are shown, passed or not.
told_layers="chaos compose install"

# How many programs run at a time. Two where they wait for most of the time; what is timed, or needs all there is, runs alone.
layer_slots() {
    case "$1" in
    unit | contract | contract-tsan | integration | e2e) echo 2 ;;
    *) echo 1 ;;
    esac
}

# What measures gaps, frames or memory has the machine to itself.
runs_alone() {
    case "$1" in
    *e2e/test_media_kills* | *e2e/test_web_networks* | *e2e/test_web_leaks*) ;;
    *) false ;;
    esac
}

layer_builds() {
    case "$1" in
    lint) echo clang ;;
    unit) echo "dev web" ;;
    contract | hostile) echo dev ;;
    contract-tsan) echo tsan ;;
    fuzz) ;; # builds for itself
    integration) echo "dev release node" ;;
    e2e) echo "release node" ;;
    compose) echo node ;; # the images build the rest
    install) echo "release node" ;;
    chaos) echo "dev release" ;;
    esac
}

# One line for each: a program and its arguments.
layer_programs() {
    case "$1" in
    lint) scripts tests/lint ;;
    unit)
        binaries dev unit
        scripts tests/unit
        ;;
    contract | hostile) binaries dev "$1" ;;
    contract-tsan) binaries tsan contract ;;
    fuzz) echo "tests/fuzz/run ${LYNKS_FUZZ_SECONDS:-5}" ;;
    integration)
        binaries dev integration
        scripts tests/integration
        ;;
    e2e) scripts tests/e2e ;;
    chaos) scripts tests/chaos ;;
    compose) scripts tests/compose ;;
    install) scripts tests/install ;;
    esac
}

# How long what can be short or long takes, where the environment does not say it.
full_forms() {
    export LYNKS_FUZZ_SECONDS=${LYNKS_FUZZ_SECONDS:-300} LYNKS_CHAOS_SECONDS=${LYNKS_CHAOS_SECONDS:-420}
    export LYNKS_MEDIA_KILLS=${LYNKS_MEDIA_KILLS:-20} LYNKS_JANUS_KILLS=${LYNKS_JANUS_KILLS:-10} LYNKS_LEAK_MINUTES=${LYNKS_LEAK_MINUTES:-60} \
        LYNKS_WHEP_CONNECTIONS=${LYNKS_WHEP_CONNECTIONS:-1000}
    export LYNKS_INSTALL_FULL=1
    long_s=7200
}

# Seconds for a program.
layer_timeout() {
    case "$1" in
    fuzz) echo $((900 + 20 * ${LYNKS_FUZZ_SECONDS:-5})) ;;
    chaos) echo $((400 + 2 * ${LYNKS_CHAOS_SECONDS:-20})) ;;
    compose) echo 1800 ;;
    install) echo "${long_s:-1200}" ;; # fetches packages once a week
    e2e) echo "${long_s:-900}" ;;
    *) echo 600 ;;
    esac
}

# What the build makes now, not what an earlier one left in its folder.
binaries() {
    ninja -C "build/$1" -t targets all 2>/dev/null | sed -n "s|^\(tests/$2/test_[^:/]*\): .*|build/$1/\1|p" | sort
}

scripts() {
    local file
    while IFS= read -r file; do
        case "$file" in
        *.mjs) echo "node --test-reporter=tap $file" ;;
        *) echo "$file" ;;
        esac
    done < <(find "$1" -name node_modules -prune -o -name 'test_*' -type f -perm -u+x -print | sort)
}

build_preset() {
    case "$1" in
    node) "$root/tests/support/node-modules" ;;
    web) "$root/tests/support/node-modules" gateway/web ;;
    tsan)
        # Only what runs there.
        cmake --preset tsan && cmake --build build/tsan -j "$(nproc)" \
            --target $(ninja -C build/tsan -t targets all | sed -n 's/^\(contract_test_[^:]*\): phony$/\1/p')
        ;;
    clang) cmake --preset clang ;; # clang-tidy compiles all of it
    *) cmake --preset "$1" && cmake --build "build/$1" -j "$(nproc)" ;;
    esac
}

# Nothing that a sanitizer finds is let through.
test_environment=(
    CMOCKA_MESSAGE_OUTPUT=TAP
    ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1:strict_string_checks=1
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1:second_deadlock_stack=1
)

# count_tap EXIT_CODE FILE: how many passed and how many failed. What a program announced (1..N) and did not
# report has failed; so has a program that reports nothing, or that fails without naming a failed test.
count_tap() {
    awk -v code="$1" '
        /^1\.\.[0-9]+/ { planned += substr($1, 4) }
        /^ok / { if ($0 ~ /# *[Ss][Kk][Ii][Pp]/) bad++; else good++ }
        /^not ok / { bad++ }
        END {
            if (planned > good + bad) bad += planned - good - bad
            if (good + bad == 0 || (code != 0 && bad == 0)) bad++
            print good + 0, bad + 0
        }' "$2"
}
