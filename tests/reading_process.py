"""A process of its own for the reading side."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

SECONDS = 90


class ReaderProcess:
    """Runs functions in the process that speaks to the private pcscd."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def start(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        return self._pool.submit(function, *arguments)

    def run(self, function: Callable[..., Any], *arguments: object) -> Any:
        return self.start(function, *arguments).result(SECONDS)


def use(environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
