# shellcheck shell=bash disable=SC2154 # what lib.sh sets
# Operations at random, to a view and to a plain directory in step: what the cases of that share.
# See tests/model/main.c. After lib.sh:
#
#	model_rounds FIRST_SEED COUNT RUN_OPTION...
#	model_persists

# lower: its seed; round: operations of a session. The model of session sSEED is $dir/models/SEED.
model=$SESSIONFS_PROGS/model
lower=1
round=2000

# model_lower: the share gets its content.
model_lower() {
	mkdir "$dir/models"
	"$model" populate "$share" "$lower"
	snapshot "$share" >"$dir/lower"
}

model_rounds() {
	local seed=$1 end=$(($1 + $2)) v

	shift 2
	for (( ; seed < end; seed++)); do
		v=$(session_make "s$seed")
		cp -a "$share" "$dir/models/$seed"
		"$model" run "$v" "$dir/models/$seed" "$seed" "$round" "$@" ||
			fail "to repeat it: tests/model/shrink $lower $seed $round ${way[*]} $*"
	done
}

# model_persists: under another mount the sessions are what they were, and so is the lower.
model_persists() {
	local copy seed option

	mount_stop
	mount_start
	for copy in "$dir"/models/*; do
		seed=${copy##*/}
		option=()
		((seed < 100000)) || option=(--no-mmap)
		"$model" compare "$mnt/sessions/0/s$seed$share" "$copy" "${option[@]}" ||
			fail "session s$seed is not what it was"
	done
	mount_stop
	snapshot "$share" | same "$dir/lower" /dev/stdin "the lower"
	rm -rf "$dir/models"
}

# model_case OPERATIONS: half of them with maps, half without; in the long run the last round has a
# seed of its own, else always the same ones: what passed once shall pass again.
model_case() {
	local count=$(($1 / 2 / round)) random=1000000

	if [[ ${SESSIONFS_LONG-} ]]; then
		random=$((RANDOM * 32768 + RANDOM + 100000))
		echo "the seed of this run's own is $random"
	fi
	model_lower
	mount_start
	model_rounds 1 "$count"
	model_rounds 100001 $((count - 1)) --no-mmap
	model_rounds "$random" 1 --no-mmap
	model_persists
}
