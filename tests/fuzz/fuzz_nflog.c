/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as what is read from the socket: messages of netlink, one behind the other. */
#include "fuzz.h"

#include <stdlib.h>

#include "logger/input/nf_socket.h"
#include "logger/input/nflog_message.h"
#include "logger_lines.h"

/* The header's type and flags are as given. */
static void take(const struct nlmsghdr *header, void *data)
{
	struct sequence *local = data;
	struct nflog_message message;

	nflog_is_packet(header);
	if (!nflog_read(header, &message))
		return;
	if (message.has_local)
		REQUIRE(sequence_take(local, message.local) <= INT32_MAX);
	REQUIRE(message.packet.seconds >= 0);
	check_line(&message.packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sequence local = { .known = true };
	/* From malloc, so that it is aligned, and ends where it ends. */
	void *bytes = malloc(size ? size : 1);

	memcpy(bytes, data, size);
	netlink_each(bytes, size, take, &local);
	free(bytes);
	return 0;
}
