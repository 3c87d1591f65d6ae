"""Which triggers a compound is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ml4t.live.config.problem import did_you_mean


def part_problems(compounds: Mapping[str, Sequence[str]], names: Collection[str]) -> Iterator[tuple[str, int, str]]:
    """Yield (compound, position, what is wrong) for parts that there are not, and for compounds of themselves.

    `compounds` maps each to the names in its `of`, `names` are all triggers.
    """
    for compound, parts in compounds.items():
        for position, name in enumerate(parts):
            if name not in names:
                listed = f"; triggers are {', '.join(sorted(names))}" if names else ""
                yield compound, position, f"there is no trigger of this name{did_you_mean(name, names) or listed}"
            elif compound in _within(compounds, name, set()):
                yield compound, position, f"{name} is made of {compound} itself; take one of them out"


def _within(compounds: Mapping[str, Sequence[str]], name: str, seen: set[str]) -> set[str]:
    """Return a trigger and everything that it is made of."""
    if name not in seen:
        seen.add(name)
        for part in compounds.get(name, ()):
            _within(compounds, part, seen)
    return seen
