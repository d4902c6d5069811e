#!/usr/bin/env bash
# Installs what the tests need, then runs all of them. Works on a fresh Debian or Ubuntu machine
# that has a Rust toolchain; asks nothing; installs only what is missing.
#
#   bash tests/run.sh [--real-data DIR]
#
# --real-data DIR  also run the tests that read the real data sets (one folder per set in DIR).
#                  Without it, ../shared/data is used where it exists.
#
# The last line says whether everything passed; the exit code says the same.
set -uo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8 PATH="$HOME/.cargo/bin:$PATH:/usr/sbin:/sbin"

readonly DENY_VERSION=0.20.2
readonly TARGET="${CARGO_TARGET_DIR:-$PWD/target}"
readonly LOGS="$TARGET/test-logs"
readonly PYTHON_ENV="$TARGET/test-env"
readonly NODE_ENV="$TARGET/test-node"
readonly NODE_MAJOR_MIN=18

started=$SECONDS
current=start
finished=no
passed=()
failed=()

closing_line() {
    [ "$finished" = yes ] || printf '\nNOT PASSED: stopped during "%s"\n' "$current"
}
trap closing_line EXIT

fail_now() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

minutes() {
    printf '%dm%02ds' $(($1 / 60)) $(($1 % 60))
}

# part NAME COMMAND...: runs a part, keeps its output, says how long it took. A part that fails
# does not stop the ones behind it: one run shows all that is wrong.
part() {
    local name=$1 from=$SECONDS verdict=ok
    shift
    current=$name
    printf '\n==> %s: %s\n' "$name" "$*"
    if "$@" 2>&1 | tee "$LOGS/$name.log"; then
        passed+=("$name")
    else
        failed+=("$name")
        verdict=FAILED
    fi
    printf '<== %s %s in %s\n' "$name" "$verdict" "$(minutes $((SECONDS - from)))"
}

read_arguments() {
    local real_data=../shared/data
    while [ $# -gt 0 ]; do
        case $1 in
            --real-data)
                [ $# -ge 2 ] || fail_now "--real-data needs a directory"
                real_data=$2
                [ -d "$real_data" ] || fail_now "no such directory: $real_data"
                shift 2
                ;;
            -h | --help)
                sed -n '2,11s/^# \{0,1\}//p' tests/run.sh
                finished=yes
                exit 0
                ;;
            *) fail_now "unknown argument: $1 (see --help)" ;;
        esac
    done
    if [ -d "$real_data" ]; then
        CADENCIA_REAL_DATA=$(cd "$real_data" && pwd)
        export CADENCIA_REAL_DATA
    fi
}

have() {
    command -v "$1" >/dev/null 2>&1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo -n "$@" || fail_now "could not run as root: $* (do it yourself, then run this again)"
    else
        fail_now "this needs root or sudo: $*"
    fi
}

install_packages() {
    local missing=()
    have cc || missing+=(build-essential)
    have openssl || missing+=(openssl)
    have node && have npm || missing+=(nodejs npm)
    have smtp-sink && have smtp-source || missing+=(postfix)
    find_chromium >/dev/null || [ "$(distribution)" = ubuntu ] || missing+=(chromium)
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installing ${missing[*]}"
    have apt-get || fail_now "missing: ${missing[*]} (no apt-get here: install them yourself)"
    # Only postfix's test programs are wanted: "No configuration" starts no mail server.
    if have debconf-set-selections; then
        echo 'postfix postfix/main_mailer_type select No configuration' |
            as_root debconf-set-selections
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends "${missing[@]}" >/dev/null || fail_now "apt-get install failed"
}

distribution() {
    sed -n 's/^ID=//p' /etc/os-release 2>/dev/null | tr -d '"'
}

# A browser that runs here. Ubuntu's package is a snap, which does not run in a container: there
# Playwright's own build is taken.
find_chromium() {
    local found own=("$NODE_ENV"/browsers/chromium-*/chrome-linux*/chrome)
    for found in chromium google-chrome chromium-browser "${own[@]}"; do
        found=$(command -v "$found") && "$found" --version >/dev/null 2>&1 || continue
        echo "$found"
        return 0
    done
    return 1
}

install_chromium() {
    if ! find_chromium >/dev/null; then
        echo "installing Playwright's Chromium"
        (cd "$NODE_ENV" && as_root env PLAYWRIGHT_BROWSERS_PATH="$NODE_ENV/browsers" PATH="$PATH" \
            npx playwright-core install --with-deps chromium >/dev/null) ||
            fail_now "no browser: install chromium yourself, then run this again"
    fi
    CADENCIA_TEST_CHROMIUM=$(find_chromium) || fail_now "no browser runs here"
    export CADENCIA_TEST_CHROMIUM
}

install_python_env() {
    local python="$PYTHON_ENV/bin/python" stamp="$PYTHON_ENV/requirements.txt"
    if ! cmp -s tests/requirements.txt "$stamp"; then
        echo "preparing the Python environment of the tests"
        rm -rf "$PYTHON_ENV"
        python3 -m venv "$PYTHON_ENV" || fail_now "python3 -m venv failed"
        "$python" -m pip install --quiet --no-input --disable-pip-version-check \
            -r tests/requirements.txt || fail_now "pip install failed"
        cp tests/requirements.txt "$stamp"
    fi
    export CADENCIA_TEST_PYTHON=$python
}

install_node_packages() {
    local stamp="$NODE_ENV/package.json" major
    major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
    [ "$major" -ge $NODE_MAJOR_MIN ] || fail_now "node $major is older than $NODE_MAJOR_MIN"
    if ! cmp -s tests/package.json "$stamp"; then
        echo "preparing the npm packages of the tests"
        rm -rf "$NODE_ENV"
        mkdir -p "$NODE_ENV"
        (cd "$NODE_ENV" && cp "$OLDPWD/tests/package.json" . &&
            npm install --no-audit --no-fund --loglevel=error >/dev/null) ||
            { rm -f "$stamp"; fail_now "npm install failed"; }
    fi
    export CADENCIA_TEST_NODE_MODULES="$NODE_ENV/node_modules"
}

install_rust_tools() {
    have cargo || fail_now "cargo not found: install a Rust toolchain (rustup) first"
    cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt ||
        fail_now "rustfmt is missing"
    cargo clippy --version >/dev/null 2>&1 || rustup component add clippy ||
        fail_now "clippy is missing"
    have cargo-deny && return 0
    echo "building cargo-deny $DENY_VERSION (once; kept in ~/.cargo/bin)"
    # Built for a short build, not for speed: it runs for seconds.
    CARGO_TARGET_DIR="$TARGET/tools" CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install --quiet --locked cargo-deny --version "$DENY_VERSION" ||
        fail_now "cargo install cargo-deny failed"
    rm -rf "$TARGET/tools"
}

build() {
    # The tests start the binary as a process; `cargo test` alone would not build it.
    cargo build --locked --workspace --bins && cargo test --locked --workspace --no-run
}

# Sums the result lines of all test programs. No test may be switched off.
count_tests() {
    awk '/^test result:/ { passed += $4; failed += $6; ignored += $8 }
         END { printf "%d %d %d\n", passed, failed, ignored }' "$LOGS/test.log"
}

close() {
    local ok bad ignored took real="without the real data"
    [ -n "${CADENCIA_REAL_DATA:-}" ] && real="with the real data"
    read -r ok bad ignored < <(count_tests)
    took=$(minutes $((SECONDS - started)))
    [ "$ok" -gt 0 ] || failed+=("no test ran")
    [ "$ignored" -eq 0 ] || failed+=("$ignored tests are switched off")
    finished=yes
    echo
    if [ ${#failed[@]} -gt 0 ]; then
        printf 'NOT PASSED: %s; %s tests passed, %s failed, %s, %s in all\n' \
            "$(IFS=, && echo "${failed[*]}")" "$ok" "$bad" "$real" "$took"
        exit 1
    fi
    printf 'ALL PASSED: %s; %s tests passed, 0 failed, 0 ignored, %s, %s in all\n' \
        "$(IFS=, && echo "${passed[*]}")" "$ok" "$real" "$took"
}

main() {
    read_arguments "$@"
    rm -rf "$LOGS" && mkdir -p "$LOGS" || fail_now "cannot write to $TARGET"
    current=install
    local from=$SECONDS
    install_packages
    install_python_env
    install_node_packages
    install_chromium
    install_rust_tools
    echo "everything that the tests need is there ($(minutes $((SECONDS - from))))"
    export CADENCIA_TEST_BIN="$TARGET/debug/cadencia"
    part fmt cargo fmt --all --check
    part clippy cargo clippy --locked --workspace --all-targets -- -D warnings
    part deny cargo deny --log-level warn check bans licenses sources
    part build build
    part test cargo test --locked --workspace --no-fail-fast
    close
}

main "$@"
