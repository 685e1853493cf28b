"""Conversations as the text that a model was trained on: its own template, rendered in a process of its own.

A template is a program from a stranger. transformers renders it in jinja's ``ImmutableSandboxedEnvironment``,
which keeps it from Python and from files, and not from endless loops; the process bounds time and memory.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexarium.errors import CheckpointError, InputError, UnsupportedError
from lexarium.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tokenizers import Tokenizer

__all__ = ["TEMPLATE", "encode_chat", "render_chats", "unmarked"]

TEMPLATE = "chat_template.jinja"
_SETTINGS = "tokenizer_config.json"
_SECONDS = 20
_MOST_TEMPLATE = 256 * 2**10  # characters; the longest on the Hub, with tools, take some 20,000
_MOST_TEXT = 16 * 2**20  # bytes of messages, and of what is rendered
_ROLE = re.compile(r"[A-Za-z_]{1,64}", re.ASCII)  # no special token is spelt so
_SHOWN = 40
_NAMED = ("bos_token", "eos_token", "unk_token", "pad_token")
# Around a special token that a message spells out, which stays text: private-use characters.
_OPEN, _CLOSE = "\U000f0000", "\U000f0001"

_RENDER = """
import json, sys
from contextlib import redirect_stdout
with redirect_stdout(sys.stderr):
    from transformers.utils.chat_template_utils import render_jinja_template
print("ready", flush=True)
given = json.load(sys.stdin)
try:
    import resource
    taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + 2**29,) * 2)
    used = int(resource.getrusage(resource.RUSAGE_SELF).ru_utime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + given["seconds"],) * 2)
except (ImportError, OSError, ValueError):
    pass  # a system without these limits has the clock alone
try:
    rendered, _ = render_jinja_template(
        conversations=given["conversations"], chat_template=given["template"],
        add_generation_prompt=True, **given["tokens"])
    answer = {"texts": [text[: given["most"] + 1] for text in rendered]}
except Exception as error:
    answer = {"error": f"{type(error).__name__}: {error}"[:500]}
print(json.dumps(answer))
"""


def render_chats(
    files: Mapping[str, bytes], chats: Sequence[Sequence[Mapping[str, str]]], tokenizer: Tokenizer
) -> list[str]:
    """Return the prompt for an answer to each of ``chats``; special tokens that they spell out are marked.

    ``files`` are a model's: its template stands in ``chat_template.jinja`` or ``tokenizer_config.json``.

    :raises UnsupportedError: there is no template.
    :raises InputError: a message is not ``role`` and ``content``, or the template refuses the messages.
    :raises CheckpointError: the template takes more than 20 seconds, 512 MB, or writes more than 16 MB.
    """
    settings = parse_object(files[_SETTINGS], _SETTINGS) if _SETTINGS in files else {}
    given = {
        "conversations": [_marked(_checked(messages), tokenizer) for messages in chats],
        "template": _template(files, settings),
        "tokens": {name: _content(settings.get(name)) for name in _NAMED if settings.get(name)},
        "seconds": _SECONDS,
        "most": _MOST_TEXT,
    }
    if not chats:
        return []
    answer = _rendered(json.dumps(given))
    if "error" in answer:
        problem = f"the model's template refuses them: {answer['error'].splitlines()[0]}"
        raise InputError("messages", problem, "begin with system or user, then assistant and user in turn")
    texts: list[str] = answer["texts"]
    if any(len(text) > _MOST_TEXT for text in texts):
        raise CheckpointError(TEMPLATE, f"writes more than {_MOST_TEXT} characters", _OTHER)
    return texts


def _rendered(given: str) -> dict[str, Any]:
    """Return what the process answers; its clock starts when it has imported what it needs."""
    with subprocess.Popen(  # noqa: S603  this Python, and a program that stands above
        [sys.executable, "-P", "-c", _RENDER],
        cwd=Path(sys.executable).parent,  # no module of the folder that we are called in is a module here
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            ready = process.stdout.readline() if process.stdout else ""
            said, _ = process.communicate(given if ready else None, timeout=_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise CheckpointError(TEMPLATE, f"takes more than {_SECONDS} seconds", _OTHER) from error
        finally:
            process.kill()
    if process.returncode or not said:
        raise CheckpointError(TEMPLATE, "takes too much time or memory, or cannot be rendered", _OTHER)
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


def encode_chat(text: str, tokenizer: Tokenizer) -> list[int]:
    """Return the ids of a rendered prompt; what is marked in it is text and no special token."""
    ids: list[int] = []
    for number, part in enumerate(re.split(f"{_OPEN}(.*?){_CLOSE}", text, flags=re.DOTALL)):
        tokenizer.encode_special_tokens = number % 2 == 1
        if part:
            ids += tokenizer.encode(part, add_special_tokens=False).ids
    tokenizer.encode_special_tokens = False
    return ids


def unmarked(text: str) -> str:
    """Return a rendered prompt as people read it."""
    return text.replace(_OPEN, "").replace(_CLOSE, "")


def _template(files: Mapping[str, bytes], settings: Mapping[str, Any]) -> str:
    found: Any = settings.get("chat_template")
    if TEMPLATE in files:
        found = files[TEMPLATE].decode("utf-8", "replace")
    if isinstance(found, list):  # several, by name
        named = {one.get("name"): one.get("template") for one in found if isinstance(one, dict)}
        found = named.get("default")
    if not isinstance(found, str) or not found:
        problem = "this model has no template of conversations"
        raise UnsupportedError(problem, "give a plain prompt, or take a model that was tuned to instructions")
    if len(found) > _MOST_TEMPLATE:
        raise CheckpointError(TEMPLATE, f"takes {len(found)} characters, more than {_MOST_TEMPLATE}", _OTHER)
    return found


def _checked(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    found = [dict(message) for message in messages]
    if not found:
        raise InputError("messages", "there is none", "write [{'role': 'user', 'content': 'Hello'}]")
    for number, message in enumerate(found):
        good = set(message) == {"role", "content"} and all(isinstance(v, str) for v in message.values())
        if not good:
            problem = f"message {number} is not a role and a content, both text"
            raise InputError("messages", problem, "write {'role': 'user', 'content': 'Hello'}")
        if not _ROLE.fullmatch(message["role"]):
            problem = f"message {number} has the role {message['role'][:_SHOWN]!r}, which is no word"
            raise InputError("messages", problem, "write system, user or assistant")
    size = sum(len(message["content"]) for message in found)
    if size > _MOST_TEXT:
        raise InputError("messages", f"{size} characters, more than {_MOST_TEXT}", "shorten them")
    return found


def _marked(messages: list[dict[str, str]], tokenizer: Tokenizer) -> list[dict[str, str]]:
    special = [t.content for t in tokenizer.get_added_tokens_decoder().values() if t.special and t.content]
    longest = sorted(special, key=lambda token: (-len(token), token))
    pattern = re.compile("|".join(map(re.escape, longest)) or "(?!)")

    def _mark(text: str) -> str:
        plain = text.replace(_OPEN, "").replace(_CLOSE, "")
        return pattern.sub(lambda found: f"{_OPEN}{found[0]}{_CLOSE}", plain)

    return [{"role": message["role"], "content": _mark(message["content"])} for message in messages]


def _content(token: Any) -> str:  # noqa: ANN401  a token is a text, or an object that holds one
    return str(token.get("content", "") if isinstance(token, dict) else token)


_OTHER = "take another checkpoint, or prompts without a template"
