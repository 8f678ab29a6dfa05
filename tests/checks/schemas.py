#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""schemas.py NAME=FILE...: whether each FILE is JSON as schemas/NAME.schema.json says, and whether the schema refuses
what is made of FILE by one mistake: a member too many, one too few, one of another type.

So a schema that takes everything is found.  At most 100 mistakes a file are tried, spread over it, and none where
it is so large that this would take long.  Prints `ok NAME`
or `FAIL NAME` and what is wrong."""

import copy
import json
import sys

import jsonschema


def objects(value, path=()):
    """The paths of all objects in it."""
    if isinstance(value, dict):
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from objects(inner, path + (key,))


def inside(value, path):
    for key in path:
        value = value[key]
    return value


def is_map(schema, member):
    """Objects whose keys are data: only their values are described."""
    return member == "defaults" and "counters" in schema["title"]


# Members that are there only where they say something.
OPTIONAL = {"nodes"}


def mistakes(schema, document):
    paths = list(objects(document))
    for path in paths[::len(paths) // 15 + 1]:
        if path and is_map(schema, path[-1]):
            continue
        yield f"{path}: a member too many", path, "unexpected member", 1
        for key in inside(document, path):
            if key not in OPTIONAL:
                yield f"{path}: no {key}", path, key, None
            yield f"{path}: {key} is a list of lists", path, key, [[[]]]


def taken_mistakes(validator, schema, document):
    for name, path, key, value in list(mistakes(schema, document))[:100]:
        wrong = copy.deepcopy(document)
        if value is None:
            del inside(wrong, path)[key]
        else:
            inside(wrong, path)[key] = value
        if validator.is_valid(wrong):
            yield f"the schema takes a mistake: {name}"


def complaints(name, path):
    with open(f"schemas/{name}.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for error in validator.iter_errors(document):
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
    if sum(1 for _ in objects(document)) < 3000:
        yield from taken_mistakes(validator, schema, document)


for argument in sys.argv[1:]:
    name, path = argument.split("=", 1)
    try:
        wrong = list(complaints(name, path))
    except (ValueError, OSError, jsonschema.SchemaError) as error:
        wrong = [str(error)]
    print("FAIL" if wrong else "ok", argument)
    for line in wrong[:5]:
        print("    ", line)
