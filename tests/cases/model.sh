#!/bin/bash
# Operations at random, to a view and to a plain directory in step: both say and show the same.
# What it takes to repeat a run is printed; tests/model/shrink finds the operations that matter.
CASE_SECONDS=300
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/cases/lib_model.sh
. "$here/lib_model.sh"

ops=50000
[[ ${SESSIONFS_TREE-} == asan ]] && ops=12000
model_case $ops
