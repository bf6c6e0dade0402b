#!/bin/bash
# As tests/cases/model*.sh, ten times as much.
CASE_SECONDS=1700
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../cases/lib.sh"
# shellcheck source=tests/cases/lib_model.sh
. "$here/lib_model.sh"

ops=500000
[[ ${SESSIONFS_TREE-} == asan ]] && ops=120000

body() {
	model_case $ops
}

both_ways body
