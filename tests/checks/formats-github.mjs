// SPDX-License-Identifier: GPL-2.0-or-later
//
// formats-github.mjs PACKAGE JSON: what the package @actions/core writes for the diagnostics of lint's JSON,
// with the properties in our order.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, json] = process.argv.slice(2);
const main = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
const core = await import(pathToFileURL(`${folder}/${main.main ?? "lib/core.js"}`));
const order = ["file", "line", "endLine", "col", "endColumn", "title"];
const write = process.stdout.write.bind(process.stdout);

// "::error title=...,file=...::message" with its properties sorted
process.stdout.write = (text) => {
	const [, command, properties, message] = /^::(\w+) (.*?)::(.*)\n$/s.exec(text);
	const sorted = properties.split(",").sort((a, b) => order.indexOf(a.split("=")[0]) - order.indexOf(b.split("=")[0]));
	return write(`::${command} ${sorted.join(",")}::${message}\n`);
};

const say = { error: core.error, warning: core.warning, note: core.notice };
for (const d of JSON.parse(readFileSync(json, "utf8")).diagnostics) {
	const place = d.place && {
		file: d.place.file, startLine: d.place.begin.line, endLine: d.place.end.line,
		startColumn: d.place.begin.column, endColumn: d.place.end.column,
	};
	say[d.severity]([d.message, ...d.notes, ...d.helps].join("\n"), { title: `${d.id} ${d.name}`, ...place });
}
