#!/bin/bash
# File capabilities of new files: what is set is seen, and a write takes it away.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# cap_net_raw+ep, as setcap(8) writes it.
value=0x0100000200200000000000000000000000000000

capability() {
	getfattr -h -e hex -n security.capability --only-values "$1" 2>/dev/null | od -An -tx1 | tr -d " \n" || true
}

new_file() {
	local view other

	mount_start
	view=$(session_make s)
	echo x >"$view/new" # the write asks for the capability, and is told of none
	is "$(capability "$view/new")" ''
	setfattr -n security.capability -v $value "$view/new"
	is "$(capability "$view/new")" "${value#0x}" "what was set"
	echo y >>"$view/new"
	is "$(capability "$view/new")" '' "after a write"
	setfattr -n security.capability -v $value "$view/new"
	ln "$view/new" "$view/other"
	is "$(capability "$view/other")" "${value#0x}" "by another name"
	mv "$view/new" "$view/moved"
	is "$(capability "$view/moved")" "${value#0x}" "after a rename"
	setfattr -x security.capability "$view/moved"
	is "$(capability "$view/other")" '' "after its removal"

	# A new file that becomes a lock lives in the share, where others may change it too.
	echo z >"$view/plain"
	mv "$view/plain" "$view/x.lock"
	setfattr -n security.capability -v $value "$share/x.lock"
	other=$(session_make t)
	is "$(capability "$other/x.lock")" "${value#0x}"
	is "$(capability "$view/x.lock")" "${value#0x}" "set by an outsider"
	mount_stop
}

share_options='lock=*.lock'
both_ways new_file
