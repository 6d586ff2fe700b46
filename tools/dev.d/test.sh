# shellcheck shell=bash

#: test [long|corpora|NAME]  what CI runs; long: soak and ten million rows; corpora: stacks
#:                        beside those that others recorded; NAME: tests named so
cmd_test() {
    case ${1:-} in
    '') test_all ;;
    long) test_long ;;
    corpora) test_corpora ;;
    *) test_named "$1" ;;
    esac
}

END_TO_END_PACKAGES="python3-pytest openssl curl sqlite3 cabextract gcab p7zip-full gcc-mingw-w64-x86-64 wine64 libgnutls30"

# Sanitizers end a program at the first finding; a leak is one.
test_environment() {
    export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    export LSAN_OPTIONS=suppressions=$PWD/tests/support/lsan.supp:print_suppressions=0
}

# Counts the cases inside the test programs: cmocka's own lines, one for each replay.
count_meson() {
    python3 - "$1" <<'PYTHON'
import json, re, sys
passed = failed = 0
skips = []
for line in open(sys.argv[1]):
    test = json.loads(line)
    out = (test.get("stdout") or "") + (test.get("stderr") or "")
    good = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test\(s\)", out)))
    bad = len(re.findall(r"\[  FAILED  \] \S+$", out, re.M))
    if test["result"] not in ("OK", "SKIP") and bad == 0:
        bad = 1
    if good == 0 and bad == 0 and test["result"] == "OK":
        good = 1
    if test["result"] not in ("OK", "SKIP"):
        print(f"failed: {test['name']}\n{out[-4000:]}", file=sys.stderr)
    passed += good
    failed += bad
    skips += re.findall(r"^skip: .*$", out, re.M)
for skip in sorted(set(skips)):
    print(skip, file=sys.stderr)
print(passed, failed)
PYTHON
}

count_pytest() {
    python3 - "$1" <<'PYTHON'
import sys, xml.etree.ElementTree as tree
try:
    suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
except (OSError, tree.ParseError):
    print(0, 1, 0)
    sys.exit()
n = {k: int(suite.get(k)) for k in ("tests", "failures", "errors", "skipped")}
failed = n["failures"] + n["errors"]
print(n["tests"] - failed - n["skipped"], failed, n["skipped"])
PYTHON
}

test_all() {
    # shellcheck disable=SC2086
    need $END_TO_END_PACKAGES
    build debug
    build release
    test_environment
    local passed failed more_passed more_failed skipped check_failed=0
    cmd_check || check_failed=1
    meson test -C build/debug --no-rebuild --quiet --num-processes 2 >/dev/null 2>&1 || true
    read -r passed failed < <(count_meson build/debug/meson-logs/testlog.json)
    say "units and replays: $passed passed, $failed failed"
    /usr/bin/python3 -m pytest -q -p no:cacheprovider --durations=5 \
        --junit-xml=build/debug/pytest.xml tests/e2e "${PYTEST_EXTRA[@]}" >&2 || true
    read -r more_passed more_failed skipped < <(count_pytest build/debug/pytest.xml)
    passed=$((passed + more_passed + 1 - check_failed))
    failed=$((failed + more_failed + check_failed))
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}

PYTEST_EXTRA=(-m "not long" -rs)

test_long() {
    # shellcheck disable=SC2086
    need $END_TO_END_PACKAGES
    build debug
    build release
    test_environment
    mkdir -p docs/results
    /usr/bin/python3 -m pytest -q -p no:cacheprovider -m long -s tests/e2e 2>&1 |
        tee docs/results/test-long.txt
    return "${PIPESTATUS[0]}"
}

test_corpora() {
    build debug
    build release
    /usr/bin/python3 -m pytest -q -p no:cacheprovider -s -rs tests/e2e/test_corpora_stacks.py 2>&1 |
        sed -n 's/^[.FsE]*frames //p; /passed\|failed\|skipped\|instead of/p'
    return "${PIPESTATUS[0]}"
}

test_named() {
    # shellcheck disable=SC2086
    need $END_TO_END_PACKAGES
    build debug
    build release
    test_environment
    if meson test -C build/debug --list 2>/dev/null | grep -qx "$1"; then
        meson test -C build/debug --no-rebuild --print-errorlogs "$1"
    else
        /usr/bin/python3 -m pytest -q -p no:cacheprovider -rs tests/e2e -k "$1"
    fi
}
