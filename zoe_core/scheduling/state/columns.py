"""Numbers about executions in columns, a row or more each: asked of all of them at once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Field = tuple[type, int]
"""The type of a column, and how many numbers a row has in it."""

Column = NDArray[Any]
"""Shape (n,) for n rows, or (k, n) where a row has k > 1 numbers: equal things side by side."""

Indices = NDArray[np.intp]

K = TypeVar("K", bound=Hashable)


class Frame:
    """Columns of equal length; never changed. The column ``owner`` has the ids of executions."""

    def __init__(self, columns: Mapping[str, Column], chosen: Indices | None = None) -> None:
        self._base = columns
        self._chosen = chosen
        self._columns: dict[str, Column] = {}

    @classmethod
    def of(cls, fields: Mapping[str, Field], rows: Sequence[tuple[Any, ...]]) -> Frame:
        """The rows that have one value, or as many as the field says, for each of ``fields``."""
        values = zip(*rows, strict=True) if rows else [()] * len(fields)
        return cls(
            {
                name: _column(kind, width, column)
                for (name, (kind, width)), column in zip(fields.items(), values, strict=True)
            }
        )

    def __len__(self) -> int:
        return len(self["owner"])

    def __getitem__(self, name: str) -> Column:
        if self._chosen is None:
            return self._base[name]
        if name not in self._columns:
            self._columns[name] = self._base[name].take(self._chosen, axis=-1)
        return self._columns[name]

    def take(self, rows: Indices) -> Frame:
        """Some rows; their numbers are gathered when somebody asks for them."""
        return Frame(self._base, rows if self._chosen is None else self._chosen[rows])

    def where(self, mask: NDArray[np.bool_]) -> Frame:
        """The rows for which ``mask`` is true."""
        return self.take(np.flatnonzero(mask))

    def and_(self, other: Frame) -> Frame:
        """These rows, then those."""
        if not len(other):
            return self
        return Frame(
            {name: np.concatenate((self[name], other[name]), axis=-1) for name in self._base}
        )

    def ordered(self, keys: Sequence[str]) -> Frame:
        """Sorted by these columns, the first counts most."""
        return self.take(np.lexsort([self[each] for each in reversed(keys)]))

    def whole(self) -> Frame:
        """With all numbers gathered."""
        return self if self._chosen is None else Frame({name: self[name] for name in self._base})


class Columns:
    """Rows by their owner, sorted; the owners that changed are replaced when somebody looks."""

    def __init__(self, fields: Mapping[str, Field], order: Sequence[str]) -> None:
        self._fields = fields
        self._order = order
        self._rows = Frame.of(fields, ())
        self._owners: set[int] = set()
        self._changed: dict[int, list[tuple[Any, ...]]] = {}

    def put(self, owner: int, rows: list[tuple[Any, ...]]) -> None:
        """Let these be the rows of ``owner``, in place of what it had."""
        if rows or owner in self._owners or owner in self._changed:
            self._changed[owner] = rows

    @property
    def rows(self) -> Frame:
        """All rows."""
        if self._changed:
            self._take_in()
        return self._rows

    def _take_in(self) -> None:
        old = [each for each in self._changed if each in self._owners]
        kept = self._rows.where(~np.isin(self._rows["owner"], old)) if old else self._rows
        new = Frame.of(self._fields, [row for rows in self._changed.values() for row in rows])
        self._owners.difference_update(self._changed)
        self._owners.update(owner for owner, rows in self._changed.items() if rows)
        self._changed = {}
        new = new.ordered(self._order)
        rows = kept.and_(new)
        self._rows = (rows if self._follow(kept, new) else rows.ordered(self._order)).whole()

    def _follow(self, kept: Frame, new: Frame) -> bool:
        """Whether the new rows come after all others, as new executions do."""
        if not len(kept) or not len(new):
            return True
        last, first = (
            [rows[each][at] for each in self._order] for rows, at in ((kept, -1), (new, 0))
        )
        return last < first


class Codes(Generic[K]):
    """Small numbers in place of names: a name has the same number as long as this object lives."""

    def __init__(self) -> None:
        self._codes: dict[K, int] = {}
        self.names: list[K] = []

    def __len__(self) -> int:
        return len(self.names)

    def of(self, name: K) -> int:
        """The number of a name, a new one for a new name."""
        code = self._codes.get(name)
        if code is None:
            code = self._codes[name] = len(self.names)
            self.names.append(name)
        return code


def grown(array: NDArray[Any], length: int) -> NDArray[Any]:
    """``array`` with at least ``length`` rows; the new ones are 0."""
    if len(array) >= length:
        return array
    larger = np.zeros((max(2 * len(array), length), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


def _column(kind: type, width: int, values: Sequence[Any]) -> Column:
    if width == 1:
        return np.array(values, kind)
    return np.array(values, kind).reshape(-1, width).T.copy()
