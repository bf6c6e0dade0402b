/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "lock/redact.h"

/* The arguments as shown, joined by '|'. */
static void shown(const char *const *arguments, struct buf *buf)
{
	struct redact_state state = {0};

	for (size_t i = 0; arguments[i]; i++) {
		if (i > 0)
			buf_add_str(buf, "|");
		redact_argument(&state, arguments[i], buf);
	}
}

static const struct {
	const char *arguments[8];
	const char *expected;
} cases[] = {
	{{"tool", "build", "--fast"}, "tool|build|--fast"},
	{{"tool", "--password", "hunter2", "x"}, "tool|--password|[redacted]|x"},
	{{"tool", "--password=hunter2", "x"}, "tool|--password=[redacted]|x"},
	{{"tool", "--db-password=a b&c", "x"}, "tool|--db-password=[redacted]|x"},
	{{"tool", "--token", "t", "--token=t"}, "tool|--token|[redacted]|--token=[redacted]"},
	{{"tool", "--api-key=k", "--apikey", "k"}, "tool|--api-key=[redacted]|--apikey|[redacted]"},
	{{"tool", "-token", "k"}, "tool|-token|[redacted]"},
	{{"tool", "--client_secret", "s"}, "tool|--client_secret|[redacted]"},
	{{"tool", "--password-file", "/etc/pw"}, "tool|--password-file|/etc/pw"},
	{{"docker", "login", "--password-stdin", "reg"}, "docker|login|--password-stdin|reg"},
	{{"env", "MY_TOKEN=abc", "make"}, "env|MY_TOKEN=[redacted]|make"},
	{{"env", "PGPASSWORD=x y", "HOME=/root"}, "env|PGPASSWORD=[redacted]|HOME=/root"},
	{{"env", "SECRET=", "x"}, "env|SECRET=|x"},
	{{"docker", "run", "-e", "API_KEY=1", "i"}, "docker|run|-e|API_KEY=[redacted]|i"},
	{{"docker", "--env=API_KEY=1"}, "docker|--env=API_KEY=[redacted]"},
	{{"curl", "-u", "me:pw", "http://h"}, "curl|-u|me:[redacted]|http://h"},
	{{"curl", "--user", "me", "http://h"}, "curl|--user|me|http://h"},
	{{"curl", "https://me:pw@host/p?a=1"}, "curl|https://me:[redacted]@host/p?a=1"},
	{{"curl", "https://host:80/p@q"}, "curl|https://host:80/p@q"},
	{{"curl", "http://h/?token=abc&x=1"}, "curl|http://h/?token=[redacted]&x=1"},
	{{"curl", "-H", "Authorization: Bearer a.b"}, "curl|-H|Authorization: [redacted]"},
	{{"curl", "-d", "{\"password\": \"a b\", \"n\": 1}"},
	 "curl|-d|{\"password\": \"[redacted]\", \"n\": 1}"},
	{{"sh", "-c", "x; TOKEN=abc run; y"}, "sh|-c|x; TOKEN=[redacted] run; y"},
	{{"git", "clone", "https://ghp_0123456789abcdef@github.com/a"},
	 "git|clone|https://[redacted]@github.com/a"},
	{{"aws", "AKIAIOSFODNN7EXAMPLE"}, "aws|[redacted]"},
	{{"x", "sk-proj-abcdefghijklmnop"}, "x|[redacted]"},
	{{"x", "task-abcdefghijklmnopqrst"}, "x|task-abcdefghijklmnopqrst"},
	{{"x", "-----BEGIN RSA PRIVATE KEY-----\nMIIE"}, "x|[redacted]"},
	{{"mysql", "-phunter2", "-p", "db"}, "mysql|-p[redacted]|-p|[redacted]"},
	{{"/usr/bin/sshpass", "-p", "pw", "ssh"}, "/usr/bin/sshpass|-p|[redacted]|ssh"},
	{{"nc", "-p", "8080"}, "nc|-p|8080"},
	{{"tool", "--password"}, "tool|--password"},
	{{"tool", "", "x"}, "tool||x"},
	{{"git", "commit", "--author=Me <m@x>"}, "git|commit|--author=Me <m@x>"},
};

Test(redact, secrets_go_and_the_rest_stays)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf buf = {0};

		shown(cases[i].arguments, &buf);
		cr_expect_str_eq(buf.data, cases[i].expected, "case %zu: %s", i, buf.data);
	}
}
