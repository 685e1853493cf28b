"""The stranger's plugin keeps the contracts: all that its author has to write."""

from lexarium.testing import EmbedderContract, FuserContract, HeadContract


class TestLetters(EmbedderContract):
    method = "letters"


class TestCentroid(HeadContract):
    method = "centroid"


class TestConcat(FuserContract):
    method = "concat"
