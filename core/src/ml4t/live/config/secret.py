"""Secrets: values that are never shown, and the references that stand for them in a file."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from attrs import Factory, frozen

from ml4t.live.config.problem import Mistake, SecretMistake, did_you_mean

Resolver = Callable[[str, str], str | None]
"""What a plugin provides: (scheme, reference) to the secret, None when the scheme is not its own."""

MASK = "***"
HOW = 'write a reference, { env = "NAME" } or { file = "path" }'


class Secret:
    """A string that no repr, log, format or copy gives away; `reveal()` does.

    Raises ValueError when empty, TypeError when pickled.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str) or not value:
            raise ValueError(f"a secret is a string that is not empty, not {type(value).__name__}")
        object.__setattr__(self, "_Secret__value", value)

    @classmethod
    def of(cls, value: str | Secret) -> Secret:
        """Return `value` as a secret; meant as an attrs converter, for classes that are also made in code."""
        return value if isinstance(value, cls) else cls(value)  # type: ignore[arg-type]

    def reveal(self) -> str:
        """Return the value itself. Hand it to the vendor's library and to nothing else."""
        return self.__value  # type: ignore[attr-defined, no-any-return]

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret cannot be changed")

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        # Constant time: how long a comparison takes must not tell how much of a guess was right.
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.reveal().encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash((Secret, self.reveal()))

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled: it would end up in a file or in another process")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self


def is_reference(value: object) -> bool:
    """Return True for a table that can only be a reference: one of the schemes that are always there."""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in {"env", "file"}


@frozen
class SecretSource:
    """Where references are looked up; `revealed` collects every value handed out, so that messages can leave them out."""

    environ: Mapping[str, str]
    folder: Path
    resolver: Resolver | None = None
    revealed: set[str] = Factory(set)

    def resolve(self, reference: Mapping[str, Any]) -> str:
        """Return what `reference` stands for. Raises `SecretMistake` with the remedy."""
        scheme, name = _parts(reference)
        if scheme == "env":
            value = self._from_environment(name)
        elif scheme == "file":
            value = self._from_file(name)
        else:
            value = self._from_plugin(scheme, name)
        self.revealed.add(value)
        return value

    def _from_environment(self, name: str) -> str:
        value = self.environ.get(name)
        if value is None:
            hint = did_you_mean(name, self.environ)
            raise SecretMistake(f"the environment variable {name} is not set{hint}; run `export {name}=...` first")
        if not value.strip():
            raise SecretMistake(f"the environment variable {name} is empty; run `export {name}=...` first")
        return value

    def _from_file(self, name: str) -> str:
        path = self.folder / Path(name).expanduser()
        try:
            value = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise SecretMistake(
                f"the secret file {path} cannot be read ({why}); create it with the secret as its only line"
            ) from None
        if not value.strip():
            raise SecretMistake(f"the secret file {path} is empty; write the secret as its only line")
        return value

    def _from_plugin(self, scheme: str, name: str) -> str:
        try:
            value = self.resolver(scheme, name) if self.resolver else None
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and the rest of the file is still to be checked
            raise SecretMistake(
                f"looking up the {scheme} secret failed: {type(error).__name__}: {error}; mend it, or {HOW}"
            ) from None
        if value is None:
            raise SecretMistake(f"no installed plugin knows secrets of the scheme {scheme!r}; {HOW}, or install the plugin")
        if not value.strip():
            raise SecretMistake(f"the {scheme} secret {name!r} is empty; store a value there")
        return value


def _parts(reference: Mapping[str, Any]) -> tuple[str, str]:
    if len(reference) != 1:
        raise Mistake(f"a reference to a secret has exactly one key; {HOW}")
    [(scheme, name)] = reference.items()
    if not isinstance(name, str) or not name.strip():
        raise Mistake(f"the {scheme} of a secret is its name in quotes; {HOW}")
    return scheme, name
