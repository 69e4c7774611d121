#!/usr/bin/env bash
# Makes .venv and fills it. Called by the Makefile:
#
#   setup/install.sh chat    what the page needs
#   setup/install.sh test    that, and the tools of the tests
#   setup/install.sh llm     compiles the language model library again (after a failure, or with other CMAKE_ARGS)
#
# Variables: PYTHON (which interpreter), PIP_ARGS (more arguments for pip), CMAKE_ARGS (more arguments for the language
# model library, such as -DGGML_CUDA=on), LLM=none (leave that library out: answers are then extractive).
#
# llama-cpp-python comes as source and compiles for minutes on both cores, while installing the rest is mostly unpacking
# on one: the two run side by side. Runs under bash 3.2, which macOS has.
set -euo pipefail
cd "$(dirname "$0")/.."

goal=${1:-chat}
venv=.venv
logs=$venv/setup
started=$SECONDS

fail() {
    printf 'rag: %s\n' "$*" >&2
    exit 1
}

# --- What has to be on the machine -----------------------------------------------------------------------------------

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local name
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.14 python3.11}; do
        if command -v "$name" >/dev/null && is_new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    name=${PYTHON:-python3}
    fail "Python 3.11 or newer is needed, and $name is $("$name" --version 2>/dev/null || echo 'not there');" \
        "install it (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python)" \
        "or name one: make $goal PYTHON=/path/to/python3"
}

make_venv() {
    if [ -x $venv/bin/python ] && is_new_enough $venv/bin/python && $venv/bin/python -m pip --version >/dev/null 2>&1; then
        return
    fi
    local python output
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python has no venv module; install it (Debian, Ubuntu: apt-get install python3-venv)"
    output=$("$python" -m venv --clear $venv 2>&1) || fail "$python -m venv $venv failed: $output"
}

pinned_llm() { sed -n 's/^llama_cpp_python==\([^ ;]*\).*/\1/p' constraints.txt; }

has_llm() {
    $venv/bin/python - "$(pinned_llm)" <<'PYTHON' 2>/dev/null
import importlib.metadata, sys
sys.exit(importlib.metadata.version("llama-cpp-python") != sys.argv[1])
PYTHON
}

find_compiler() {
    local compiler
    for compiler in "${CXX:-c++}" g++ clang++; do
        # shellcheck disable=SC2086  # CXX may be "ccache g++"
        if printf '#include <vector>\n' | $compiler -x c++ -fsyntax-only - 2>/dev/null; then return; fi
        if [ -n "${CXX:-}" ]; then fail "CXX=$CXX compiles no C++; name another compiler, or none: make $goal CXX="; fi
    done
    fail 'a C++ compiler is needed, and none of c++, g++ and clang++ works; install one' \
        "(Debian, Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install)," \
        "or go on without a language model: make $goal LLM=none"
}

# --- The two halves --------------------------------------------------------------------------------------------------

install_packages() {
    local what=.
    if [ "$goal" = test ]; then what='.[dev]'; fi
    # shellcheck disable=SC2086  # PIP_ARGS is a list of arguments
    $venv/bin/python -m pip install --disable-pip-version-check ${PIP_ARGS:-} --editable "$what"
}

# As many compilers at once as there are cores, but no more than the free memory holds: one takes up to half a GB.
compile_jobs() {
    local jobs room
    jobs=$(getconf _NPROCESSORS_ONLN)
    room=$(awk '/^MemAvailable/ { print int($2 / 500000) }' /proc/meminfo 2>/dev/null || true)
    if [ -n "$room" ] && [ "$room" -lt "$jobs" ]; then jobs=$((room > 0 ? room : 1)); fi
    echo "$jobs"
}

compile_llm() {
    local cache
    # pip keeps the wheels that it builds, whatever they were built with: those of other settings of ours stand in another
    # folder, and a person's wish for other settings goes round them.
    if [ -n "${CMAKE_ARGS:-}" ] || [ "$goal" = llm ]; then
        cache=--no-cache-dir
    else
        cache=$($venv/bin/python -m pip cache dir 2>/dev/null || echo "$PWD/$logs/cache")
        cache=--cache-dir=$cache/rag-vi/$(cksum <setup/llama_cpp.cmake | cut -d ' ' -f 1)
    fi
    rm -rf "$logs/wheel"
    # shellcheck disable=SC2086
    CMAKE_ARGS="-DLLAVA_BUILD=OFF '-DCMAKE_PROJECT_llama_cpp_INCLUDE=$PWD/setup/llama_cpp.cmake' ${CMAKE_ARGS:-}" \
        CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(compile_jobs)} \
        $venv/bin/python -m pip wheel --disable-pip-version-check --verbose "$cache" ${PIP_ARGS:-} \
        --no-deps --wheel-dir "$logs/wheel" "llama-cpp-python==$(pinned_llm)"
}

install_llm() {
    # shellcheck disable=SC2086
    $venv/bin/python -m pip install --disable-pip-version-check ${PIP_ARGS:-} --force-reinstall --no-deps \
        "$logs"/wheel/llama_cpp_python-*.whl &&
        $venv/bin/python -m pip install --disable-pip-version-check ${PIP_ARGS:-} "llama-cpp-python==$(pinned_llm)" &&
        $venv/bin/python -c 'import llama_cpp'
}

# --- A sign of life --------------------------------------------------------------------------------------------------

clock() { printf '%d:%02d' $((($SECONDS - started) / 60)) $((($SECONDS - started) % 60)); }

packages_state() {
    if grep -q '^Installing collected' "$logs/packages.log"; then
        echo unpacking
    else
        sed -n '1s/.*/checking/p; s/^Collecting \([A-Za-z0-9._-]*\).*/fetching \1/p' "$logs/packages.log" | tail -n 1
    fi
}

llm_state() {
    local step
    step=$(grep -Eo '^ *\[ *[0-9]+(/[0-9]+|%)\]' "$logs/llm.log" | tail -n 1 | tr -d ' []')
    case $step in
        "${step#*/}/${step#*/}") echo 'packing' ;;
        */*) echo "compiled ${step%/*} of ${step#*/}" ;;
        *%) echo "compiled $step" ;;
        *) echo 'getting ready' ;;
    esac
}

is_alive() { [ -n "$1" ] && kill -0 "$1" 2>/dev/null; }

watch_both() {
    local next=$((SECONDS + 10)) line
    while is_alive "$packages_pid" || is_alive "$llm_pid"; do
        sleep 0.5
        [ "$SECONDS" -ge "$next" ] || continue
        next=$((SECONDS + 10))
        line=''
        if is_alive "$packages_pid"; then line="packages: $(packages_state)"; fi
        if is_alive "$llm_pid"; then line="${line:+$line; }language model library: $(llm_state)"; fi
        echo "  $(clock)  $line"
    done
}

show_log() {
    grep -v '^WARNING: Location' "$1" | cut -c 1-300 | tail -n 25 | sed 's/^/  | /' >&2
    echo "  (the whole log: $1)" >&2
}

stop_both() {
    trap - INT TERM EXIT
    # Each half leads a process group of its own (set -m), so that its compilers end with it.
    local pid
    for pid in $packages_pid $llm_pid; do kill -- "-$pid" 2>/dev/null || true; done
}

# --- Do it -----------------------------------------------------------------------------------------------------------

# pip also reads these for the packages that it builds with.
export PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt

make_venv
if has_llm; then touch $venv/.llm; else rm -f $venv/.llm; fi
wants_llm=yes
if [ "${LLM:-}" = none ]; then wants_llm=no; fi
if [ "$goal" != llm ] && [ -e $venv/.llm ]; then wants_llm=no; fi
if [ $wants_llm = yes ]; then find_compiler; fi

mkdir -p "$logs"
echo "Setting up $venv with $($venv/bin/python --version)."
if [ $wants_llm = yes ]; then
    echo 'The first time takes minutes: the language model library (llama-cpp-python) is compiled from source.'
fi

packages_pid='' llm_pid=''
trap stop_both EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
set -m
if [ "$goal" != llm ]; then
    : >"$logs/packages.log"
    install_packages >"$logs/packages.log" 2>&1 </dev/null &
    packages_pid=$!
fi
if [ $wants_llm = yes ]; then
    : >"$logs/llm.log"
    compile_llm >"$logs/llm.log" 2>&1 </dev/null &
    llm_pid=$!
fi
set +m
watch_both

if [ -n "$packages_pid" ] && ! wait "$packages_pid"; then
    show_log "$logs/packages.log"
    fail "the packages could not be installed; the log above tells why (is a package registry within reach?)"
fi
if [ -n "$llm_pid" ]; then
    if wait "$llm_pid" && install_llm >>"$logs/llm.log" 2>&1; then
        touch $venv/.llm
        rm -rf "$logs/wheel"
    else
        show_log "$logs/llm.log"
        if [ "$goal" != chat ]; then
            fail "the language model library could not be built; the log above tells why"
        fi
        echo 'rag: the language model library could not be built; going on without it. Try again with: make llm' >&2
    fi
fi
trap - EXIT
if [ "$goal" = test ]; then touch $venv/.test; fi
if [ "$goal" != llm ]; then touch $venv/.chat; fi
echo "Ready after $(clock)."
