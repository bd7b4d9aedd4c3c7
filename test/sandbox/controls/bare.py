"""The unprotected native level of the attack suite: what a bare service that runs code looks like, one forked child for each session.

Nothing shuts the code in, on purpose: the suite must show that it sees breaches. Requests on fd 0, replies on fd 1, one line of JSON each.
"""
import json
import os
import signal
import sys

# The attacks signal their parent; the suite counts what they print.
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
requests, replies = os.dup(0), os.dup(1)
nothing = os.open(os.devnull, os.O_RDWR)
for fd in (0, 1, 2):
    os.dup2(nothing, fd)

child = os.fork()
if child != 0:
    os.close(requests)
    os.close(replies)
    os.waitpid(child, 0)
    os._exit(0)

sys.path.insert(0, sys.argv[1])
from cells import Session

session = Session(0)
lines = os.fdopen(requests, "rb")
dumps = json.dumps
for line in lines:
    request = json.loads(line)
    status, stdout, stderr, value, truncated = session.run(request["code"], request["outputBytes"])
    answer = {"id": request["id"], "status": status, "stdout": stdout, "stderr": stderr, "value": value, "truncated": truncated}
    os.write(replies, dumps(answer).encode() + b"\n")
