/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli/fields.h"
#include "cli/output.h"

static int version_act(struct call *call, struct answer *answer, struct err *err)
{
	(void)call;
	(void)err;
	answer->data = json_object();
	json_object_set_new(answer->data, "version", json_string(SESSIONFS_VERSION));
	json_object_set_new(answer->data, "schema_version", json_string(OUTPUT_SCHEMA_VERSION));
	return 0;
}

static void version_show(const struct call *call, const struct answer *answer)
{
	(void)call;
	printf("sessionfs %s\n", field_text(answer->data, "version"));
}

const struct verb verb_version = {
	.name = "version",
	.summary = "Show the version of this program",
	.usage = "",
	.act = version_act,
	.show = version_show,
};
