"""``lexarium``: one group. A command's module is imported when the command runs, not before."""

from __future__ import annotations

import errno
import traceback
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any

import click

from lexarium.cli.session import Session, note, offline_option, printable
from lexarium.errors import LexariumError, NotFoundError, PluginError, did_you_mean
from lexarium.method import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.shell_completion import CompletionItem

__all__ = ["cli"]

_OWN = {
    "methods": (
        "Embedders, heads and fusers that the installed plugins offer.",
        "lexarium.cli.offers:methods",
    ),
    "plugins": ("Installed plugins and their status.", "lexarium.cli.offers:plugins"),
    "fit": ("Train a representation from raw text.", "lexarium.cli.models:fit"),
    "update": ("Train a stored representation on with new text.", "lexarium.cli.models:update"),
    "merge": ("Join models fitted on parts of a corpus.", "lexarium.cli.models:merge"),
    "import": ("Read a model in a foreign format into the store.", "lexarium.cli.models:import_"),
    "export": ("Write a stored model in a foreign format.", "lexarium.cli.models:export"),
    "embed": ("Turn texts into vectors.", "lexarium.cli.vectors:embed"),
    "similar": ("Nearest words, or nearest texts of a file.", "lexarium.cli.vectors:similar"),
    "analogy": ("A is to B as C is to what?", "lexarium.cli.vectors:analogy"),
    "odd-one-out": ("The word that does not belong with the others.", "lexarium.cli.words:odd_one_out"),
    "distance": ("Cosine and distance of two words.", "lexarium.cli.words:distance"),
    "index": ("Build an index of words, for `similar --index`.", "lexarium.cli.words:index"),
    "words": ("Reduce, restrict, mix or align word vectors.", "lexarium.cli.words:words"),
}
_INTERRUPTED = 130


class _Group(click.Group):
    """Commands of core and of plugins; errors become one line here, and nowhere else."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._summaries(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _OWN:
            return self._load(cmd_name, _OWN[cmd_name][1])
        try:
            return self._load(cmd_name, _session(ctx).host.command(cmd_name).command)
        except NotFoundError:
            return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            lame = [p for p in _session(ctx).host.plugins if p.status not in {"ok", "disabled"}]
            blame = "".join(f" (the plugin {p.name} is {p.status}: {p.error})" for p in lame)
            ctx.fail(f"no command named {name!r}; {did_you_mean(name, self.list_commands(ctx))}{blame}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(self._summaries(ctx).items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        from click.shell_completion import CompletionItem  # noqa: PLC0415  only a completing shell needs it

        found = sorted(self._summaries(ctx).items())
        return [CompletionItem(name, help=text) for name, text in found if name.startswith(incomplete)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with _one_line(ctx):  # --help asks the plugins, and with LEXARIUM_STRICT one may be an error
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  click's own signature
        with _one_line(ctx):
            return super().invoke(ctx)

    def _load(self, name: str, target: str) -> click.Command:
        command = resolve(target)
        if not isinstance(command, click.Command):
            raise PluginError(f"{name!r}: {target} is not a command; type: lexarium plugins doctor")
        return _with_offline(command)

    def _summaries(self, ctx: click.Context) -> dict[str, str]:
        offered = {o.descriptor.name: o.descriptor.summary for o in _session(ctx).host.offers("command")}
        return offered | {name: summary for name, (summary, _) in _OWN.items()}


def _session(ctx: click.Context) -> Session:
    return ctx.ensure_object(Session)


def _with_offline(command: click.Command) -> click.Command:
    """Return a command that takes ``--offline``, as all do, unless it names the option itself."""
    command = copy(command)
    command.params = [*command.params]
    if not any("--offline" in param.opts for param in command.params):
        offline_option(hidden=True)(command)
    if isinstance(command, click.Group):
        command.commands = {name: _with_offline(inner) for name, inner in command.commands.items()}
    return command


@contextmanager
def _one_line(ctx: click.Context) -> Iterator[None]:
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except LexariumError as error:
        raise _failure(ctx, str(error)) from error
    except OSError as error:
        remedy = "; free some space" if error.errno in {errno.ENOSPC, errno.EDQUOT} else ""
        where = f"{error.filename}: " if error.filename else ""
        raise _failure(ctx, f"{where}{error.strerror or error}{remedy}") from error
    except MemoryError as error:
        raise _failure(ctx, "out of memory; take fewer rows or a smaller model") from error
    except KeyboardInterrupt:
        note("Interrupted.")
        ctx.exit(_INTERRUPTED)
    except (Exception, SystemExit) as error:  # a fault of ours, or of a plugin
        if isinstance(error, SystemExit) and not error.code:
            raise  # it has done its work, as a process of torchrun that is not the first
        fault = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise _failure(
            ctx, f"{fault}; a fault of Lexarium or of a plugin: lexarium -v shows where"
        ) from error


def _failure(ctx: click.Context, message: str) -> click.ClickException:
    if ctx.params.get("verbose"):
        note(traceback.format_exc())
    return click.ClickException(printable(" ".join(message.split())))


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", is_flag=True, help="Show where an error comes from.")
@offline_option()
@click.version_option(package_name="lexarium-core", prog_name="lexarium")
@click.pass_context
def cli(ctx: click.Context, *, verbose: bool) -> None:  # noqa: ARG001  read by _failure
    """Word representations, from bag of words to CLIP, behind one door.

    --offline does after any command, too.
    """
    _session(ctx)
