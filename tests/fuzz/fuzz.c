/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "resolve/compile.h"
#include "diag/filter.h"
#include "format/formats.h"
#include "rewrite/fix.h"

_Noreturn void fuzz_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
	abort();
}

/* ---- one compilation ---- */

void fuzz_start(struct fuzz *f)
{
	*f = (struct fuzz){ 0 };
	source_map_init(&f->map, &f->arena);
	diags_init(&f->diags, &f->arena, &f->map);
}

void fuzz_free(struct fuzz *f)
{
	arena_free(&f->arena);
}

void fuzz_end(struct fuzz *f)
{
	struct out out;

	out_init_memory(&out);
	fuzz_print_diags(f, &out);
	out_free(&out);
	fuzz_free(f);
}

/* ---- diagnostics ---- */

/* Nowhere, or in one file; the end of a file may be pointed at. */
static void check_span(const struct fuzz *f, struct span span)
{
	const struct source *source = source_find(&f->map, span.begin);

	REQUIRE(span.begin <= span.end);
	REQUIRE(span.begin == 0 ? span.end == 0 : source != NULL);
	REQUIRE(!source || span.end <= source->base + source->size + 1);
}

static void check_diagnostic(const struct fuzz *f, const struct diagnostic *d)
{
	REQUIRE(d->message && d->message[0] && !strchr(d->message, '\n'));
	check_span(f, d->span);
	for (const struct diag_part *part = d->parts; part; part = part->next) {
		REQUIRE(part->text);
		check_span(f, part->span);
		REQUIRE(part->kind != DIAG_FIX || part->span.begin);
	}
}

static void check_diags(const struct fuzz *f)
{
	unsigned counts[SEVERITY_ERROR + 1] = { 0 };

	for (const struct diagnostic *d = f->diags.first; d; d = d->next) {
		check_diagnostic(f, d);
		counts[d->severity]++;
	}
	REQUIRE(memcmp(counts, f->diags.counts, sizeof(counts)) == 0);
}

/* Nothing a file holds can act on a terminal. */
static void check_printed(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++)
		REQUIRE((unsigned char)t.ptr[i] >= ' ' || t.ptr[i] == '\n' || t.ptr[i] == '\t');
}

static void print_format(struct fuzz *f, struct out *out, const struct diag_format *format, bool colour)
{
	size_t from = out->len;

	format->print(out, &f->diags, colour);
	if (out->len > from && !colour)
		check_printed((struct text){ out->data + from, (uint32_t)(out->len - from) });
}

/* The text, in colour or not, and one of the other formats are enough for one input. */
void fuzz_print_diags(struct fuzz *f, struct out *out)
{
	unsigned formats = 0;
	struct fixes fixes;

	while (diag_formats[formats])
		formats++;
	check_diags(f);
	diags_choose(&f->diags, NULL);
	check_diags(f);
	print_format(f, out, diag_formats[0], f->map.next_base % 4 == 0);
	print_format(f, out, diag_formats[1 + f->map.next_base % (formats - 1)], false);
	fixes = fixes_collect(&f->diags);
	fixes_diff(&fixes, out);
}

/* ---- input ---- */

struct source *fuzz_source(struct fuzz *f, const char *name, struct text bytes)
{
	return source_add(&f->map, name, bytes.ptr, bytes.len);
}

struct text fuzz_next_line(struct text *rest)
{
	long end = text_find(*rest, '\n');
	struct text line = *rest;

	if (end < 0) {
		*rest = (struct text){ NULL, 0 };
		return line;
	}
	line.len = (uint32_t)end;
	*rest = (struct text){ rest->ptr + end + 1, rest->len - (uint32_t)end - 1 };
	return line;
}

struct text fuzz_next_file(struct text *rest)
{
	struct text file = { rest->ptr, 0 };

	while (rest->ptr) {
		struct text line = fuzz_next_line(rest);

		if (text_is(line, "%%"))
			break;
		file.len = (uint32_t)(line.ptr + line.len + (rest->ptr != NULL) - file.ptr);
	}
	return file;
}

enum file_kind fuzz_kind(uint8_t byte)
{
	const char *letters = "chgv", *at = byte ? strchr(letters, byte) : NULL;

	return (enum file_kind)(at ? at - letters : byte % FILE_KINDS);
}

const char *fuzz_memory_file(unsigned slot, struct text bytes)
{
	static struct {
		int fd; /* and one, so that 0 is none */
		char path[32];
	} files[3];
	int fd = files[slot].fd - 1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		REQUIRE(fd >= 0);
		files[slot].fd = fd + 1;
		snprintf(files[slot].path, sizeof(files[slot].path), "/proc/self/fd/%d", fd);
	}
	REQUIRE(ftruncate(fd, 0) == 0);
	REQUIRE(pwrite(fd, bytes.ptr, bytes.len, 0) == (ssize_t)bytes.len);
	return files[slot].path;
}

const struct netdb *fuzz_netdb(void)
{
	static const char services[] = "ftp 21/tcp\nssh 22/tcp # SSH\ndomain 53/tcp\ndomain 53/udp\n"
				       "http 80/tcp www\nntp 123/udp\nx 1/sctp\nmsp-2 18/udp\n";
	static const char protocols[] = "ip 0 IP\nicmp 1 ICMP\ntcp 6\nudp 17\ndccp 33\nesp 50\n"
					"ipv6-icmp 58\nsctp 132\nudplite 136\n";
	static const char ethertypes[] = "IPv4 0800 ip\nARP 0806 ether-arp\nIPv6 86DD ip6\n";
	static const struct netdb *netdb;
	static struct fuzz f;

	if (netdb)
		return netdb;
	fuzz_start(&f);
	netdb = netdb_load(&f.diags, fuzz_memory_file(0, text_of(services)),
			   fuzz_memory_file(1, text_of(protocols)),
			   fuzz_memory_file(2, text_of(ethertypes)));
	REQUIRE(!f.diags.first);
	return netdb;
}

/* ---- a tree around one file ---- */

static const char cluster_file[] =
	"[ALIASES]\nlocal_network 10.0.0.0/8\nweb 192.0.2.1\nnet4 198.51.100.0/24\n"
	"net6 2001:db8::/32\nbroken 1.2.3\n"
	"[IPSET management]\n10.0.0.1\n[IPSET trusted]\nweb\n!net4\n2001:db8::1\n"
	"[GROUP web-in]\nIN HTTP(ACCEPT)\n";

static const char guest_config[] = "net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1\n";

static struct input_file *one_file(struct fuzz *f, struct text name, struct text bytes)
{
	struct input_file *file = ARENA_NEW(&f->arena, struct input_file);

	file->name = name;
	file->source = fuzz_source(f, "test.fw", bytes);
	return file;
}

static struct guest_config *one_guest(struct fuzz *f)
{
	struct guest_config *guest = ARENA_NEW(&f->arena, struct guest_config);
	struct source *source = fuzz_source(f, "100.conf", text_of(guest_config));

	*guest = (struct guest_config){ .vmid = 100, .vmid_text = TEXT("100"), .source = source };
	guest->nics = guestconf_parse(&f->diags, source, GUEST_VM, guest->vmid_text);
	return guest;
}

struct config *fuzz_compile(struct fuzz *f, enum file_kind kind, struct text bytes)
{
	struct inputs inputs = { .root = "", .node = TEXT("n1"), .netdb = fuzz_netdb() };

	inputs.guests = one_guest(f);
	inputs.cluster = fuzz_source(f, "cluster.fw", kind == FILE_CLUSTER ? bytes : text_of(cluster_file));
	if (kind == FILE_HOST)
		inputs.host = fuzz_source(f, "host.fw", bytes);
	else if (kind == FILE_GUEST)
		inputs.guest_files = one_file(f, TEXT("100"), bytes);
	else if (kind == FILE_VNET)
		inputs.vnet_files = one_file(f, TEXT("vnet0"), bytes);
	return compile(&inputs, &f->diags);
}
