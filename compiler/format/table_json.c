/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of tables as JSON. */
#include "format/table_json.h"

#include "lang/describe.h"

/* ["ipv4", "ipv6"] */
static json_t *families_json(unsigned family_mask)
{
	json_t *list = json_array();

	if (family_mask & IPV4)
		json_array_append_new(list, json_string("ipv4"));
	if (family_mask & IPV6)
		json_array_append_new(list, json_string("ipv6"));
	return list;
}

/* What describe_...() prints. */
static json_t *described(void (*describe)(struct out *out, const struct option_row *row), const struct option_row *row)
{
	struct out text;
	json_t *value;

	out_init_memory(&text);
	describe(&text, row);
	value = json_stringn(text.data, text.len);
	out_free(&text);
	return value;
}

/* ---- macros ---- */

static json_t *macro_rule_json(const struct macro_rule *rule, unsigned family_mask)
{
	bool icmp = strncmp(rule->proto, "icmp", 4) == 0;
	struct out text;
	json_t *value;

	out_init_memory(&text);
	describe_macro_rule(&text, rule);
	value = json_pack("{s:s, s:s?, s:s?, s:s?, s:o, s:s%}", "proto", rule->proto, "dport",
			  icmp ? NULL : rule->dport, "sport", rule->sport, "icmp_type",
			  icmp ? rule->dport : NULL, "versions",
			  families_json(rule->family_mask & family_mask), "text", text.data, text.len);
	out_free(&text);
	return value;
}

static json_t *macro_json(const struct macro *macro)
{
	json_t *rules = json_array();

	for (unsigned i = 0; i < macro->count; i++)
		json_array_append_new(rules, macro_rule_json(&macro->rules[i], macro->family_mask));
	return json_pack("{s:s, s:s, s:o, s:o}", "name", macro->name, "text", macro->text, "versions",
			 families_json(macro->family_mask), "rules", rules);
}

bool add_macros_json(json_t *rows, struct text name)
{
	const struct macro *macro = name.ptr ? macro_find(name) : NULL;

	if (macro)
		json_array_append_new(rows, macro_json(macro));
	for (unsigned i = 0; i < macro_count && !name.ptr; i++)
		json_array_append_new(rows, macro_json(&macro_table[i]));
	return macro || !name.ptr;
}

/* ---- options ---- */

static const char *option_type_name(enum option_type type)
{
	static const char *const names[] = {
		[OPTION_BOOL] = "bool",		[OPTION_NUMBER] = "number",
		[OPTION_POLICY] = "policy",	[OPTION_POLICY_FORWARD] = "policy",
		[OPTION_LOGLEVEL] = "log_level", [OPTION_RATELIMIT] = "rate_limit",
		[OPTION_HELPERS] = "helpers",	[OPTION_QUEUES] = "queues",
		[OPTION_LAYER2] = "ethertypes",
	};

	return names[type];
}

static json_t *bound_json(const struct option_row *row, int64_t bound)
{
	bool has_bounds = row->type == OPTION_NUMBER || row->type == OPTION_QUEUES;

	return has_bounds && bound != INT64_MAX ? json_integer((json_int_t)bound) : json_null();
}

static json_t *option_json(const struct option_row *row)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "name", row->key, "kind",
			 file_kind_name(row->kind), "text", row->text, "type", option_type_name(row->type),
			 "values", described(describe_values, row), "default",
			 described(describe_default, row), "least", bound_json(row, row->least), "most",
			 bound_json(row, row->most));
}

/* Of every kind of file that has it. */
bool add_options_json(json_t *rows, struct text name)
{
	bool found = false;

	for (int kind = 0; kind < FILE_KINDS && name.ptr; kind++) {
		enum option_id id = option_find((enum file_kind)kind, name);

		if (id == OPTION_COUNT)
			continue;
		json_array_append_new(rows, option_json(&option_table[id]));
		found = true;
	}
	for (unsigned i = 0; i < OPTION_COUNT && !name.ptr; i++)
		json_array_append_new(rows, option_json(&option_table[i]));
	return found || !name.ptr;
}

/* ---- ICMP types ---- */

static json_t *icmp_number_json(int number)
{
	return number < 0 ? json_null() : json_integer(number);
}

static bool add_icmp_type(json_t *rows, const struct icmp_type *type)
{
	if (type)
		json_array_append_new(rows, json_pack("{s:s, s:s, s:o, s:o}", "name", type->name, "proto",
						      type->family_mask == IPV4 ? "icmp" : "icmpv6", "type",
						      icmp_number_json(type->type), "code",
						      icmp_number_json(type->code)));
	return type != NULL;
}

bool add_icmp_types_json(json_t *rows, struct text name)
{
	bool found = false;

	if (name.ptr) {
		found = add_icmp_type(rows, icmp_type_find(IPV4, name));
		return add_icmp_type(rows, icmp_type_find(IPV6, name)) || found;
	}
	for (unsigned i = 0; i < icmp_count; i++)
		add_icmp_type(rows, &icmp_table[i]);
	return true;
}

/* ---- diagnostics ---- */

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

void add_diagnostic_json(json_t *rows, const struct diag_row *row)
{
	char id[] = { row->letter, row->number[0], row->number[1], row->number[2], row->number[3], '\0' };

	json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:s?}", "id", id, "name",
					      row->name, "severity", severity_name(diag_severity(row)),
					      "summary", row->summary, "explanation", row->explanation,
					      "wrong", or_null(row->wrong), "right", or_null(row->right)));
}
