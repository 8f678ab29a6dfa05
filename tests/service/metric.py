#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""metric.py SOCKET NAME...: values of the service's metrics, which is also a test of its HTTP."""
import socket
import sys

client = socket.socket(socket.AF_UNIX)
client.settimeout(20)
client.connect(sys.argv[1])
client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
answer = b""
while part := client.recv(65536):
    answer += part
head, body = answer.decode().split("\r\n\r\n", 1)
assert head.startswith("HTTP/1.0 200 "), head
values = dict(line.split(" ") for line in body.splitlines() if not line.startswith("#") and "{" not in line)
for name in sys.argv[2:]:
    print("%d" % float(values["pvefw_" + name]))
