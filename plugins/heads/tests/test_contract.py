from __future__ import annotations

from lexarium.testing import HeadContract


class TestClassifier(HeadContract):
    method = "classifier"
