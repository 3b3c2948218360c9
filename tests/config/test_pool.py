"""A slow connection holds its own turn, and no other."""

import threading

import pytest

from config.pool import KeyedThreadPool

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_slow_delays_nothing_but_itself() -> None:
    turns, release, done = KeyedThreadPool(3), threading.Event(), threading.Event()
    try:
        assert turns.start("slow", release.wait)
        assert turns.start("quick", done.set)
        assert done.wait(timeout=30)
    finally:
        release.set()
    turns.end(5)


def test_a_key_has_one_turn_at_a_time_and_then_another() -> None:
    turns, release = KeyedThreadPool(3), threading.Event()
    assert turns.start("one", release.wait)
    assert not turns.start("one", release.wait)
    release.set()
    turns.end(5)
    assert turns.start("one", lambda: None)
    turns.end(5)


def test_there_are_no_more_turns_than_places() -> None:
    turns, release = KeyedThreadPool(2), threading.Event()
    begun = [turns.start(number, release.wait) for number in range(3)]
    release.set()
    turns.end(5)
    assert begun == [True, True, False]


def test_a_turn_that_breaks_down_frees_its_place(caplog: pytest.LogCaptureFixture) -> None:
    turns = KeyedThreadPool(1)
    assert turns.start("broken", lambda: 1 // 0)
    turns.end(5)
    assert "The turn broken failed" in caplog.text
    assert turns.start("next", lambda: None)
    turns.end(5)
