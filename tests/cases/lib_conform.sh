# shellcheck shell=bash
# Plays families of the conformance cases (tests/conform/FAMILY.cases) on a plain directory, on the
# kernel's overlayfs and on views, as root and as others, over objects of the lower, copied up, and
# made in the overlay, and compares the transcripts. Sourced instead of lib.sh.
#
#	conform_on_tmpfs		where the cases do not depend on the file system: much faster
#	conform_families FAMILY...
#
# CONFORM_ONLY='GLOB' plays the cases of these names only. CONFORM_KEEP=DIR keeps the transcripts.
CASE_SECONDS=110
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

conform_tables=$here/../conform
conform_cases=()
conform_people=(root user group)
conform_views=(passthrough nopassthrough)
conform_said=${CONFORM_KEEP:-$dir/said}
work=$dir/work
trap 'umount -l "$work/overlay" "$work" 2>/dev/null || true; on_exit' EXIT
mkdir "$work"

conform_on_tmpfs() {
	mount -t tmpfs -o mode=755 tmpfs "$work"
	share=$work/share
	store=$work/store
	mkdir "$share"
}

# conform make|play DIRECTORY PERSON ORIGIN
conform() {
	"$SESSIONFS_PROGS/conform" "$@" "${conform_cases[@]}"
}

# In the lower of both overlays, and beside them.
conform_make() {
	local who

	mkdir -p "$work/native" "$conform_said"
	for who in "${conform_people[@]}"; do
		conform make "$work/native" "$who" lower
		conform make "$share" "$who" lower
		conform make "$share" "$who" copied
	done
}

# play_on NAME DIRECTORY PERSON ORIGIN...
conform_play() {
	local name=$1 at=$2 who=$3 origin

	shift 3
	for origin; do
		conform play "$at" "$who" "$origin" >"$conform_said/$name.$who.$origin"
	done
}

conform_native() {
	local who

	for who in "${conform_people[@]}"; do
		conform_play native "$work/native" "$who" lower
	done
}

conform_overlayfs() {
	local who

	mkdir "$work/overlay" "$work/upper" "$work/work"
	mount -t overlay overlay \
		-o "volatile,redirect_dir=on,lowerdir=$share,upperdir=$work/upper,workdir=$work/work" \
		"$work/overlay" || skip "no overlayfs here"
	for who in "${conform_people[@]}"; do
		conform_play overlayfs "$work/overlay" "$who" lower copied upper
	done
	umount "$work/overlay"
}

# Each user in a session of his own. The share stays as it was.
conform_view() {
	local who v uid

	rm -rf "$store"
	way=()
	# shellcheck disable=SC2034 # of lib.sh
	[[ $1 == passthrough ]] || way=(--no-passthrough)
	mount_start
	for who in "${conform_people[@]}"; do
		uid=1234
		[[ $who == root ]] && uid=0
		v=$(session_make "$who" "$uid")
		conform_play "$1" "$v" "$who" lower copied upper
	done
	mount_stop
	snapshot "$share" >"$dir/after"
	same "$dir/before" "$dir/after" "the share before and after"
}

conform_families() {
	local family view

	for family; do
		conform_cases+=("$conform_tables/$family.cases")
	done
	conform_make
	conform_native
	conform_overlayfs
	snapshot "$share" >"$dir/before"
	for view in "${conform_views[@]}"; do
		conform_view "$view"
	done
	"$python" "$conform_tables/compare.py" "$conform_said" "$conform_tables/differences" \
		"$here/../../docs/differences.md" || fail "views differ otherwise than is known"
}
