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
import traceback
from contextlib import suppress

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
        said = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (said, 1), (said, 2)):
            os.dup2(source, target)
        os.setsid()
        os.environ.update(asked["environment"])
        switching.install()
        code = int(pytest.main(["-W", REWRITTEN, *asked["arguments"]]))
    except BaseException:  # noqa: BLE001  it may not go on as the process that it was forked from
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def wait(child, longest):
    """Return how a child ended, None after the ``longest`` time; then end all that it has started."""
    until = time.monotonic() + longest
    ended = status = 0
    try:
        while not ended and time.monotonic() < until:
            ended, status = os.waitpid(child, os.WNOHANG)
            if not ended:
                time.sleep(STEP)
    finally:  # at Ctrl-C, too: the child has a session of its own, and hears nothing of it
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        if not ended:
            os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if ended else None


if __name__ == "__main__":
    serve()
