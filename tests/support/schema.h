/* SPDX-License-Identifier: MIT */
/*
 * Checks JSON against the public schemas, with the keywords of JSON Schema draft 7 that these use:
 * type, enum, required, properties, additionalProperties, items, oneOf, minimum and local $ref.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"

/*
 * Fails the test where `json` is no envelope by response-envelope.json. The schemas lie beside the
 * repository; where they are not there, only the envelope's keys are checked.
 */
void schema_check_envelope(const json_t *json);
