"""The local store keeps what every store must keep."""

from lexarium.testing import StoreContract


class TestLocalStore(StoreContract):
    kind = "local"
