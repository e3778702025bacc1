"""An engine added from outside: the local one under another name."""

from studio.engines.local import LocalEngine


class ToyEngine(LocalEngine):
    name = "toy-engine"
