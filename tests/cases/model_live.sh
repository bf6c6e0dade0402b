#!/bin/bash
# What an outsider does to the share at random is what a view shows a second later: see lib_live.py.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

batches=6
seed=1
if [[ ${SESSIONFS_LONG-} ]]; then
	batches=30
	seed=$RANDOM
fi

live() {
	mount_start
	"$python" "$here/lib_live.py" "$share" "$(session_make s1)" "$seed" "$batches" ||
		fail "to repeat it: the seed is $seed"
	mount_stop
}

both_ways live
