"""Counts for all processes are kept as JSON, so that nobody who reaches the table runs code by it."""

import base64
import pickle
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection

pytestmark = pytest.mark.django_db


class Harm:
    """Unpickled, it makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, (f"__import__('pathlib').Path({str(self.file)!r}).touch()",)


def put(key: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cache (cache_key, value, expires) VALUES (%s, %s, now() + interval '1 day')",
            [cache.make_key(key), value],
        )


def test_a_pickle_in_the_table_runs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "harm"
    text = base64.b64encode(pickle.dumps(Harm(file))).decode()
    pickle.loads(base64.b64decode(text))
    assert file.exists(), "the pickle does what it should when it is read"
    file.unlink()
    put("limit", text)
    assert cache.get("limit") is None
    assert not file.exists()
    cache.set("limit", [1])
    assert cache.get("limit") == [1]


@pytest.mark.parametrize("value", [1, 1.5, "text", True, None, [1.5, "a"], {"a": [1]}])
def test_what_is_kept_comes_back(value: object) -> None:
    cache.set("key", value)
    assert cache.get("key", default="nothing") == value


def test_what_is_added_once_is_not_added_again_until_it_is_over() -> None:
    assert cache.add("code", True, timeout=60)
    assert not cache.add("code", True, timeout=60)
    cache.set("code", True, timeout=-1)
    assert cache.get("code") is None
    assert cache.add("code", True, timeout=60)


def test_what_is_touched_stays_and_what_is_deleted_is_gone() -> None:
    cache.set("key", 1, timeout=None)
    assert cache.touch("key", 60)
    assert not cache.touch("another", 60)
    assert cache.incr("key") == 2
    cache.delete("key")
    assert cache.get_many(["key", "another"]) == {}


def test_a_value_that_is_no_json_is_not_kept() -> None:
    with pytest.raises(TypeError):
        cache.set("key", {1, 2})
