"""A field of a launch form for each parameter, which says what is wrong with what is typed."""

from __future__ import annotations

from collections.abc import Callable

from ipywidgets import (
    HTML,
    Checkbox,
    FloatSlider,
    IntSlider,
    Layout,
    Text,
    Textarea,
    ValueWidget,
    VBox,
)

from zoe_client._requests import Value
from zoe_client.display._html import tag
from zoe_client.display.gallery import range_of
from zoe_core.protocol import rest
from zoe_core.zapp import Parameter, read_value

MOST_STEPS = 200
"""Steps that a slider may have; with more of them a number is typed."""

_WIDE = {"width": "36em", "max_width": "100%"}  # for each its own: they are closed with it
_LABEL = {"description_width": "13em"}
_GOES_ON = ("is ", "has ", "contains ", "must ", "names ", "gives ")


class Field(VBox):
    """One input with its help; ``error`` is next to it.

    ``parameter`` None: a text that nothing is known of. ``changed`` is called whenever what was
    typed has changed.
    """

    def __init__(
        self,
        label: str,
        explained: str,
        parameter: rest.Parameter | None,
        value: str,
        changed: Callable[[], object],
    ) -> None:
        self._parameter = _as_manifest(parameter) if parameter else None
        self.control = _control(label, parameter, value)
        self._help = HTML(tag("p", explained, class_="zoe-help") if explained else "")
        self._error = HTML(layout=Layout(display="none"))
        super().__init__([self.control, self._error, self._help])
        self.add_class("zoe-field")
        self.error = ""
        self.control.observe(lambda _: changed(), "value")

    @property
    def key(self) -> str:
        """The parameter's key; empty when there is none."""
        return self._parameter.key if self._parameter else ""

    @property
    def value(self) -> Value:
        """What is given; None when it was left empty, so that the ZApp's own value counts."""
        given: Value = self.control.value
        return None if given == "" and not self._empty_counts else given

    def check(self) -> bool:
        """Say next to the field what is wrong with its value; False if something is."""
        error = ""
        if self._parameter is not None and self.value is not None:
            try:
                read_value(self._parameter, self.value)
            except ValueError as wrong:
                error = str(wrong)
        self.show_error(error)
        return not error

    def show_error(self, error: str) -> None:
        """Show what is wrong, or nothing."""
        if error == self.error:
            return
        self.error = error
        text = f"It {error}" if error.startswith(_GOES_ON) else error
        ended = text if text.endswith((".", "!", "?")) else f"{text}."
        self._error.value = tag("p", ended, class_="zoe-error", role="alert") if error else ""
        self._error.layout.display = None if error else "none"

    @property
    def _empty_counts(self) -> bool:
        """Whether an empty text differs from the default."""
        known = self._parameter
        return known is not None and known.type == "string" and bool(known.default)


def _control(label: str, parameter: rest.Parameter | None, value: str) -> ValueWidget:
    common = {
        "description": label,
        "layout": _WIDE,
        "style": _LABEL,
        "description_allow_html": False,
    }
    if parameter is None:
        return Text(value, **common)
    default = parameter.default
    if parameter.type == "bool":
        return Checkbox(default is True, indent=True, **common)
    if (slider := _slider(parameter, common)) is not None:
        return slider
    text = "" if default is None else str(default)
    if parameter.type == "object":
        return Textarea(text, rows=3, **common)
    return Text(text, placeholder=range_of(parameter), **common)


def _slider(parameter: rest.Parameter, common: dict[str, object]) -> ValueWidget | None:
    """A slider when a number has two ends that are not too far apart, and a default."""
    least, most, default = parameter.min, parameter.max, parameter.default
    if least is None and parameter.kind == "service_count":
        least = 1
    if least is None or most is None or isinstance(default, bool | str | None):
        return None
    step = parameter.step or (1 if parameter.type == "int" else (most - least) / 100)
    if parameter.type not in ("int", "float") or not 0 < (most - least) / step <= MOST_STEPS:
        return None
    kind = IntSlider if parameter.type == "int" else FloatSlider
    if parameter.type == "int" and any(each != int(each) for each in (least, most, step)):
        return None
    number = int if parameter.type == "int" else float
    return kind(number(default), min=number(least), max=number(most), step=number(step), **common)


def _as_manifest(parameter: rest.Parameter) -> Parameter | None:
    """The parameter as the portal itself checks it; None for one of a later version of Zoe."""
    document = parameter.model_dump(exclude={"label"}, exclude_none=True)
    try:
        return Parameter.model_validate(document)
    except ValueError:
        return None
