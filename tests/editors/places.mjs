// SPDX-License-Identifier: GPL-2.0-or-later
//
// places.mjs MODULES GRAMMAR FILE PLACES: prints how VS Code's reader of grammars shows each place of PLACES.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, grammarFile, file, places] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");

await oniguruma.loadWASM(readFileSync(`${modules}/vscode-oniguruma/release/onig.wasm`).buffer);
const registry = new textmate.Registry({
	onigLib: Promise.resolve({
		createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
		createOnigString: (text) => new oniguruma.OnigString(text),
	}),
	loadGrammar: async () => textmate.parseRawGrammar(readFileSync(grammarFile, "utf8"), grammarFile),
});
const grammar = await registry.loadGrammar(JSON.parse(readFileSync(grammarFile, "utf8")).scopeName);
const text = readFileSync(file, "utf8").split("\n");

// What stands in PLACES is plain text, but for "." and a "$" at its end.
const escape = (place) => new RegExp(place.replace(/[[\](){}*+?^|\\]/g, "\\$&"));

function shown(place) {
	let state = textmate.INITIAL;

	for (const line of text) {
		const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
		const at = line.search(escape(place));

		state = ruleStack;
		if (at < 0)
			continue;
		const scopes = tokens.find((t) => t.startIndex <= at && at < t.endIndex).scopes;
		return scopes.length > 1 ? scopes.at(-1) : "-";
	}
	return "no such place";
}

for (const line of readFileSync(places, "utf8").trim().split("\n")) {
	if (line.startsWith("# "))
		continue;
	const place = line.split("\t")[0];
	console.log(`${place}\t${shown(place)}`);
}
