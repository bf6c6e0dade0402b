#!/bin/bash
# Programs that take long to start or are large: a database server, an X server, a virtual machine, a
# package manager. Only in the long run of the tests, and only what is installed.
CASE_SECONDS=300
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[[ ${SESSIONFS_LONG-} ]] || skip "takes long"

as_postgres() {
	setpriv --reuid=postgres --regid=postgres --clear-groups env HOME="$PWD" PGHOST="$PWD" LC_ALL=C "$@"
}

# Its cluster lies in the lower; the session changes it.
postgres_works() {
	local bin=$1 view=$2

	cd "$view/postgres"
	as_postgres "$bin/pg_ctl" -s -w -D data -l log -o "-k $PWD -h ''" start || fail "$(cat log)"
	as_postgres "$bin/createdb" bench
	as_postgres "$bin/pgbench" -q -i -s 1 bench 2>/dev/null
	as_postgres "$bin/pgbench" -c 4 -j 2 -t 100 bench >bench.out 2>&1
	grep -q 'transactions actually processed: 400/400' bench.out || fail "$(cat bench.out)"
	as_postgres "$bin/pg_ctl" -s -w -D data -m immediate stop
	as_postgres "$bin/pg_ctl" -s -w -D data -l log -o "-k $PWD -h ''" start || fail "$(cat log)"
	is "$(as_postgres "$bin/psql" -At bench -c 'select count(*) from pgbench_history')" 400 "after a crash of the server"
	as_postgres "$bin/pg_ctl" -s -w -D data stop
	as_postgres "$bin/pg_checksums" -D data --check >/dev/null
	cd /
}

x_works() {
	local server

	cd "$1"
	mkdir -p -m 1777 .X11-unix
	Xvfb -displayfd 3 -nolisten tcp -screen 0 64x64x24 -fbdir "$PWD" 3>display 2>xvfb.log &
	server=$!
	within 20 test -s display
	kill $server
	wait $server || true
	cd /
}

java_works() {
	cd "$1"
	cat >Hello.java <<-'END'
		import java.nio.file.*;
		public class Hello {
			public static void main(String[] args) throws Exception {
				Path path = Files.createTempFile(Path.of(args[0]), "x", ".txt");
				Files.writeString(path, "hello");
				Files.move(path, Path.of(args[0], "hello.txt"), StandardCopyOption.ATOMIC_MOVE);
				System.out.println(Files.readString(Path.of(args[0], "hello.txt")));
			}
		}
	END
	is "$(java -Djava.io.tmpdir="$PWD" Hello.java "$PWD")" hello
	cd /
}

npm_works() {
	cd "$1"
	mkdir -p part whole
	echo '{"name": "part", "version": "1.0.0", "main": "index.js"}' >part/package.json
	echo 'module.exports = 7' >part/index.js
	(cd part && npm pack --silent --pack-destination .. >/dev/null)
	cd whole
	echo '{"name": "whole", "version": "1.0.0"}' >package.json
	npm install --silent --offline --no-audit --no-fund --cache "$PWD/cache" ../part-1.0.0.tgz
	is "$(node -p 'require("part")')" 7
	cd /
}

body() {
	local bin view

	bin=$(compgen -G '/usr/lib/postgresql/*/bin' | tail -n 1) || bin=
	chmod 755 "$share"
	if [[ $bin ]]; then
		mkdir "$share/postgres"
		chown postgres: "$share/postgres"
		cd "$share/postgres"
		as_postgres "$bin/initdb" -k -D data >/dev/null
		cd /
		content "$share" >"$dir/before"
	fi
	mount_start
	view=$(session_make s)
	# A user of his own enters below the session's directory.
	chmod 711 "$mnt/sessions/0" 2>/dev/null || true
	if [[ $bin ]]; then
		mkdir -p "$dir/view"
		mount --bind "$view" "$dir/view"
		postgres_works "$bin" "$dir/view"
		umount "$dir/view"
		content "$share" >"$dir/after"
		same "$dir/before" "$dir/after" "the lower"
	fi
	[[ ! $(type -P Xvfb) ]] || x_works "$view"
	[[ ! $(type -P java) ]] || java_works "$view"
	[[ ! $(type -P npm) ]] || npm_works "$view"
	mount_stop
}

both_ways body
