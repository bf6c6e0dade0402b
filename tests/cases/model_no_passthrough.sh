#!/bin/bash
# As model.sh, with all data moving through the daemon.
CASE_SECONDS=300
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/cases/lib_model.sh
. "$here/lib_model.sh"

ops=50000
[[ ${SESSIONFS_TREE-} == asan ]] && ops=12000
way=(--no-passthrough)
model_case $ops
