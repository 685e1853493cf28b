"""A program that runs pytest again and again, in forks of itself that have one safety step switched off.

What all runs import, and no switch changes, is imported once. A line of JSON on standard input says what to
run: the ``environment`` as :mod:`switching` makes it, the ``arguments`` of pytest, the file for what is
``said``, and the ``longest`` time in seconds. A line on standard output answers with how pytest ended, or
null where it took longer, and was ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

# Before anything of ours: a module that is here already would be read as it is.
import hypothesis
import hypothesis.stateful
import numpy as np
import pytest
import safetensors.numpy
import switching
from click import testing
from huggingface_hub import HfApi

__all__ = ["serve"]

IMPORTED = (HfApi, hypothesis.stateful, np, safetensors.numpy, testing)
REWRITTEN = "ignore::pytest.PytestAssertRewriteWarning"  # it finds plugins that are imported already
STEP = 0.02  # seconds


def serve():
    """Answer each line of standard input."""
    assert not [name for name in sys.modules if name.partition(".")[0].startswith("lexarium")]
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            run(asked)
        sys.stdout.write(json.dumps(wait(child, asked["longest"])) + "\n")
        sys.stdout.flush()


def run(asked):
    """Become a process that is switched, and run pytest in it to its end."""
    code = 99
    try:
        os.setsid()
        said = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (said, 1), (said, 2)):
            os.dup2(source, target)
        os.environ.update(asked["environment"])
        switching.install()
        code = int(pytest.main(["-W", REWRITTEN, *asked["arguments"]]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def wait(child, longest):
    """Return how a child ended; it and all that it started are killed after the ``longest`` time."""
    until = time.monotonic() + longest
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(STEP)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


if __name__ == "__main__":
    serve()
