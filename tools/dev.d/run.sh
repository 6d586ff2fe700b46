# shellcheck shell=bash

#: run                    a collector from the release build, its data in build/run
cmd_run() {
    build release
    mkdir -p build/run
    [ -f build/run/werd.yaml ] || cat >build/run/werd.yaml <<'YAML'
data: data
ingest:
    listen: ["127.0.0.1:1273"]
YAML
    exec build/release/werd -c build/run/werd.yaml
}

#: coverage               line coverage of the tests, as text
cmd_coverage() {
    need gcovr
    build coverage
    meson test -C build/coverage --no-rebuild --quiet || true
    gcovr -r . --object-directory build/coverage --exclude tests --exclude src/werload "$@"
}
