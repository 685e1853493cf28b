"""The contract suites: inherit one, name your method, and run pytest.

from lexarium.testing import EmbedderContract

class TestMine(EmbedderContract):
    method = "mine"
"""

import pytest

pytest.register_assert_rewrite(
    *(f"lexarium.testing.{name}" for name in ("embedders", "fusers", "heads", "stores"))
)

from lexarium.testing.embedders import EmbedderContract  # noqa: E402  after the rewrite is registered
from lexarium.testing.fusers import FuserContract  # noqa: E402  as above
from lexarium.testing.heads import HeadContract  # noqa: E402  as above
from lexarium.testing.stores import StoreContract  # noqa: E402  as above

__all__ = ["EmbedderContract", "FuserContract", "HeadContract", "StoreContract"]
