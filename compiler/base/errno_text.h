/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system's reason for an errno, always in English: output must not depend on the locale. */
#ifndef PVEFW_ERRNO_TEXT_H
#define PVEFW_ERRNO_TEXT_H

#include <string.h>

static inline const char *error_text(int reason)
{
	const char *text = strerrordesc_np(reason);

	return text ? text : "unknown error";
}

#endif
