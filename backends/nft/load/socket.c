/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends a batch and reads the kernel's replies.
 *
 * The kernel processes the batch during sendto(): when that returns, all replies are in the receive buffer.  Only the
 * last message requests a reply.  Each message that fails gets an error, as long as the buffer has room.  A batch
 * must be one datagram, and the kernel accepts none that is larger than the send buffer.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "net/netlink_socket.h"
#include "nft/load/ask.h"

enum { RECEIVE_BUFFER = 64 << 20, SEND_EXTRA = 4096, FIRST_REFUSALS = 64 };

int nft_kernel_open(struct nft_kernel *kernel)
{
	int yes = 1;

	*kernel = (struct nft_kernel){ .socket = netlink_socket_open(NETLINK_NETFILTER, 0, 0) };
	if (!kernel->socket)
		return errno;
	kernel->buffer = xmalloc(NETLINK_DATAGRAM_MOST);
	/* Errors should contain only the header of the message, and the offset of the wrong attribute.  Old kernels
	 * support neither: then a report has less detail. */
	mnl_socket_setsockopt(kernel->socket, NETLINK_CAP_ACK, &yes, sizeof(yes));
	mnl_socket_setsockopt(kernel->socket, NETLINK_EXT_ACK, &yes, sizeof(yes));
	return 0;
}

void nft_kernel_close(struct nft_kernel *kernel)
{
	netlink_socket_close(&kernel->socket);
	free(kernel->buffer);
	*kernel = (struct nft_kernel){ 0 };
}

static int descriptor(const struct nft_kernel *kernel)
{
	return mnl_socket_get_fd(kernel->socket);
}

/* Exceeds the limit of the system if we are privileged. */
static void set_buffer(int fd, int forced, int asked, size_t bytes)
{
	int size = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;

	if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, asked, &size, sizeof(size));
}

/* ---- replies ---- */

/* Reads the attributes after the copy of the refused message, or after its header. */
static void read_details(struct nft_refusal *refusal, struct arena *arena, const struct nlmsghdr *answer)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL };
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(answer);
	uint32_t skipped = sizeof(*error);

	if (!(answer->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(answer->nlmsg_flags & NLM_F_CAPPED))
		skipped += NLMSG_ALIGN(error->msg.nlmsg_len) - (uint32_t)sizeof(error->msg);
	mnl_attr_parse(answer, skipped, nft_collect, found);
	if (found[NLMSGERR_ATTR_OFFS])
		refusal->offset = mnl_attr_get_u32(found[NLMSGERR_ATTR_OFFS]);
	if (found[NLMSGERR_ATTR_MSG])
		refusal->text = arena_string(arena, text_of(mnl_attr_get_str(found[NLMSGERR_ATTR_MSG])));
}

static struct nft_refusal *add_refusal(struct nft_answers *answers, struct arena *arena)
{
	struct nft_refusal *grown;

	if (answers->count == answers->room) {
		answers->room = answers->room ? answers->room * 2 : FIRST_REFUSALS;
		grown = ARENA_ARRAY(arena, struct nft_refusal, answers->room);
		if (answers->count)
			memcpy(grown, answers->refusals, answers->count * sizeof(*grown));
		answers->refusals = grown;
	}
	return &answers->refusals[answers->count++];
}

static void read_answer(struct nft_answers *answers, struct arena *arena, const struct nlmsghdr *answer,
			bool *accepted)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(answer);
	struct nft_refusal *refusal;

	if (answer->nlmsg_type != NLMSG_ERROR)
		return;
	if (!error->error) {
		*accepted = true;
		return;
	}
	refusal = add_refusal(answers, arena);
	*refusal = (struct nft_refusal){ -error->error, answer->nlmsg_seq, 0, NULL };
	read_details(refusal, arena, answer);
}

static bool read_answers(struct nft_kernel *kernel, struct arena *arena, struct nft_answers *answers)
{
	bool accepted = false;

	for (;;) {
		ssize_t len = recv(descriptor(kernel), kernel->buffer, NETLINK_DATAGRAM_MOST, MSG_DONTWAIT);
		int rest = (int)len;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == ENOBUFS) { /* replies were lost: use the remaining ones */
			answers->lost = true;
			continue;
		}
		if (len < 0)
			break;
		for (struct nlmsghdr *m = (void *)kernel->buffer; mnl_nlmsg_ok(m, rest);
		     m = mnl_nlmsg_next(m, &rest))
			read_answer(answers, arena, m, &accepted);
	}
	return accepted && !answers->count;
}

/* ---- sending ---- */

bool nft_kernel_send(struct nft_kernel *kernel, struct arena *arena, const struct nft_batch *batch, bool try,
		     struct nft_answers *answers)
{
	/* Without its last message, the end, the kernel checks a batch and discards it. */
	size_t bytes = try ? batch->messages[batch->count - 1].offset : batch->bytes.len;
	int64_t begin;
	bool sent;

	*answers = (struct nft_answers){ 0 };
	set_buffer(descriptor(kernel), SO_SNDBUFFORCE, SO_SNDBUF, bytes + SEND_EXTRA);
	set_buffer(descriptor(kernel), SO_RCVBUFFORCE, SO_RCVBUF, RECEIVE_BUFFER);
	begin = clock_ns(CLOCK_MONOTONIC);
	sent = mnl_socket_sendto(kernel->socket, batch->bytes.data, bytes) == (ssize_t)bytes;
	answers->nanoseconds = clock_ns(CLOCK_MONOTONIC) - begin;
	if (!sent) {
		answers->error = errno;
		return false;
	}
	if (read_answers(kernel, arena, answers))
		return true;
	if (!answers->count)
		answers->error = answers->lost ? ENOBUFS : EIO;
	return false;
}
