/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies on the service's sockets: to requests of commands, and for metrics. */
#ifndef PVEFW_REQUESTS_H
#define PVEFW_REQUESTS_H

#include <jansson.h>

#include "base/output.h"

/* The context of both is a struct service. */
json_t *service_answer(void *context, const char *command, const json_t *request);
void service_metrics(void *context, struct out *out);

#endif
