/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/ctl_client.h"
#include "cli/fields.h"
#include "cli/table.h"
#include "cli/text.h"

static int status_act(struct call *call, struct answer *answer, struct err *err)
{
	return ctl_call_consume(call, ctl_request("status"), answer, err);
}

static void add_text(struct table *table, const char *name, const char *value)
{
	table_add(table, name);
	table_add(table, value);
}

static void add_number(struct table *table, const char *name, const json_t *data, const char *key)
{
	table_add(table, name);
	table_add_integer(table, field_integer(data, key));
}

static void add_bytes(struct table *table, const char *name, const json_t *data, const char *key)
{
	char text[TEXT_NUMBER_SIZE];

	text_bytes((uint64_t)field_integer(data, key), text, sizeof(text));
	add_text(table, name, text);
}

static void add_daemon(struct table *table, const json_t *data)
{
	char uptime[TEXT_NUMBER_SIZE];

	clock_format_duration((uint64_t)field_integer(data, "uptime_ms") * NSEC_PER_MSEC, uptime,
			      sizeof(uptime));
	add_text(table, "version", field_text(data, "version"));
	add_text(table, "mountpoint", field_text(data, "mountpoint"));
	add_text(table, "store", field_text(data, "store"));
	add_text(table, "up for", uptime);
	add_number(table, "supervisor pid", data, "supervisor_pid");
	add_number(table, "worker pid", data, "worker_pid");
	add_number(table, "worker restarts", data, "worker_restarts");
	add_text(table, "passthrough", field_flag(data, "passthrough") ? "yes" : "no");
}

static void add_shares(struct table *table, const json_t *shares)
{
	json_t *share;
	size_t i;

	json_array_foreach(shares, i, share)
	{
		_cleanup_buf_ struct buf text = {0};

		buf_add_format(&text, "%s (%s)", field_text(share, "path"),
			       field_text(share, "mode"));
		add_text(table, i ? " " : "shares", text.data);
	}
}

static void add_degraded(struct table *table, const json_t *degraded)
{
	json_t *item;
	size_t i;

	json_array_foreach(degraded, i, item)
	{
		_cleanup_buf_ struct buf text = {0};

		buf_add_format(&text, "%s: %s", field_text(item, "feature"),
			       field_text(item, "reason"));
		add_text(table, i ? " " : "degraded", text.data);
	}
}

static void status_show(const struct call *call, const struct answer *answer)
{
	static const struct table_column columns[] = {{NULL, false}, {NULL, false}};
	_cleanup_table_ struct table *table = table_new(columns, ARRAY_SIZE(columns));
	const json_t *data = answer->data;

	add_daemon(table, data);
	add_shares(table, json_object_get(data, "shares"));
	add_number(table, "sessions", data, "sessions");
	add_number(table, "runs", data, "runs");
	add_number(table, "locks", data, "locks");
	add_number(table, "waiters", data, "waiters");
	add_number(table, "nodes", data, "nodes");
	add_number(table, "open handles", data, "open_handles");
	add_bytes(table, "memory", data, "memory_bytes");
	add_bytes(table, "store used", data, "store_bytes");
	add_degraded(table, json_object_get(data, "degraded"));
	table_print(table, stdout, call->colour, 0);
}

const struct verb verb_status = {
	.name = "status",
	.summary = "Show the instance: shares, daemon, counts, what is degraded",
	.usage = "",
	.exits = EXITS(PERMISSION) | EXITS(UNAVAILABLE),
	.act = status_act,
	.show = status_show,
};
