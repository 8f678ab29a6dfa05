/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft/lower/nft.h"

const struct nft_type_row nft_types[NFT_TYPES] = {
#define TYPE(ID, name, number, length, order) [NFT_TYPE_##ID] = { name, number, length, NFT_ORDER_##order },
#include "nft/lower/fields.def"
};

const struct nft_field_row nft_fields[NFT_FIELDS] = {
#define META(ID, spelling_, type_, ...) [NFT_FIELD_##ID] = { spelling_, NFT_TYPE_##type_ },
#define CT META
#define PAYLOAD META
#define FIB META
#include "nft/lower/fields.def"
};

/* The bits are numbered as on little-endian machines, the only ones that Proxmox VE supports. */
struct nft_value nft_label_value(unsigned bit)
{
	struct nft_value value = { .length = 16 };

	value.bytes[bit / 8] = (uint8_t)(1u << bit % 8);
	return value;
}
