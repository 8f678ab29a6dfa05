/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics in the text format of Prometheus, over HTTP: at the socket RUN/metrics.sock, and at a TCP port of 127.0.0.1 if one is
 * asked for. */
#ifndef PVEFW_METRICS_H
#define PVEFW_METRICS_H

#include "firewall/control/server.h"

/* Appends all metrics. */
typedef void metrics_writer(void *context, struct out *out);

struct metrics {
	struct server local, tcp;
	metrics_writer *write;
	void *context;
};

/* `port` 0: none.  0 or an errno. */
int metrics_open(struct metrics *metrics, sd_event *event, const char *run_path, uint16_t port, metrics_writer *write,
		 void *context);
void metrics_close(struct metrics *metrics);

/* Describe a metric, then print its samples.  `labels` may be NULL, or as in `zone="host"`. */
void metrics_describe(struct out *out, const char *name, const char *type, const char *help);
void metrics_sample(struct out *out, const char *name, const char *labels, double value);

#endif
