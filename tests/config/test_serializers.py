"""Messages are data: a worker reads JSON and nothing that could run."""

import pickle

import pytest
from kombu.exceptions import ContentDisallowed
from kombu.serialization import dumps, loads

from config.celery import app


def test_json_is_the_only_serializer() -> None:
    assert app.conf.task_serializer == app.conf.result_serializer == app.conf.event_serializer == "json"
    assert app.conf.accept_content == app.conf.result_accept_content == ["json"]


@pytest.mark.parametrize("kind", ["application/x-python-serialize", "pickle", "application/x-yaml"])
def test_a_worker_refuses_everything_else(kind: str) -> None:
    with pytest.raises(ContentDisallowed):
        loads(pickle.dumps([1]), kind, "binary", accept=set(app.conf.accept_content))


def test_what_is_published_is_json() -> None:
    kind, encoding, text = dumps([1], serializer=app.conf.task_serializer)
    assert (kind, encoding, text) == ("application/json", "utf-8", "[1]")
