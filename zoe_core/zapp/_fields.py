"""The kinds of values that documents hold, each with its check and its own words for what is wrong.

Every check runs before pydantic's own, so that its messages are the ones that people see; the plain
constraints beside it describe the same rule in the published JSON schema.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from zoe_core.documents import show

MAX_BYTES = 2**50  # one petabyte: more is a slip of the keyboard
MAX_COUNT = 1000
MAX_NUMBER = 2**31 - 1  # fits the integer column of a database
MAX_SECONDS = MAX_NUMBER
MAX_TEXT = 32_768
MAX_CORES = 100_000
MAX_SERVICE_NAME = 40

ENVIRONMENT_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
FILE_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"

Check = Callable[[object], object]
TextCheck = Callable[[object], str]


def wrong(value: object, expected: str) -> PydanticCustomError:
    """Make the error of a value that is not what it should be."""
    return stated(f"is {show(value)}: {expected}")


def stated(message: str) -> PydanticCustomError:
    """Make an error whose message is already a whole sentence."""
    return PydanticCustomError("zoe", "{text}", {"text": message})


def as_whole(value: object) -> int | None:
    """Return the whole number that ``value`` is, also when written ``2.0``; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not (math.isfinite(value) and value.is_integer()):
        return None
    return int(value)


def whole(least: int, most: int, unit: str = "") -> Check:
    """Check a whole number within ``least`` and ``most``."""
    of_unit = f" of {unit}" if unit else ""
    limit = f"{least} or more" if most >= MAX_NUMBER else f"{least} to {most}"

    def check(value: object) -> int:
        number = as_whole(value)
        if number is None or number < least:
            raise wrong(value, f"must be a whole number{of_unit}, {limit}")
        if number > most:
            raise wrong(value, f"must be a whole number{of_unit}, at most {most}")
        return number

    return check


def _check_cores(value: object) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and 0.001 <= value <= MAX_CORES):  # type: ignore[operator]  # a number here
        raise wrong(value, f"must be a number of cores, 0.001 to {MAX_CORES}, such as 0.5")
    return float(value)  # type: ignore[arg-type]


def _check_truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise wrong(value, "must be true or false, without quotes")
    return value


def one_of(*choices: str) -> Check:
    """Check a text that is one of a few words."""
    expected = "must be " + " or ".join(f'"{choice}"' for choice in choices)

    def check(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise wrong(value, expected)
        return value

    return check


def text(most: int, *, least: int = 0, pattern: str = "", expected: str = "") -> TextCheck:
    """Check a text of ``least`` to ``most`` characters that ``pattern`` matches as a whole."""
    compiled = re.compile(pattern, re.DOTALL) if pattern else None

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise wrong(value, f"must be text in quotes{_comma(expected)}")
        if not least <= len(value) <= most:
            size = f"{least} to {most}" if least else f"at most {most}"
            raise wrong(value, f"has {len(value)} characters, must have {size}")
        if not storable(value):
            raise wrong(value, "must not contain NUL or broken Unicode characters")
        if compiled and not compiled.fullmatch(value):
            raise wrong(value, f"must be {expected}")
        return value

    return check


def label(most: int, expected: str = "readable text on one line") -> TextCheck:
    """Check a text that people read on one line: printable, not only spaces."""
    plain = text(most, least=1)

    def check(value: object) -> str:
        checked = plain(value)
        if not (checked.isprintable() and checked.strip()):
            raise wrong(value, f"must be {expected}")
        return checked

    return check


def _check_variable(value: object) -> tuple[str, str]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise wrong(value, 'must be a list of two texts, ["NAME", "value"]')
    name, content = value
    if not isinstance(name, str) or not re.fullmatch(ENVIRONMENT_NAME, name):
        raise stated(
            f"names the variable {show(name)}: a name must be letters, digits and _, "
            "and not begin with a digit"
        )
    if not isinstance(content, str):
        raise stated(f"gives {name} the value {show(content)}: must be text in quotes")
    if len(content) > MAX_TEXT or not storable(content):
        raise stated(
            f"gives {name} the value {show(content)}: must have at most {MAX_TEXT} "
            "characters, without NUL or broken Unicode characters"
        )
    return name, content


_absolute = text(4096, least=2, pattern="/.*", expected="an absolute path such as /data")


def _check_host_path(value: object) -> str:
    checked = _absolute(value)
    if any(part in (".", "..") for part in checked.split("/")):
        raise wrong(value, "must be an absolute path without . or ..")
    return checked


def storable(value: str) -> bool:
    """Say whether a text may go into a database, a process's environment and JSON."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _comma(expected: str) -> str:
    return f", {expected}" if expected else ""


Truth = Annotated[bool, BeforeValidator(_check_truth)]
Bytes = Annotated[int, Field(ge=0, le=MAX_BYTES), BeforeValidator(whole(0, MAX_BYTES, "bytes"))]
Cores = Annotated[float, Field(ge=0.001, le=MAX_CORES), BeforeValidator(_check_cores)]
Gpus = Annotated[int, Field(ge=0, le=MAX_COUNT), BeforeValidator(whole(0, MAX_COUNT))]
Seconds = Annotated[
    int, Field(ge=0, le=MAX_SECONDS), BeforeValidator(whole(0, MAX_SECONDS, "seconds"))
]
RuntimeLimit = Annotated[
    int, Field(ge=1, le=MAX_SECONDS), BeforeValidator(whole(1, MAX_SECONDS, "seconds"))
]
TotalCount = Annotated[
    int, Field(ge=1, le=MAX_COUNT), BeforeValidator(whole(1, MAX_COUNT, "instances"))
]
EssentialCount = Annotated[
    int, Field(ge=0, le=MAX_COUNT), BeforeValidator(whole(0, MAX_COUNT, "instances"))
]
RestartCount = Annotated[int, Field(ge=0, le=100), BeforeValidator(whole(0, 100))]
Order = Annotated[
    int, Field(ge=-1_000_000, le=1_000_000), BeforeValidator(whole(-1_000_000, 1_000_000))
]
Size = Annotated[int, Field(ge=0, le=MAX_NUMBER), BeforeValidator(whole(0, MAX_NUMBER))]
PortNumber = Annotated[int, Field(ge=1, le=65535), BeforeValidator(whole(1, 65535))]
Version = Annotated[Literal[3, 4], BeforeValidator(as_whole)]
Protocol = Annotated[Literal["tcp", "udp"], BeforeValidator(one_of("tcp", "udp"))]
PortKind = Annotated[Literal["web", "tcp"], BeforeValidator(one_of("web", "tcp"))]
Priority = Annotated[
    Literal["low", "normal", "high"], BeforeValidator(one_of("low", "normal", "high"))
]
RestartPolicy = Annotated[
    Literal["never", "on-failure"], BeforeValidator(one_of("never", "on-failure"))
]
ZAppName = Annotated[str, BeforeValidator(label(128)), Field(min_length=1, max_length=128)]
ServiceName = Annotated[
    str,
    BeforeValidator(
        text(
            MAX_SERVICE_NAME,
            least=1,
            pattern=r"[A-Za-z0-9](?:[A-Za-z0-9 _.-]*[A-Za-z0-9])?",
            expected="letters, digits and hyphens, beginning and ending with a letter or digit, "
            "such as spark-worker",
        )
    ),
    Field(min_length=1, max_length=MAX_SERVICE_NAME),
]
Label = Annotated[str, BeforeValidator(label(128)), Field(min_length=1, max_length=128)]
Image = Annotated[
    str,
    BeforeValidator(
        text(
            255,
            least=1,
            pattern=r"[A-Za-z0-9][A-Za-z0-9._:/@-]*",
            expected="the name of an image, such as zapps/spark:4",
        )
    ),
    Field(min_length=1, max_length=255),
]
Description = Annotated[str, BeforeValidator(text(4096)), Field(max_length=4096)]
Command = Annotated[str, BeforeValidator(text(MAX_TEXT, least=1)), Field(max_length=MAX_TEXT)]
UrlTemplate = Annotated[str, BeforeValidator(label(2048, "an address")), Field(max_length=2048)]
WorkDir = Annotated[
    str, BeforeValidator(text(4096, least=1, expected="a directory")), Field(max_length=4096)
]
ResultPath = Annotated[
    str, BeforeValidator(label(1024, "a path on one line")), Field(min_length=1, max_length=1024)
]
VolumeName = Annotated[
    str,
    BeforeValidator(text(64, least=1, pattern=FILE_NAME, expected="letters, digits and . _ -")),
    Field(pattern=f"^{FILE_NAME}$", max_length=64),
]
HostPath = Annotated[str, BeforeValidator(_check_host_path), Field(pattern="^/", max_length=4096)]
Variable = Annotated[tuple[str, str], BeforeValidator(_check_variable)]
