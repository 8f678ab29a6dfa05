/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes from the network: not terminated, not owned, of any alignment. */
#ifndef PVEFW_BYTES_H
#define PVEFW_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *ptr;
	size_t len;
};

static inline uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t be32(const uint8_t *at)
{
	return (uint32_t)be16(at) << 16 | be16(at + 2);
}

/* What follows the first `count` bytes, which are there. */
static inline struct bytes bytes_behind(struct bytes b, size_t count)
{
	return (struct bytes){ b.ptr + count, b.len - count };
}

static inline struct bytes bytes_first(struct bytes b, size_t most)
{
	return (struct bytes){ b.ptr, b.len < most ? b.len : most };
}

#endif
