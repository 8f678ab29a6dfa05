/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/console.h"
#include "commands/commands.h"
#include "rewrite/fix.h"

bool write_fixes(const struct fixes *fixes, struct out *out)
{
	const char *wrong = fixes_write(fixes, out);

	if (!wrong)
		return true;
	cli_error("%s", wrong);
	cli_error("nothing was changed");
	return false;
}
