/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/checks.h"
#include "cli/ctl_client.h"
#include "cli/fields.h"
#include "cli/output.h"
#include "cli/text.h"

static size_t count_results(const json_t *checks, enum check_result result)
{
	size_t i, count = 0;
	json_t *check;

	json_array_foreach(checks, i, check)
	{
		count += strcmp(field_text(check, "result"), check_result_name(result)) == 0;
	}
	return count;
}

static void fail_checks(struct answer *answer, json_t *checks, size_t failed)
{
	struct err err;

	err_set(&err, ERR_CHECK_FAILED, "%zu check%s failed", failed, failed == 1 ? "" : "s");
	answer->error = output_error(&err);
	json_object_set(answer->error, "checks", checks);
}

/* *facts borrows from status and err. */
static void gather(const struct call *call, struct answer *status, struct check_facts *facts,
		   struct err *err)
{
	*facts = (struct check_facts){.mountpoint = call->mountpoint, .unanswered = "", .cure = ""};
	facts->hangs = ctl_check(call->mountpoint, err) < 0;
	if (facts->hangs || ctl_call_consume(call, ctl_request("status"), status, err) < 0) {
		facts->unanswered = err->message;
		facts->cure = err->suggestion;
	} else if (status->error) {
		facts->unanswered = field_text(status->error, "message");
		facts->cure = field_text(status->error, "suggestion");
	} else {
		facts->status = status->data;
	}
}

static int doctor_act(struct call *call, struct answer *answer, struct err *err)
{
	struct answer status = {0};
	struct check_facts facts;
	json_t *checks;
	size_t failed;

	gather(call, &status, &facts, err);
	checks = checks_run(&facts);
	failed = count_results(checks, CHECK_FAIL);
	answer->data = json_object();
	json_object_set_new(answer->data, "checks", checks);
	json_object_set_new(answer->data, "warnings",
			    json_integer((json_int_t)count_results(checks, CHECK_WARN)));
	if (failed)
		fail_checks(answer, checks, failed);
	answer_release(&status);
	return 0;
}

static void put_check(const struct call *call, const json_t *check)
{
	const char *result = field_text(check, "result");
	const char *colour = strcmp(result, "ok") == 0     ? "\033[32m"
			     : strcmp(result, "warn") == 0 ? "\033[33m"
							   : "\033[31m";
	const char *advice = field_text(check, "advice");

	printf("%s%-4s%s  %-12s  ", call->colour ? colour : "", result,
	       call->colour ? "\033[0m" : "", field_text(check, "name"));
	text_put(stdout, field_text(check, "detail"));
	putchar('\n');
	if (!advice[0])
		return;
	fputs("                    -> ", stdout);
	text_put(stdout, advice);
	putchar('\n');
}

static void doctor_show(const struct call *call, const struct answer *answer)
{
	json_t *check;
	size_t i;

	json_array_foreach(json_object_get(answer->data, "checks"), i, check)
	{
		put_check(call, check);
	}
}

const struct verb verb_doctor = {
	.name = "doctor",
	.summary = "Check what sessionfs needs on this machine",
	.usage = "",
	.description = "Exit status 0 where no check fails (warnings may remain), else 1.",
	.act = doctor_act,
	.show = doctor_show,
};
