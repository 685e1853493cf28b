"""The command line as a whole: exit codes, one line per error, and a start that imports nothing heavy."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from lexarium.cli.main import cli
from lexarium.host import Host
from lexarium.method import Command

OWN = [
    "analogy",
    "embed",
    "fit",
    "import",
    "merge",
    "methods",
    "plugins",
    "similar",
    "update",
    "export",
    "distance",
    "index",
    "odd-one-out",
    "words",
]


def test_help_lists_the_commands_of_core_and_of_plugins_with_their_summaries(invoke):
    done = invoke("--help")
    assert done.exit_code == 0
    commands = done.output.partition("Commands:\n")[2]
    assert [line.split()[0] for line in commands.splitlines()] == sorted([*OWN, "fail", "shout"])
    assert "A text in capitals." in commands


@pytest.mark.parametrize("name", [*OWN, "fail", "shout"])
def test_every_command_has_help_with_either_spelling(invoke, name):
    for flag in ("--help", "-h"):
        done = invoke(name, flag)
        assert done.exit_code == 0
        assert done.stdout.startswith(f"Usage: cli {name}")
        assert done.stderr == ""


def test_a_commands_own_help_says_what_the_list_says_about_it(invoke):
    for name in OWN:
        assert cli.get_command(click.Context(cli), name).help


@pytest.mark.parametrize("before", [None, "0"])
@pytest.mark.parametrize(
    "arguments",
    [("--offline", "fail", "online"), ("fail", "--offline", "online"), ("fail", "online", "--offline")],
)
def test_offline_does_before_and_after_a_command_and_ends_with_it(invoke, monkeypatch, arguments, before):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    if before is not None:
        monkeypatch.setenv("HF_HUB_OFFLINE", before)
    assert "HF_HUB_OFFLINE is 1" in invoke(*arguments).stderr
    assert f"HF_HUB_OFFLINE is {before}" in invoke("fail", "online").stderr


@pytest.mark.parametrize("arguments", [("plugins", "list"), ("plugins",), ("methods",), ("shout", "x")])
def test_every_command_takes_offline_and_its_help_says_nothing_of_it(invoke, arguments):
    assert invoke(*arguments, "--offline", "--help").exit_code == 0
    assert "--offline" not in invoke(*arguments, "--help").stdout
    assert "--offline" in invoke("--help").stdout


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("fitt", "did you mean 'fit'"),
        ("SHOUT", "did you mean 'shout'"),
        ("zzz", "there are: analogy, distance, embed"),
    ],
)
def test_an_unknown_command_is_wrong_usage_and_names_what_is_near(invoke, asked, says):
    done = invoke(asked)
    assert done.exit_code == 2
    assert f"no command named {asked!r}" in done.stderr
    assert says in done.stderr


def test_an_unknown_command_is_answered_with_the_plugins_that_are_not_ok(zoo, invoke, make_plugin):
    zoo.host = Host([*zoo.host.plugins, make_plugin("ill", lexarium_methods=lambda: 1 / 0)])
    done = invoke("predict")
    assert done.exit_code == 2
    assert "the plugin ill is broken: ZeroDivisionError" in done.stderr
    assert invoke("shout", "a").output == "A\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit"],
        ["embed"],
        ["--no-such-option"],
        ["shout"],
        ["similar", "m", "q", "-n", "0"],
        ["fit", "m", "--seed", "x"],
    ],
)
def test_wrong_usage_exits_with_two_and_says_so_on_stderr(invoke, arguments):
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "Usage:" in done.stderr


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("ours", "Error: the first line and the second; do something\n"),
        ("disk", "Error: model.bin: No space left on device; free some space\n"),
        ("bare", "Error: something odd\n"),
        ("memory", "Error: out of memory; take fewer rows or a smaller model\n"),
    ],
)
def test_an_error_is_one_line_on_stderr_and_exit_one(invoke, kind, says):
    done = invoke("fail", kind)
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", says)


def test_verbose_shows_where_an_error_comes_from_and_still_ends_with_its_line(invoke):
    done = invoke("-v", "fail", "ours")
    assert done.exit_code == 1
    assert "Traceback" in done.stderr
    assert "spelling_plugin/cli.py" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: the first line")


def test_an_interruption_exits_with_130(invoke):
    done = invoke("fail", "interrupt")
    assert (done.exit_code, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


def test_a_fault_is_one_line_too_and_is_not_called_the_users(invoke):
    done = invoke("fail", "bug")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ZeroDivisionError: ")
    assert "a fault of Lexarium or of a plugin" in done.stderr
    assert "Traceback" in invoke("-v", "fail", "bug").stderr


def test_a_command_that_ends_the_process_well_ends_it_well_and_no_other_way(invoke):
    done, quitted = invoke("fail", "done"), invoke("fail", "quit")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert quitted.exit_code == 1
    assert "SystemExit: 3; a fault of Lexarium or of a plugin" in quitted.stderr


@pytest.mark.parametrize(
    "target", ["no_such_module:x", "json:no_such", "json:dumps", "no-target", "odd_code:x"]
)
def test_a_command_that_cannot_be_loaded_says_so(zoo, invoke, make_plugin, install, monkeypatch, target):
    monkeypatch.syspath_prepend(install("odd", "raise RuntimeError('odd')"))
    lame = Command(name="lame", summary="s", command=target)
    zoo.host = Host([*zoo.host.plugins, make_plugin("p", lexarium_commands=[lame])])
    done = invoke("lame")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
    assert invoke("--help").exit_code == invoke("shout", "a").exit_code == 0


def test_a_command_that_two_plugins_offer_names_both(zoo, invoke, make_plugin):
    both = [
        make_plugin(n, lexarium_commands=[Command(name="x", summary="s", command="m:c")])
        for n in ("one", "two")
    ]
    zoo.host = Host([*zoo.host.plugins, *both])
    done = invoke("x")
    assert done.exit_code == 1
    assert "offered by one and two" in done.stderr


def test_completion_offers_commands_with_their_summaries_and_options():
    context = click.Context(cli, obj=None)
    context.obj = type("S", (), {"host": Host([])})()
    context.ensure_object = lambda _: context.obj
    assert [item.value for item in cli.shell_complete(context, "p")] == ["plugins"]
    assert "Installed plugins" in cli.shell_complete(context, "plug")[0].help
    assert "--verbose" in [item.value for item in cli.shell_complete(context, "--v")]


class TestProcess:
    """What only a process of its own can show."""

    def test_results_go_to_stdout_errors_to_stderr_and_the_exit_code_says_which(self, lexarium):
        done = lexarium("shout", "好 a", text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "好 A\n", "")
        done = lexarium("fail", "ours", text=True)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "Error: the first line and the second; do something\n"
        assert lexarium("no-such").returncode == 2
        assert lexarium("fail", "interrupt").returncode == 130

    def test_the_version_is_that_of_core(self, lexarium):
        assert lexarium("--version", text=True).stdout.startswith("lexarium, version ")

    def test_without_arguments_it_shows_help_and_exits_with_two(self, lexarium):
        done = lexarium(text=True)
        assert done.returncode == 2
        assert "Commands:" in done.stderr

    @pytest.mark.parametrize("arguments", [["--help"], [], ["methods"], ["shout", "a"], ["fit", "--help"]])
    def test_strict_turns_a_bad_plugin_into_one_line_for_every_command(self, lexarium, install, arguments):
        install("ill", "raise RuntimeError('on purpose')")
        done = lexarium(*arguments, env={"LEXARIUM_STRICT": "1"}, text=True)
        if arguments == ["fit", "--help"]:  # asks no plugin
            assert done.returncode == 0
            return
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "Error: plugin 'ill' is broken: RuntimeError: on purpose\n"

    @pytest.mark.parametrize("arguments", [["--help"], ["methods"], ["plugins"], ["fit", "--help"]])
    def test_nothing_heavy_is_imported_to_show_what_there_is(self, environment, arguments):
        code = (
            "import sys\n"
            "from lexarium.cli.main import cli\n"
            f"cli({arguments!r}, standalone_mode=False)\n"
            "heavy = {'numpy', 'scipy', 'sklearn', 'torch', 'rich', 'importlib.metadata', 'email'}\n"
            "print('heavy:', sorted(heavy & set(sys.modules)))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "heavy: []"

    def test_ctrl_c_exits_with_130_and_leaves_nothing_stored(self, environment, tmp_path):
        # A shell's background jobs ignore SIGINT, and their children inherit that.
        program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        program += "from lexarium.__main__ import main; main()"
        command = [sys.executable, "-c", program, "fit", "spelling", "--corpus", "-", "--name", "s"]
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            process.stdin.write(b"a line\n" * 100_000)  # more than a pipe holds: it is being read
            process.stdin.flush()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (130, b"")
        assert err == b"Interrupted.\n"
        assert not (tmp_path / "home").exists()

    def test_a_full_disk_is_one_line_and_leaves_the_old_file_and_the_store_as_they_were(
        self, lexarium, tmp_path
    ):
        text = tmp_path / "t.txt"
        text.write_text("".join(f"word{number}\n" for number in range(500)))
        assert lexarium("fit", "spelling", "--corpus", text, "--name", "s").returncode == 0
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "v.npy").write_text("old")
        before = sorted(tmp_path.rglob("*"))

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

        for arguments in (
            ["embed", "s", text, "--out", tmp_path / "out" / "v.npy"],
            ["embed", "s", text, "--out", tmp_path / "out" / "v.jsonl"],
            ["fit", "spelling", "--corpus", text, "--name", "s"],
        ):
            no_code = {"PYTHONDONTWRITEBYTECODE": "1"}  # it would be cut short, and stay
            done = lexarium(*arguments, preexec_fn=limit, env=no_code, text=True)
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.startswith("Error: ")
            assert done.stderr.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before
        assert (tmp_path / "out" / "v.npy").read_text() == "old"

    def test_a_reader_that_goes_away_is_no_traceback(self, environment):
        script = Path(sys.executable).parent / "lexarium"
        with subprocess.Popen([script, "shout", "a" * 100_000], env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:  # fmt: skip
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 1

    def test_output_that_the_terminal_cannot_show_is_escaped(self, lexarium):
        ascii_only = {"PYTHONIOENCODING": "ascii"}
        assert lexarium("shout", "é", env=ascii_only).stdout == b"\\xc9\n"
        done = lexarium("shout", "é😀", "--json", env=ascii_only)
        assert json.loads(done.stdout) == {"text": "É😀"}
        assert lexarium("shout", b"\xff".decode("utf-8", "surrogateescape"), "--json").returncode == 0
