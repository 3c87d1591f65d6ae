"""`use = "python"`: a forecaster that is a class of the user's own is found in the folder of the configuration."""

from __future__ import annotations

import sys

import pytest

from ml4t.live.config.class_path import ClassPath
from ml4t.live.config.decode import make_converter
from ml4t.live.config.own_model import OwnModelConfig, own_model
from ml4t.live.config.problem import Mistake
from ml4t.live.config.secret import SecretSource
from ml4t.live.plugins import Catalogue
from ml4t.live.records import Kind

CODE = """
class Steady:
    def __init__(self, change=0.0):
        self.change = change

    def forecast(self, request):
        return None


class Silent:
    pass


number = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "made_up_models.py").write_text(CODE)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("made_up_models", None)


def decode(folder, **table):
    return make_converter(folder, SecretSource({}, folder)).structure(table, OwnModelConfig)


def test_it_is_made_with_its_arguments(folder):
    config = decode(folder, model="made_up_models:Steady", options={"change": 0.5})
    assert config.model == ClassPath("made_up_models:Steady", folder)
    assert own_model(config).change == 0.5
    assert own_model(decode(folder, model="made_up_models:Steady")).change == 0.0


def test_it_is_a_component_of_the_core():
    offer = Catalogue.discover(allow=()).find(Kind.FORECASTER, "python")
    assert offer.component.config is OwnModelConfig
    assert Catalogue.discover().resolve(offer) is own_model


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("made_up_models", {}, 'write "module:Class"'),
        (":Steady", {}, 'write "module:Class"'),
        ("made_up_model:Steady", {}, "there is no module made_up_model .*did you mean made_up_models"),
        ("made_up_models:Stead", {}, "has no Stead; did you mean Steady"),
        ("made_up_models:number", {}, "is a int; name a class"),
        ("made_up_models:Silent", {}, r"has no method forecast\(request\)"),
        ("made_up_models:Steady", {"by": 1}, "does not fit options: .*its arguments are: change"),
    ],
)
def test_what_is_wrong_is_said(folder, model, options, words):
    with pytest.raises(Mistake, match=words):
        own_model(decode(folder, model=model, options=options))


@pytest.mark.parametrize(
    ("text", "options", "said"), [("made_up_models:Stedy", {}, "Steady"), ("made_up_models:Steady", {"x": 1}, "x")]
)
def test_a_class_that_is_not_there_is_told_without_making_one(folder, text, options, said):
    config = OwnModelConfig(model=ClassPath(text, folder), options=options)

    [(key, problem)] = config.problems()

    assert key == "model"
    assert said in problem
