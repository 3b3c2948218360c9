"""Every other test takes this for granted about its database."""

import os

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.utils import DatabaseError

from directory.models import Company, HistoryEntry

two_roles = pytest.mark.skipif("OWNER_DATABASE_URL" not in os.environ, reason="the given server has one role")


@two_roles
@pytest.mark.django_db
def test_the_tests_have_the_rights_of_the_product() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == ("app", False)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", ["first", "second"])
def test_a_transactional_test_finds_the_database_empty(time: str) -> None:
    assert not Company.objects.exists()
    assert not HistoryEntry.objects.exists()
    assert ContentType.objects.filter(app_label="directory").exists()
    company = Company.objects.create(name="Keystone Builders", slug="keystone")
    HistoryEntry.objects.create(event=time, subject_type="directory.company", subject_id=company.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        HistoryEntry.objects.all().delete()
