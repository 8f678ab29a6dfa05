# SPDX-License-Identifier: GPL-2.0-or-later
"""monitoring.py EXAMPLES METRICS RULES: alerts and dashboard name metrics that are in METRICS, with labels that are
there; panels do not overlap; RULES gets the dashboard's expressions for promtool."""
import json, re, sys
import yaml

examples, metrics, rules = sys.argv[1:]
labels = {}
for line in open(metrics):
    match = re.match(r"(pvefw_\w+)(?:\{(.*)\})? ", line)
    if match:
        names = {"instance", "job"} | set(re.findall(r'(\w+)="', match[2] or ""))
        labels[match[1]] = labels.get(match[1], set()) | names
faults = [] if labels else ["no metrics"]


def check(where, expression):
    for name, selector in re.findall(r"(pvefw_\w+)(?:\{(.*?)\})?", expression):
        if name not in labels:
            faults.append(f"{where}: there is no {name}")
        else:
            faults.extend(f"{where}: {name} has no label {label}"
                          for label in re.findall(r"(\w+)[=!]~?[=\"]", selector) if label not in labels[name])


alerts = yaml.safe_load(open(f"{examples}/pvefw-alerts.yml"))
for group in alerts["groups"]:
    for rule in group["rules"]:
        check(rule["alert"], rule["expr"])
tests = yaml.safe_load(open(f"{examples}/pvefw-alerts-test.yml"))
tested = json.dumps(tests)
faults += [f"no test of {rule['alert']}" for group in alerts["groups"] for rule in group["rules"] if rule["alert"] not in tested]

dashboard = json.load(open(f"{examples}/pvefw-dashboard.json"))
variables = {variable["name"] for variable in dashboard["templating"]["list"]}
cells, records = {}, []
for panel in dashboard["panels"]:
    place = panel["gridPos"]
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            if x >= 24 or cells.setdefault((x, y), panel["id"]) != panel["id"]:
                faults.append(f"{panel['title']}: overlaps another panel, or the page")
    for target in panel["targets"]:
        check(panel["title"], target["expr"])
        used = set(re.findall(r"\$(\w+)", target["expr"]))
        faults += [f"{panel['title']}: there is no variable {name}" for name in used - variables - {"__rate_interval"}]
        expression = target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")
        records.append({"record": f"dashboard:{panel['id']}:{target['refId']}", "expr": expression})
if len({panel["id"] for panel in dashboard["panels"]}) != len(dashboard["panels"]):
    faults.append("two panels have one id")
with open(rules, "w") as file:
    yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]}, file)
print("\n".join(sorted(set(faults))))
sys.exit(bool(faults))
