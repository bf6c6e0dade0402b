#!/bin/bash
# The number of a file stays as it is over copy-up and whatever happens to its name afterwards,
# also when nothing of it is cached any more; stat and readdir agree.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# numbered PATH NUMBER: stat and readdir both say so.
numbered() {
	local listed

	is "$(stat -c %i "$1")" "$2" "stat of $1"
	listed=$("$python" -c '
import os, sys
dir, name = os.path.split(sys.argv[1])
print(next(entry.inode() for entry in os.scandir(dir or ".") if entry.name == name))' "$1")
	is "$listed" "$2" "readdir of $1"
}

forget() {
	cd /
	echo 2 >/proc/sys/vm/drop_caches
	cd "$v"
}

mkdir -p "$share/from/sub" "$share/to"
for name in written moved linked swapped; do
	echo "$name" >"$share/from/$name"
done
mount_start
v=$(session_make s1)
cd "$v"
mkdir made made/deeper
echo new >made/new

declare -A number
for name in written moved linked swapped sub; do
	number[$name]=$(stat -c %i "from/$name")
done
number[new]=$(stat -c %i made/new)

echo more >>from/written
mv from/moved made/
echo more >>from/linked
ln from/linked made/deeper/
"$python" - <<'END'
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
if libc.renameat2(-100, b"from/swapped", -100, b"made/new", 2):
    raise OSError(ctypes.get_errno(), "renameat2")
END
mv from/sub to/

for _ in 1 2; do
	numbered from/written "${number[written]}"
	numbered made/moved "${number[moved]}"
	numbered made/deeper/linked "${number[linked]}"
	numbered from/linked "${number[linked]}"
	numbered made/new "${number[swapped]}"
	numbered from/swapped "${number[new]}"
	numbered to/sub "${number[sub]}"
	forget
done

# What was moved already moves on, into a directory that was never in the lower.
mkdir last
mv made/moved last/
forget
numbered last/moved "${number[moved]}"
cd /
mount_stop
