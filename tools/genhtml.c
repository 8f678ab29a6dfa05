/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The catalogue of diagnostics as one page of HTML, to be read in a browser without
 * anything else: no scripts, no other files, in light or dark as the reader likes it.
 *
 *     genhtml >pvefw-diagnostics.html
 *
 * Each diagnostic has an anchor of its number and one of its name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "base/xml_writer.h"
#include "format/common.h"

static const char style[] =
	":root{color-scheme:light dark;--ink:#1c1e21;--paper:#fff;--faint:#5c6370;--line:#d8dbe0;--code:#f3f4f6;"
	"--E:#b3261e;--W:#8a5a00;--N:#1f5fa8}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#e4e6ea;--paper:#17191c;--faint:#9aa2ae;--line:#34383e;"
	"--code:#22252a;--E:#ff8a80;--W:#f0b94a;--N:#82b4f0}}\n"
	"body{margin:0 auto;max-width:46rem;padding:1rem;font:1rem/1.55 system-ui,sans-serif;color:var(--ink);"
	"background:var(--paper)}\n"
	"a{color:inherit}h1{line-height:1.2}\n"
	"section{border-top:1px solid var(--line);margin-top:2rem}\n"
	"h2{font-size:1.15rem;overflow-wrap:anywhere}h2 a{text-decoration:none}\n"
	".E{color:var(--E)}.W{color:var(--W)}.N{color:var(--N)}\n"
	"h3{font-size:.9rem;margin:1rem 0 .3rem;color:var(--faint)}\n"
	"code,pre{font:.92em/1.5 ui-monospace,monospace;background:var(--code);border-radius:4px}\n"
	"code{padding:.1em .3em}pre{margin:0;padding:.7em;overflow-x:auto}\n"
	"nav ol{list-style:none;padding:0;columns:20rem}nav li{break-inside:avoid;padding:.1rem 0}\n"
	"@media print{nav{display:none}section{break-inside:avoid}}\n";

static struct xml_out page;

static void html_open(const char *name, const char *class_name)
{
	xml_open(&page, name);
	if (class_name)
		xml_attribute(&page, "class", class_name);
}

/* A paragraph in which `x` is code. */
static void html_paragraph(const char *text)
{
	xml_open(&page, "p");
	for (bool code = false; *text; code = !code) {
		size_t len = strcspn(text, "`");
		char *part = xstrndup(text, len);

		if (code)
			xml_element(&page, "code", part);
		else
			xml_text(&page, part);
		free(part);
		text += len + (text[len] == '`');
	}
	xml_close(&page);
	xml_raw(&page, "\n");
}

static const char *html_class(const struct diag_row *row)
{
	return row->letter == 'E' ? "E" : row->letter == 'W' ? "W" : "N";
}

static void html_example(const char *title, const char *text)
{
	if (!text[0])
		return;
	xml_element(&page, "h3", title);
	xml_element(&page, "pre", text);
}

static void link_to(const char *code, const struct diag_row *row)
{
	char target[DIAG_CODE_SIZE + 1];

	snprintf(target, sizeof(target), "#%s", code);
	html_open("a", html_class(row));
	xml_attribute(&page, "href", target);
	xml_text(&page, code);
	xml_close(&page);
}

static void html_part(const char *title, const char *text)
{
	xml_element(&page, "h3", title);
	html_paragraph(text);
}

static void html_heading(const struct diag_row *row, const char *code)
{
	xml_open(&page, "h2");
	link_to(code, row);
	xml_text(&page, " ");
	xml_open(&page, "span");
	xml_attribute(&page, "id", row->name);
	xml_text(&page, row->name);
	xml_close(&page);
	xml_close(&page);
	xml_raw(&page, "\n");
}

static void html_section(enum diag_id id)
{
	const struct diag_row *row = &diag_catalogue[id];
	struct diag_code code = diag_code(id);

	xml_open(&page, "section");
	xml_attribute(&page, "id", code.text);
	html_heading(row, code.text);
	xml_open(&page, "p");
	html_open("strong", html_class(row));
	xml_text(&page, severity_name(diag_severity(row)));
	xml_close(&page);
	xml_text(&page, ": ");
	xml_text(&page, row->summary);
	xml_text(&page, ".");
	xml_close(&page);
	html_part("What is wrong", row->what);
	html_part("What happens to the traffic", row->effect);
	html_part("How to fix it", row->fix);
	html_example("Wrong", row->wrong);
	html_example("Right", row->right);
	xml_close(&page);
	xml_raw(&page, "\n");
}

static void html_contents(void)
{
	xml_open(&page, "nav");
	xml_attribute(&page, "aria-label", "All diagnostics");
	xml_open(&page, "ol");
	for (int i = 0; i < DIAG_COUNT; i++) {
		xml_open(&page, "li");
		link_to(diag_code((enum diag_id)i).text, &diag_catalogue[i]);
		xml_text(&page, " ");
		xml_text(&page, diag_catalogue[i].name);
		xml_close(&page);
		xml_raw(&page, "\n");
	}
	xml_close(&page);
	xml_close(&page);
}

static void html_head(void)
{
	xml_open(&page, "head");
	xml_open(&page, "meta");
	xml_attribute(&page, "charset", "utf-8");
	xml_close_void(&page);
	xml_open(&page, "meta");
	xml_attribute(&page, "name", "viewport");
	xml_attribute(&page, "content", "width=device-width, initial-scale=1");
	xml_close_void(&page);
	xml_element(&page, "title", "Diagnostics of pvefw-cc");
	xml_open(&page, "style");
	xml_raw(&page, style);
	xml_close(&page);
	xml_close(&page);
	xml_raw(&page, "\n");
}

int main(void)
{
	struct out out;
	int reason;

	out_init_fd(&out, STDOUT_FILENO);
	xml_begin_html(&page, &out);
	xml_open(&page, "html");
	xml_attribute(&page, "lang", "en");
	html_head();
	xml_open(&page, "body");
	xml_element(&page, "h1", "Diagnostics of pvefw-cc");
	html_paragraph("What `pvefw-cc lint` reports about the firewall files of Proxmox VE, what happens to the traffic, "
		       "and how to fix it. An error (E) is a line that is ignored or cannot be enforced. A warning (W) is "
		       "a line that works, but is probably a mistake. A note (N) is worth knowing. Numbers and names never "
		       "change their meaning.");
	html_contents();
	xml_open(&page, "main");
	for (int i = 0; i < DIAG_COUNT; i++)
		html_section((enum diag_id)i);
	xml_end(&page);
	reason = out_flush(&out);
	out_free(&out);
	return reason ? EXIT_FAILURE : EXIT_SUCCESS;
}
