/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps that the kernel interrupts, played from a script: each step is one datagram. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/netlink_dump.h"

enum { OBJECT = NLMSG_MIN_TYPE + 1, PORT = 7, NUMBERS_MOST = 16 };

/* One datagram: its messages are of these types with these flags, ended by type 0. */
struct step {
	int error; /* errno of recv(), or 0 */
	struct {
		uint16_t type, flags;
		uint32_t number; /* of an object, or errno of NLMSG_ERROR */
	} messages[4];
};

struct script {
	const struct step *steps;
	unsigned next, sent;
	uint32_t numbers[NUMBERS_MOST];
	unsigned count, restarts;
};

static struct script script;
static _Alignas(struct nlmsghdr) char buffer[NETLINK_DATAGRAM_MOST];

static ssize_t play_send(void *context, const void *bytes, size_t size)
{
	struct script *s = context;

	(void)bytes;
	s->sent++;
	return (ssize_t)size;
}

static ssize_t play_receive(void *context, void *bytes, size_t size)
{
	struct script *s = context;
	const struct step *step = &s->steps[s->next++];
	char *at = bytes;

	ck_assert_uint_ge(size, 4096);
	if (step->error) {
		errno = step->error;
		return -1;
	}
	for (unsigned i = 0; step->messages[i].type; i++) {
		struct nlmsghdr *message = mnl_nlmsg_put_header(at);

		message->nlmsg_type = step->messages[i].type;
		message->nlmsg_flags = step->messages[i].flags | NLM_F_MULTI;
		message->nlmsg_seq = 1;
		message->nlmsg_pid = PORT;
		if (message->nlmsg_type == NLMSG_ERROR) {
			struct nlmsgerr *error = mnl_nlmsg_put_extra_header(message, sizeof(*error));

			error->error = -(int)step->messages[i].number;
		} else {
			*(uint32_t *)mnl_nlmsg_put_extra_header(message, sizeof(uint32_t)) = step->messages[i].number;
		}
		at += NLMSG_ALIGN(message->nlmsg_len);
	}
	return at - (char *)bytes;
}

static int take(const struct nlmsghdr *message, void *context)
{
	struct script *s = context;

	ck_assert_uint_lt(s->count, NUMBERS_MOST);
	s->numbers[s->count++] = *(const uint32_t *)mnl_nlmsg_get_payload(message);
	return MNL_CB_OK;
}

static void restart(void *context)
{
	struct script *s = context;

	s->count = 0;
	s->restarts++;
}

static int run(const struct step *steps, bool repeat)
{
	struct nlmsghdr request = { .nlmsg_len = sizeof(request), .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = 1 };
	struct netlink_dump dump = {
		.peer = { play_send, play_receive, &script, PORT },
		.buffer = buffer,
		.request = &request,
		.each = take,
		.restart = repeat ? restart : NULL,
		.data = &script,
	};

	script = (struct script){ .steps = steps };
	return netlink_dump_run(&dump);
}

static void took(unsigned count, uint32_t first, uint32_t last)
{
	ck_assert_uint_eq(script.count, count);
	ck_assert_uint_eq(script.numbers[0], first);
	ck_assert_uint_eq(script.numbers[count - 1], last);
}

#define DONE { NLMSG_DONE, 0, 0 }
#define BROKEN_DONE { NLMSG_DONE, NLM_F_DUMP_INTR, 0 }

START_TEST(undisturbed)
{
	static const struct step steps[] = {
		{ .messages = { { OBJECT, 0, 1 }, { OBJECT, 0, 2 } } },
		{ .error = EINTR }, /* a signal */
		{ .messages = { { OBJECT, 0, 3 } } },
		{ .messages = { DONE } },
	};

	ck_assert_int_eq(run(steps, true), 0);
	took(3, 1, 3);
	ck_assert_uint_eq(script.sent, 1);
	ck_assert_uint_eq(script.restarts, 0);
}
END_TEST

/* The rest of the interrupted dump must not be taken for the answer to the second request. */
START_TEST(interrupted_twice)
{
	static const struct step steps[] = {
		{ .messages = { { OBJECT, 0, 1 }, { OBJECT, 0, 2 } } },
		{ .messages = { { OBJECT, NLM_F_DUMP_INTR, 3 } } },
		{ .error = EINTR },
		{ .messages = { { OBJECT, 0, 4 } } },
		{ .messages = { BROKEN_DONE } },
		{ .messages = { { OBJECT, 0, 5 }, BROKEN_DONE } },
		{ .messages = { { OBJECT, 0, 6 }, { OBJECT, 0, 7 } } },
		{ .messages = { DONE } },
	};

	ck_assert_int_eq(run(steps, true), 0);
	took(2, 6, 7);
	ck_assert_uint_eq(script.sent, 3);
	ck_assert_uint_eq(script.restarts, 2);
	ck_assert_uint_eq(script.next, 8);
}
END_TEST

/* Who cannot forget what was taken is told, and the next answer is to the next request. */
START_TEST(interruption_is_returned)
{
	static const struct step steps[] = {
		{ .messages = { { OBJECT, NLM_F_DUMP_INTR, 1 } } },
		{ .messages = { { OBJECT, 0, 2 } } },
		{ .messages = { DONE } },
	};

	ck_assert_int_eq(run(steps, false), EINTR);
	ck_assert_uint_eq(script.next, 3);
	ck_assert_uint_eq(script.sent, 1);
}
END_TEST

START_TEST(errors_are_returned)
{
	static const struct step refused[] = { { .messages = { { NLMSG_ERROR, 0, ENOENT } } } };
	static const struct step full[] = { { .error = ENOBUFS } };

	ck_assert_int_eq(run(refused, true), ENOENT);
	ck_assert_int_eq(run(full, true), ENOBUFS);
	ck_assert_uint_eq(script.restarts, 0);
}
END_TEST

/* One that is never complete ends after a second. */
START_TEST(interrupted_for_ever)
{
	static struct step steps[4096];

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		steps[i] = (struct step){ .messages = { { OBJECT, NLM_F_DUMP_INTR, 1 }, BROKEN_DONE } };
	ck_assert_int_eq(run(steps, true), EINTR);
	ck_assert_uint_gt(script.sent, 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("netlink_dump");
	TCase *tests = tcase_create("netlink_dump");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, undisturbed);
	tcase_add_test(tests, interrupted_twice);
	tcase_add_test(tests, interruption_is_returned);
	tcase_add_test(tests, errors_are_returned);
	tcase_add_test(tests, interrupted_for_ever);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
