"""Django's cache in the database, of JSON: Django keeps pickles there, which run code when they are read."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import connection
from django.utils import timezone

FOR_EVER = datetime.max.replace(tzinfo=UTC)


class JsonCache(DatabaseCache):
    """In the table ``cache``. What is no JSON there, whoever put it in, counts as absent."""

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        asked = {self.make_and_validate_key(key, version=version): key for key in keys}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT cache_key, value FROM cache WHERE cache_key = ANY(%s) AND expires > %s",
                [list(asked), timezone.now()],
            )
            rows = cursor.fetchall()
        found = {}
        for key, text in rows:
            try:
                found[asked[key]] = json.loads(text)
            except ValueError:
                continue
        return found

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        seconds, now = self.get_backend_timeout(timeout), timezone.now()
        expires = FOR_EVER if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
        with connection.cursor() as cursor:
            if mode == "touch":
                cursor.execute(
                    'UPDATE "cache" SET expires = %s WHERE cache_key = %s AND expires > %s',
                    [expires, key, now],
                )
                return bool(cursor.rowcount)
            cursor.execute("SELECT count(*) FROM cache")
            if (count := cursor.fetchone()[0]) > self._max_entries:
                self._cull(connection.alias, cursor, now, count)  # type: ignore[attr-defined]  # Django's
            cursor.execute(
                'INSERT INTO "cache" AS kept (cache_key, value, expires) VALUES (%s, %s, %s) '
                "ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires "
                "WHERE %s OR kept.expires <= %s",
                [key, json.dumps(value), expires, mode == "set", now],
            )
            return bool(cursor.rowcount)
