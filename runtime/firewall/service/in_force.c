/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/service/in_force.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/version.h"
#include "firewall/base/rundir.h"

#define NAME "in-force"

/* Another program may load other rules for the same tree; after a boot, or in another network namespace, there are none. */
static void print_machine(struct out *out)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	char boot[64] = "";
	struct stat st;

	if (file) {
		if (fgets(boot, sizeof(boot), file))
			boot[strcspn(boot, "\n")] = '\0';
		fclose(file);
	}
	out_printf(out, "%s %s", PVEFW_VERSION, boot);
	if (stat("/proc/self/exe", &st) == 0)
		out_printf(out, " %llu %lld.%09ld", (unsigned long long)st.st_size, (long long)st.st_mtim.tv_sec,
			   st.st_mtim.tv_nsec);
	if (stat("/proc/self/ns/net", &st) == 0)
		out_printf(out, " %llu", (unsigned long long)st.st_ino);
}

static void in_force_print(struct out *out, const struct compilation *c, const char *answers)
{
	print_machine(out);
	out_printf(out, "\n%s ", c->backend->name);
	for (unsigned i = 0; i < TREE_DIGEST_BYTES; i++)
		out_printf(out, "%02x", c->digest.bytes[i]);
	out_printf(out, "\n%s", answers ? answers : "");
}

bool in_force_is(int run_dir, const struct compilation *c, const char *answers)
{
	struct out now, before;
	bool same;

	out_init_memory(&now);
	out_init_memory(&before);
	in_force_print(&now, c, answers);
	same = rundir_read(run_dir, NAME, &before) == 0 && before.len == now.len && memcmp(before.data, now.data, now.len) == 0;
	out_free(&now);
	out_free(&before);
	return same;
}

void in_force_write(int run_dir, const struct compilation *c, const char *answers)
{
	struct out out;

	out_init_memory(&out);
	in_force_print(&out, c, answers);
	rundir_write(run_dir, NAME, out.data, out.len);
	out_free(&out);
}

void in_force_forget(int run_dir)
{
	rundir_remove(run_dir, NAME);
}
