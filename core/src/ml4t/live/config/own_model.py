"""A forecaster that is a class of the user's own, and no plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from ml4t.live.config.class_path import ClassPath, check_options
from ml4t.live.config.problem import Mistake

if TYPE_CHECKING:  # listing the plugins of the core imports this module, and nothing that it does not need
    from ml4t.live.contracts import Forecaster


@frozen(kw_only=True)
class OwnModelConfig:
    """The class, and its arguments."""

    model: ClassPath
    """The forecaster's class, "module:Class"; the folder of the configuration is on the import path."""
    options: Mapping[str, Any] = field(factory=dict)
    """Arguments of the class."""

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield why the class cannot be had, or does not take the arguments."""
        try:
            check_options(_class_of(self), self.options, "options")
        except Mistake as error:
            yield "model", str(error)


def own_model(config: OwnModelConfig) -> Forecaster:
    """Return an instance of the class. Raises `Mistake`, a ValueError, with the remedy."""
    from ml4t.live.contracts import Forecaster  # noqa: PLC0415 - see above

    target = _class_of(config)
    check_options(target, config.options, "options")
    made = target(**config.options)
    if not isinstance(made, Forecaster):
        raise Mistake(f"{config.model.text} has no method forecast(request); add it")
    return made


def _class_of(config: OwnModelConfig) -> Callable[..., Any]:
    target: object = config.model.find()
    if not callable(target):
        raise Mistake(f"{config.model.text} is a {type(target).__name__}; name a class with a method forecast")
    return target
