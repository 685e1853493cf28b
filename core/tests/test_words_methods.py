"""The methods whose models have vectors of single words, told by their classes."""

from __future__ import annotations

from types import SimpleNamespace

from lexarium.hookspecs import hookimpl
from lexarium.host import Host
from lexarium.method import Method
from lexarium.words import WordVectors  # noqa: TC001  an annotation is what is looked for
from lexarium.words.methods import with_words


class Wordless:
    """Says words nowhere."""


class Declared(Wordless):
    words: WordVectors


class Inherited(Declared):
    """Sets them in its base."""


class Computed(Wordless):
    @property
    def words(self):
        return None


@hookimpl
def lexarium_methods():
    names = ("Wordless", "Declared", "Inherited", "Computed", "Missing")
    return [
        Method(name=name.lower(), summary="for tests", embedder=f"{__name__}:{name}", config="no:where")
        for name in names
    ]


def test_a_method_is_named_where_its_class_says_words():
    plugin = SimpleNamespace(__name__="several", lexarium_methods=lexarium_methods)
    assert with_words(Host([plugin])) == "name a model of computed or declared or inherited"
    assert with_words(Host([])) == "no installed method has such vectors"
