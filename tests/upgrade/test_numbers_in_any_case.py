"""The upgrade that makes numbers unique in any case of their letters, where two differ in it alone."""

from typing import Any

import pytest
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor

from commitments.models import Commitment
from tests.databases import connected_to, new_database
from tests.embedded_services import template
from tests.factories import CommitmentFactory, ProjectFactory

pytestmark = pytest.mark.django_db(transaction=True)

BARE: dict[str, Any] = {"lines": 0, "contract_company": None}
"""Vendors have columns by now that were not there then."""


def migrate(name: str) -> None:
    MigrationExecutor(database).migrate([("commitments", name)])


def test_it_stops_with_their_names_and_goes_on_once_one_has_another() -> None:
    with new_database("numbers", template=template() or "template1"), connected_to("numbers"):
        project = ProjectFactory(name="Pier 6")
        first, second = (CommitmentFactory(project=project, number=each, **BARE) for each in ("sc-1", "SC-2"))
        CommitmentFactory(number="Sc-1", **BARE)
        migrate("0014_the_contract_says")
        Commitment.objects.filter(pk=second.pk).update(number="SC-1")
        with pytest.raises(RuntimeError, match=r"\nPier 6: subcontract SC-1$"):
            migrate("0015_numbers_in_any_case")
        assert {*Commitment.objects.filter(project=project).values_list("pk", flat=True)} == {
            first.pk,
            second.pk,
        }
        Commitment.objects.filter(pk=second.pk).update(number="SC-2")
        migrate("0015_numbers_in_any_case")
