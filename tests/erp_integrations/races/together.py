"""Several people begin at one moment: a barrier lets them go, and chance does the rest."""

import threading
from collections.abc import Callable

from django.db import connection

ROUNDS = range(6)
"""One run of a race proves little."""


def race(*people: Callable[[], object]) -> list[object]:
    """Let them all begin at once; what each got, or the error that it was refused with."""
    results: list[object] = [None] * len(people)
    barrier = threading.Barrier(len(people))

    def run(place: int, act: Callable[[], object]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=10)
            results[place] = act()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return results


def refusals(results: list[object]) -> list[Exception]:
    return [result for result in results if isinstance(result, Exception)]
