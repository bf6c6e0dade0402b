# Prints "URI|KEYRING" for each apt source that serves the component main of this very
# distribution; third parties serve other suites or components.
#
# Usage: awk -v codename=bookworm -f apt-mirrors.awk /etc/apt/sources.list.d/*
#
# Reads one-line *.list files and deb822 *.sources files. KEYRING is empty where the source names
# none, and where it holds the key itself: apt's default keyrings follow the newer suites' keys.

function emit(uri, suite, components)
{
	if (uri !~ /^[a-z+]+:/ || uri ~ /^cdrom:/)
		return
	if (suite != codename && suite !~ /^(oldoldstable|oldstable|stable|testing|unstable|sid)$/)
		return
	if (components !~ /(^|[ \t])main([ \t]|$)/)
		return
	if (!seen[uri]++)
		print uri "|" key
}

function end_stanza(    i, j, n, m, u, s)
{
	n = split(field["uris"], u)
	m = split(field["suites"], s)
	key = field["signed-by"]
	gsub(/^[ \t]+|[ \t]+$/, "", key)
	if (key !~ /^\/[^ \t]*$/)
		key = ""
	if (tolower(field["enabled"]) !~ /no|false/)
		for (i = 1; i <= n; i++)
			for (j = 1; j <= m; j++)
				emit(u[i], s[j], field["components"])
	split("", field)
	name = ""
}

FNR == 1 { end_stanza() }
/^[ \t]*#/ { next }

FILENAME ~ /\.list$/ {
	sub(/#.*/, "")
	if ($1 !~ /^deb(-src)?$/)
		next
	key = ""
	if (match($0, /\[[^]]*\]/)) {
		options = substr($0, RSTART, RLENGTH)
		$0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
		if (match(options, /signed-by=[^] ,]+/))
			key = substr(options, RSTART + 10, RLENGTH - 10)
	}
	uri = $2
	suite = $3
	$1 = $2 = $3 = ""
	emit(uri, suite, $0)
	next
}

/^[ \t]*$/ { end_stanza(); next }
/^[^ \t]/ {
	name = tolower($0)
	sub(/:.*/, "", name)
	sub(/^[^:]*:/, "")
}
name != "" { field[name] = field[name] " " $0 }
END { end_stanza() }
