"""Each row of a large table is of the company of what it belongs to, whoever writes it."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction

from commitments.models import Commitment, LineItem
from erp_integrations.models import ErpIdHold, ExportCall, ExportJob, Submission, WireAttempt
from tests.erp_integrations.conftest import accept
from tests.factories import ApproverFactory, CompanyFactory, SubmissionFactory

pytestmark = pytest.mark.django_db

BELONGS_TO = {
    Commitment: "project",
    LineItem: "commitment",
    Submission: "project",
    ErpIdHold: "connection",
    ExportJob: "submission",
    ExportCall: "job",
    WireAttempt: "call",
}


def exported() -> dict[type[models.Model], Any]:
    """A row of each, of one company."""
    submission = SubmissionFactory()
    job = accept(submission, ApproverFactory(company=submission.company))
    call = job.list_current_calls()[0]
    WireAttempt.objects.create(call=call, attempt=1, payload_hash=call.payload_hash)
    rows = {model: model._default_manager.order_by("-pk")[0] for model in BELONGS_TO}
    assert {vars(each)["company_id"] for each in rows.values()} == {submission.company_id}
    return rows


@pytest.mark.parametrize("model", BELONGS_TO)
def test_no_row_is_written_with_another_company_or_moved_to_one(model: type[models.Model]) -> None:
    own, other = exported()[model], exported()
    belongs_to = BELONGS_TO[model]
    elsewhere = getattr(other[model], f"{belongs_to}_id")
    copy = {
        each.attname: getattr(own, each.attname) for each in model._meta.concrete_fields if not each.generated
    }
    rows = model._default_manager.filter(pk=own.pk)
    refused = (
        lambda: model(**{**copy, "id": None, "company_id": CompanyFactory().pk}).save(),
        lambda: rows.update(company=other[model].company),
        lambda: rows.update(**{belongs_to: elsewhere}),
        lambda: model._default_manager.bulk_create(
            [model(**{**copy, f"{belongs_to}_id": elsewhere})],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[belongs_to],
        ),
    )
    for write in refused:
        with pytest.raises(IntegrityError, match=r"of the company|of another company"), transaction.atomic():
            write()
    rows.update(**{"company": own.company, belongs_to: getattr(own, f"{belongs_to}_id")})
    own.save()


@pytest.mark.parametrize("model", BELONGS_TO)
def test_a_sessions_own_table_is_not_asked_whose_a_row_is(model: type[models.Model]) -> None:
    own, other = exported()[model], exported()[model].company
    parent = own._meta.get_field(BELONGS_TO[model]).related_model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {parent} (LIKE {parent}) ON COMMIT DROP")
        cursor.execute(f"INSERT INTO {parent} SELECT * FROM public.{parent}")
        cursor.execute(f"UPDATE {parent} SET company_id = %s", [other.pk])
        cursor.execute(f"UPDATE {own._meta.db_table} SET company_id = NULL WHERE id = %s", [own.pk])
        cursor.execute(f"DROP TABLE pg_temp.{parent}")
    own.refresh_from_db()
    assert own.company_id != other.pk


def test_what_rows_belong_to_is_not_moved_to_another_company() -> None:
    job = exported()[ExportJob]
    for root in (job.submission.project, job.connection):
        root.company = CompanyFactory()
        with pytest.raises(IntegrityError, match="not moved to another company"), transaction.atomic():
            root.save()
