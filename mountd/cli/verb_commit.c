/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/changes_table.h"
#include "cli/ctl_client.h"
#include "cli/fields.h"
#include "cli/operands.h"

static int commit_act(struct call *call, struct answer *answer, struct err *err)
{
	const char *session = args_operand(call->args, 0);
	_cleanup_json_ json_t *request = NULL;

	if (operand_check_session(session, "SESSION", err) < 0)
		return -1;
	request = ctl_request("session.commit");
	json_object_set_new(request, "session", json_string(session));
	json_object_set_new(request, "dry_run", json_boolean(args_given(call->args, "dry-run")));
	json_object_set_new(request, "no_merge", json_boolean(args_given(call->args, "no-merge")));
	if (operand_paths(call->args, 1, request, err) < 0)
		return -1;
	return ctl_call_consume(call, TAKE_PTR(request), answer, err);
}

static void commit_show(const struct call *call, const struct answer *answer)
{
	const json_t *changes = json_object_get(answer->data, "changes");
	size_t count = json_array_size(changes);

	if (count)
		changes_table_print(call, changes);
	printf("Session %s: %zu change%s %s\n", field_text(answer->data, "session"), count,
	       count == 1 ? "" : "s",
	       json_is_true(json_object_get(answer->data, "dry_run")) ? "would be committed"
								      : "committed");
}

static const struct option_spec options[] = {
	{.name = "dry-run", .help = "Say what would be done, and change nothing"},
	{.name = "no-merge",
	 .help = "Refuse JSON files that both sides have changed, instead of merging them by key"},
	{0},
};

static const struct verb_example examples[] = {
	{"Publish all changes of a session", "sessionfs commit build-1"},
	{"One directory's", "sessionfs commit build-1 /tmp/out"},
	{"What would be published", "sessionfs commit build-1 --dry-run"},
	{0},
};

const struct verb verb_commit = {
	.name = "commit",
	.summary = "Publish a session's changes to the shares, all or those of the paths named",
	.usage = "SESSION [PATH...]",
	.description =
		"All of it or nothing, also over a crash. Refused where a share has changed at one of the "
		"paths since the session has it, and while a run lives in the session.",
	.options = options,
	.examples = examples,
	.min_operands = 1,
	.max_operands = UINT_MAX,
	.danger = VERB_DESTRUCTIVE,
	.exits = EXITS(PRECONDITION) | EXITS(NOT_FOUND) | EXITS(CONFLICT) | EXITS(PERMISSION) |
		 EXITS(UNAVAILABLE),
	.act = commit_act,
	.show = commit_show,
};
