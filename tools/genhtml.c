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

#include <libxml/HTMLtree.h>

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

static xmlNodePtr html_add(xmlNodePtr parent, const char *name, const char *text)
{
	xmlNodePtr node = xmlNewTextChild(parent, NULL, BAD_CAST name, BAD_CAST text);

	if (!node) {
		fprintf(stderr, "genhtml: out of memory\n");
		exit(EXIT_FAILURE);
	}
	return node;
}

static void html_set(xmlNodePtr node, const char *name, const char *value)
{
	xmlNewProp(node, BAD_CAST name, BAD_CAST value);
}

/* A paragraph in which `x` is code. */
static void html_paragraph(xmlNodePtr parent, const char *text)
{
	xmlNodePtr p = html_add(parent, "p", NULL);

	for (bool code = false; *text; code = !code) {
		size_t len = strcspn(text, "`");

		if (code)
			xmlNodeAddContentLen(html_add(p, "code", NULL), BAD_CAST text, (int)len);
		else
			xmlAddChild(p, xmlNewTextLen(BAD_CAST text, (int)len));
		text += len + (text[len] == '`');
	}
}

static const char *html_class(const struct diag_row *row)
{
	return row->letter == 'E' ? "E" : row->letter == 'W' ? "W" : "N";
}

static void html_example(xmlNodePtr section, const char *title, const char *text)
{
	if (!text[0])
		return;
	html_add(section, "h3", title);
	html_add(section, "pre", text);
}

static void link_to(xmlNodePtr parent, const char *code, const struct diag_row *row)
{
	char target[DIAG_CODE_SIZE + 1];
	xmlNodePtr link = html_add(parent, "a", code);

	snprintf(target, sizeof(target), "#%s", code);
	html_set(link, "href", target);
	html_set(link, "class", html_class(row));
}

static void html_part(xmlNodePtr section, const char *title, const char *text)
{
	html_add(section, "h3", title);
	html_paragraph(section, text);
}

static void html_page(xmlNodePtr body, enum diag_id id)
{
	const struct diag_row *row = &diag_catalogue[id];
	struct diag_code code = diag_code(id);
	xmlNodePtr section = html_add(body, "section", NULL), title = html_add(section, "h2", NULL), name;

	html_set(section, "id", code.text);
	link_to(title, code.text, row);
	xmlAddChild(title, xmlNewText(BAD_CAST " "));
	name = html_add(title, "span", row->name);
	html_set(name, "id", row->name);
	name = html_add(section, "p", NULL);
	html_set(html_add(name, "strong", severity_name(diag_severity(row))), "class", html_class(row));
	xmlAddChild(name, xmlNewText(BAD_CAST ": "));
	xmlAddChild(name, xmlNewText(BAD_CAST row->summary));
	xmlAddChild(name, xmlNewText(BAD_CAST "."));
	html_part(section, "What is wrong", row->what);
	html_part(section, "What happens to the traffic", row->effect);
	html_part(section, "How to fix it", row->fix);
	html_example(section, "Wrong", row->wrong);
	html_example(section, "Right", row->right);
}

static void html_contents(xmlNodePtr body)
{
	xmlNodePtr nav = html_add(body, "nav", NULL), list = html_add(nav, "ol", NULL);

	html_set(nav, "aria-label", "All diagnostics");
	for (int i = 0; i < DIAG_COUNT; i++) {
		xmlNodePtr item = html_add(list, "li", NULL);

		link_to(item, diag_code((enum diag_id)i).text, &diag_catalogue[i]);
		xmlAddChild(item, xmlNewText(BAD_CAST " "));
		xmlAddChild(item, xmlNewText(BAD_CAST diag_catalogue[i].name));
	}
}

static void html_head(xmlNodePtr html)
{
	xmlNodePtr node = html_add(html, "head", NULL), meta = html_add(node, "meta", NULL);

	html_set(meta, "charset", "utf-8");
	meta = html_add(node, "meta", NULL);
	html_set(meta, "name", "viewport");
	html_set(meta, "content", "width=device-width, initial-scale=1");
	html_add(node, "title", "Diagnostics of pvefw-cc");
	html_add(node, "style", style);
}

static htmlDocPtr html_document(void)
{
	htmlDocPtr doc = htmlNewDocNoDtD(NULL, NULL);
	xmlNodePtr html = xmlNewDocNode(doc, NULL, BAD_CAST "html", NULL), body, main;

	xmlCreateIntSubset(doc, BAD_CAST "html", NULL, NULL);
	xmlDocSetRootElement(doc, html);
	html_set(html, "lang", "en");
	html_head(html);
	body = html_add(html, "body", NULL);
	html_add(body, "h1", "Diagnostics of pvefw-cc");
	html_paragraph(
		body,
		"What `pvefw-cc lint` reports about the firewall files of Proxmox VE, what happens to the traffic, "
		"and how to fix it. An error (E) is a line that is ignored or cannot be enforced. A warning (W) is "
		"a line that works, but is probably a mistake. A note (N) is worth knowing. Numbers and names never "
		"change their meaning.");
	html_contents(body);
	main = html_add(body, "main", NULL);
	for (int i = 0; i < DIAG_COUNT; i++)
		html_page(main, (enum diag_id)i);
	return doc;
}

int main(void)
{
	htmlDocPtr doc = html_document();
	xmlOutputBufferPtr out = xmlOutputBufferCreateFile(stdout, NULL);
	int written;

	if (!out)
		return EXIT_FAILURE;
	htmlDocContentDumpFormatOutput(out, doc, "UTF-8", 1);
	written = xmlOutputBufferClose(out);
	xmlFreeDoc(doc);
	xmlCleanupParser();
	return written < 0 || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
