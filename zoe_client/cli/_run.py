"""What all commands share: one line for an error, exit codes, options, the way to Zoe.

Nothing that is slow to load is loaded before a command needs it, so that help comes at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TypeVar

import click

import zoe_client
from zoe_client.cli._words import printable, read_moment

if TYPE_CHECKING:
    from zoe_client import Client, ZoeError

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

F = TypeVar("F", bound=Callable[..., Any])


class Failure(click.ClickException):
    """It did not work; the message is one line, and the command ends with ``code``."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # of the class for click, of each one for us


class Program(click.Group):
    """A group of commands that ends with an exit code, and never with a traceback for a user.

    A command returns its exit code, or None for 0. Errors are one line on standard error that
    begins with the program's name. Ctrl-C ends with 130.
    """

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and exit; returns only when not in ``standalone_mode``, as click has it."""

        def run() -> Any:
            return super(Program, self).main(
                args, prog_name, complete_var, standalone_mode=False, **extra
            )

        if not standalone_mode:
            return run()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # what the terminal cannot show, is a ? there
                stream.reconfigure(errors="replace")
        sys.exit(_exit_code(self.name or "zoe", run))


def run_as_process(program: Program) -> None:
    """Run the command that was typed, and end this process with its code.

    At once after Ctrl-C: else Python would wait for the thread that looks up a host's name, which
    nothing interrupts.
    """
    try:
        program.main(prog_name=program.name)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            _leave(INTERRUPTED)
        raise


def _leave(code: int) -> None:
    """End this process without waiting for anything."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # whoever read it may be gone
            stream.flush()
    os._exit(code)


def _exit_code(name: str, run: Callable[[], Any]) -> int:
    try:
        code = run()
        sys.stdout.flush()
        return code if isinstance(code, int) else OK
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        complain(name, _said(error))
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except BrokenPipeError:  # such as `| head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:  # such as a disk that is full
        complain(name, error.strerror or str(error))
        return FAILED
    except zoe_client.ZoeError as error:
        complain(name, explain(error))
        return code_of(error)


def _said(error: click.ClickException) -> str:
    """Of a wrong value: the option, the value, and what would be right."""
    if type(error) is click.BadParameter and error.param is not None:
        return f"{error.param.get_error_hint(error.ctx).strip(chr(39))}: {error.message}"
    return error.format_message()


def complain(name: str, message: str) -> None:
    """Say on standard error, in one line, what is wrong."""
    print(f"{name}: {printable(message)}", file=sys.stderr, flush=True)


def explain(error: ZoeError) -> str:
    """Everything that is wrong, on one line; each field by its name."""
    if not isinstance(error, zoe_client.RequestRefused):
        return str(error).partition("\n")[0]
    told = "; ".join(
        f"{each.field}: {each.message}" if each.field else each.message
        for each in error.problem.problems
    )
    return told or error.problem.detail or error.problem.title


def code_of(error: ZoeError) -> int:
    """2 when what was typed, the settings or the token are wrong; 1 when it did not work."""
    typed = (zoe_client.NoSettings, zoe_client.NoAccess, zoe_client.InvalidRequest)
    return USAGE if isinstance(error, typed) else FAILED


@contextmanager
def detachable(how: str) -> Iterator[None]:
    """Let Ctrl-C end the command, not what it follows; ``how`` says how to come back."""
    try:
        yield
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # after the ^C that the terminal shows
        raise Failure(how, INTERRUPTED) from None


@contextmanager
def connected(name: str = "zoe") -> Iterator[Client]:
    """The way to Zoe; says on standard error when it is lost while something is followed."""
    lost = False

    def on_trouble(sentence: str | None) -> None:
        nonlocal lost
        if sentence is not None and not lost:
            complain(name, sentence)
        elif sentence is None and lost:
            complain(name, "Zoe is back.")
        lost = sentence is not None

    with zoe_client.Client(on_trouble=on_trouble) as client:
        yield client


def json_option(command: F) -> F:
    """Add ``--json`` as the argument ``as_json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Write JSON for programs, as REST gives it."
    )(command)


class Read(click.ParamType):
    """A parameter that is read by a function which raises ValueError."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """What was read; a value that is none of text is taken as it is."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


MOMENT = Read("moment", lambda text: read_moment(text, datetime.now(UTC)))
"""A date, a date with a time, or how long ago."""
