"""The application's role can write history and seal it, and nothing else."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError, connection, transaction

from directory.checks import (
    check_checkpoints_dir,
    check_database_roles,
    check_decision_keys,
    check_history_protection,
    check_history_signing_key,
)
from directory.history import canonical, checkpoints, protection, sealing
from directory.models import Company, HistoryEntry, HistorySeal
from erp_integrations.models import ExportCall, WireAttempt
from local.embedded import WEB, WORKER
from tests.conftest import owner, session_of_owner
from tests.databases import connected_to, new_database
from tests.directory.tampering import ENTRIES, SEALS, sealed
from tests.embedded_services import OURS, template
from tests.factories import CompanyFactory, ExportJobFactory

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = ("permission denied", "append-only", "must be owner", "seals of history", "must be superuser")


@pytest.fixture
def company() -> Company:
    made: Company = CompanyFactory()
    sealed(made, entries=3)
    return made


@pytest.fixture
def _two_roles() -> None:
    # A right too many is no reason to look away.
    if any("owns" in gap or "superuser" in gap for gap in protection.check_role_rights()):
        pytest.skip("DATABASE_URL names the owner: only the triggers protect the tables")


def refused(statement: str, parameters: Any = None) -> None:
    before = list(HistoryEntry.objects.values()), list(HistorySeal.objects.values())
    with pytest.raises(DatabaseError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
    assert any(words in str(error.value) for words in REFUSED), error.value
    assert (list(HistoryEntry.objects.values()), list(HistorySeal.objects.values())) == before


@pytest.mark.parametrize("table", [ENTRIES, SEALS])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "TRUNCATE {} CASCADE"])
@pytest.mark.usefixtures("company")
def test_nothing_is_removed(table: str, statement: str) -> None:
    refused(statement.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {ENTRIES} SET by_id = 7",
        f"UPDATE {SEALS} SET hash = repeat('1', 64)",
        f"INSERT INTO {SEALS} SELECT * FROM {SEALS} ON CONFLICT (entry_id) DO UPDATE SET number = 9",
    ],
)
@pytest.mark.usefixtures("company")
def test_nothing_is_changed(statement: str) -> None:
    refused(statement)


@pytest.mark.parametrize("table", [ENTRIES, SEALS])
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE {} DISABLE TRIGGER USER",
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "DROP TABLE {} CASCADE",
        "ALTER TABLE {} RENAME TO elsewhere",
        "ALTER TABLE {} DROP COLUMN number, DROP COLUMN detail",
        "CREATE RULE nothing AS ON INSERT TO {} DO INSTEAD NOTHING",
        "ALTER TABLE {} OWNER TO CURRENT_USER",
    ],
)
@pytest.mark.usefixtures("company", "_two_roles")
def test_what_protects_it_is_not_taken_away(table: str, statement: str) -> None:
    refused(statement.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN NULL; END $$",
        f"DROP TRIGGER history_is_append_only ON {ENTRIES}",
        f"DROP TRIGGER a_seal_follows_the_head ON {SEALS}",
        "DROP FUNCTION history_is_append_only() CASCADE",
        "ALTER FUNCTION a_seal_follows_the_head() RESET search_path",
        "SET ROLE owner",
    ],
)
@pytest.mark.usefixtures("company", "_two_roles")
def test_what_the_triggers_call_is_not_replaced(statement: str) -> None:
    refused(statement)


@pytest.mark.usefixtures("company", "_two_roles")
def test_nobody_is_given_a_right() -> None:
    with connection.cursor() as cursor:
        asked = "SELECT relacl::text FROM pg_class WHERE relname = ANY(%s)"
        cursor.execute(asked, [[ENTRIES, SEALS]])
        before = cursor.fetchall()
        # PostgreSQL only warns that it granted nothing.
        with suppress(DatabaseError):
            cursor.execute(f"GRANT ALL ON {ENTRIES}, {SEALS} TO PUBLIC")
        cursor.execute(asked, [[ENTRIES, SEALS]])
        assert cursor.fetchall() == before


def inserted(**columns: int | str | None) -> HistoryEntry:
    """The history after somebody wrote a grant into it by hand."""
    told: dict[str, int | str | None] = {
        "event": "privilege.granted",
        "subject_type": "directory.companymembership",
        "subject_id": 1,
        "detail": json.dumps({"user": 1}),
        **columns,
    }
    with connection.cursor() as cursor:
        values = ", ".join(["%s"] * len(told))
        statement = f"INSERT INTO {ENTRIES} ({', '.join(told)}) VALUES ({values}) RETURNING id"
        cursor.execute(statement, list(told.values()))
        (pk,) = cursor.fetchone()
    return HistoryEntry.objects.get(pk=pk)


class TestWhatIsInserted:
    """The database says when, and after what: whoever may insert says neither."""

    def test_nothing_is_dated_back_or_numbered_back(self, company: Company) -> None:
        last = HistoryEntry.objects.order_by("-pk")[0]
        entry = inserted(id=1, at="2020-01-01", company_id=company.pk)
        assert entry.pk > last.pk
        assert entry.at >= last.at

    def test_nor_ahead(self, company: Company) -> None:
        first = inserted(id=2**40, at="2120-01-01", company_id=company.pk)
        second = inserted(company_id=company.pk)
        assert first.pk < second.pk < 2**40
        assert first.at <= second.at

    @pytest.mark.usefixtures("company")
    def test_nobody_says_again_what_stood_when_signing_began(self) -> None:
        with pytest.raises(DatabaseError, match="written once, at the upgrade"):
            inserted(event="signatures.began", detail='{"held": [[1, 1]]}')

    @pytest.mark.usefixtures("company", "_two_roles")
    def test_the_numbers_are_not_set_back(self) -> None:
        refused(f"SELECT setval(pg_get_serial_sequence('{ENTRIES}', 'id'), 1, false)")


@contextmanager
def role(name: str) -> Iterator[None]:
    """The product's connection, with a role of web's or the workers' own."""
    if "DATABASE_URL" not in os.environ.get(OURS, "").split():
        pytest.skip("DATABASE_URL names a server that may not have these roles")
    usual = connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["USER"] = usual


class TestRolesOfTheirOwn:
    """Web decides and never says what Spectrum answered; a worker the other way round."""

    @pytest.mark.parametrize(
        "event", ["submission.accepted", "export.retried", "export.resumed", "privilege.granted"]
    )
    def test_a_worker_writes_no_decision(self, event: str) -> None:
        with role(WORKER):
            with pytest.raises(DatabaseError, match="a worker decides nothing"):
                inserted(event=event)
            assert inserted(event="export.synced").by_id is None
        with role(WEB):
            assert inserted(event=event).pk

    def test_web_writes_no_answer(self) -> None:
        call = ExportJobFactory().list_current_calls()[0]
        with role(WEB), pytest.raises(DatabaseError, match="written by workers: INSERT"):
            WireAttempt.objects.create(call=call, attempt=1, payload_hash="")
        with role(WORKER):
            attempt = WireAttempt.objects.create(call=call, attempt=1, payload_hash="")
        with role(WEB):
            assert attempt in WireAttempt.objects.all()
            with pytest.raises(DatabaseError, match="written by workers: UPDATE"):
                WireAttempt.objects.update(outcome="accepted")

    @pytest.mark.parametrize("state", ["written", "not_found", "gone", "refused", "sending"])
    def test_web_says_of_no_call_what_nobody_attested(self, state: str) -> None:
        call = ExportJobFactory().list_current_calls()[0]
        with role(WEB), pytest.raises(DatabaseError, match="nobody attested"):
            ExportCall.objects.filter(pk=call.pk).update(state=state)
        with role(WORKER):
            assert ExportCall.objects.filter(pk=call.pk).update(state=state)

    def test_nor_does_web_plan_a_call_that_is_written_already(self) -> None:
        job = ExportJobFactory()
        with role(WEB):
            for state in ("written", "not_found", "unknown"):
                with pytest.raises(DatabaseError, match="nobody attested"):
                    ExportCall.objects.create(job=job, position=9, elements=[], state=state)
            assert ExportCall.objects.create(job=job, position=9, elements=[]).state == "planned"

    def test_nor_does_it_say_that_a_written_call_is_not_written(self) -> None:
        call = ExportJobFactory(synced=True).list_current_calls()[0]
        assert call.state == "written"
        with role(WEB):
            for state in ("planned", "unknown"):
                with pytest.raises(DatabaseError, match="nobody attested"):
                    ExportCall.objects.filter(pk=call.pk).update(state=state)

    def test_nor_takes_it_for_another_export(self) -> None:
        call = ExportJobFactory(synced=True).list_current_calls()[0]
        other = ExportJobFactory(submission__commitment__project=call.job.submission.project)
        with role(WEB), pytest.raises(DatabaseError, match="nobody attested"):
            ExportCall.objects.filter(pk=call.pk).update(job=other, plan_round=2)

    def test_of_what_is_being_sent_nobody_knows_says_an_operator(self) -> None:
        call = ExportJobFactory().list_current_calls()[0]
        with role(WORKER):
            ExportCall.objects.filter(pk=call.pk).update(state="sending")
        with role(WEB):
            assert ExportCall.objects.filter(pk=call.pk).update(state="unknown")

    @pytest.mark.parametrize("name", [WEB, WORKER])
    def test_neither_may_alter_history(self, name: str) -> None:
        inserted()
        with role(name):
            refused(f"UPDATE {ENTRIES} SET by_id = 7")
            assert check_history_protection(None, databases=["default"]) == []

    def test_one_role_for_both_is_a_warning(self) -> None:
        (warning,) = check_database_roles(None, databases=["default"])
        assert "ledgergate_worker" in str(warning.msg)
        with role(WORKER):
            assert check_database_roles(None, databases=["default"]) == []


def test_rights_too_few_are_found_as_well_and_what_is_to_be_run_gives_them() -> None:
    """As after the grants went to another database, and one table that an older owner had made."""
    with new_database("rights", template=template() or "template1"), connected_to("rights"):

        def check(*statements: str) -> list[Any]:
            with connection.cursor() as cursor:
                for statement in (*statements, f"SET ROLE {WORKER}"):
                    cursor.execute(statement)
                try:
                    return check_history_protection(None, databases=["default"])
                finally:
                    cursor.execute("RESET ROLE")

        assert check() == []
        (error,) = check("REVOKE SELECT ON directory_company FROM PUBLIC, app")
        assert error.msg == (
            f"The role {WORKER} can't read and write 1 of the tables, among them directory_company."
        )
        (error,) = check("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM app")
        assert check(str(error.hint).partition(": ")[2]) == []
        assert check("CREATE TABLE of_the_next_release ()") == []


class TestForgedSeals:
    """Who has the application's rights may insert a seal, and only the one that comes next."""

    def insert(self, seal: HistorySeal) -> None:
        names = ["entry_id", "chain", "number", "entry_hash", "previous_hash", "hash", "sealed_at"]
        refused(
            f"INSERT INTO {SEALS} ({', '.join(names)}) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [getattr(seal, name) for name in names],
        )

    def next_seal(self, company: Company, *, skipped: int = 0, ago: str = "0 s") -> HistorySeal:
        entry = HistoryEntry.objects.create(
            event="thing.happened", subject_type="a.b", subject_id=1, company_id=company.pk
        )
        entry.refresh_from_db()
        head = HistorySeal.objects.filter(chain=company.pk).order_by("-number")[0]
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp() - %s::interval", [ago])
            (now,) = cursor.fetchone()
        return canonical.build_seal(entry, previous=(head.number + skipped, head.hash), sealed_at=now)

    def test_a_place_is_not_left_out(self, company: Company) -> None:
        self.insert(self.next_seal(company, skipped=1))

    def test_a_place_is_not_taken_again(self, company: Company) -> None:
        self.insert(self.next_seal(company, skipped=-1))

    def test_a_seal_is_not_antedated(self, company: Company) -> None:
        self.insert(self.next_seal(company, ago="1 hour"))

    def test_a_seal_is_of_an_entry_of_its_chain(self, company: Company) -> None:
        elsewhere: Company = CompanyFactory()
        sealed(elsewhere)
        forged = self.next_seal(company)
        forged.entry_id = HistoryEntry.objects.create(
            event="thing.happened", subject_type="a.b", subject_id=1, company_id=elsewhere.pk
        ).pk
        self.insert(forged)

    def test_a_seal_has_the_hash_of_what_it_says(self, company: Company) -> None:
        forged = self.next_seal(company)
        forged.hash = "f" * 64
        self.insert(forged)

    def test_a_temporary_table_does_not_stand_in_for_the_real_one(self, company: Company) -> None:
        forged = self.next_seal(company, skipped=1)
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMPORARY TABLE {SEALS} (LIKE public.{SEALS})")
            try:
                cursor.execute(
                    f"INSERT INTO pg_temp.{SEALS} SELECT 1, chain, %s, entry_hash, previous_hash, %s, "
                    f"sealed_at FROM public.{SEALS} LIMIT 1",
                    [forged.number - 1, forged.previous_hash],
                )
                cursor.execute(f"ALTER TABLE pg_temp.{SEALS} RENAME TO seals_of_mine")
                cursor.execute(f"CREATE TEMPORARY VIEW {SEALS} AS SELECT * FROM seals_of_mine")
                with pytest.raises(DatabaseError, match="seals of history follow one another"):
                    cursor.execute(
                        f"INSERT INTO public.{SEALS} VALUES (%s, %s, %s, %s, %s, %s, %s)",
                        [
                            forged.entry_id,
                            forged.chain,
                            forged.number,
                            forged.entry_hash,
                            forged.previous_hash,
                            forged.hash,
                            forged.sealed_at,
                        ],
                    )
            finally:
                cursor.execute(f"DROP VIEW IF EXISTS pg_temp.{SEALS}")
                cursor.execute("DROP TABLE IF EXISTS seals_of_mine")

    def test_after_all_that_the_sealer_goes_on(self, company: Company) -> None:
        self.insert(self.next_seal(company, skipped=5))
        assert sealing.seal_new_entries() == 1


class TestSystemChecks:
    """`check --deploy --database default` says when the roles or the settings protect nothing."""

    @pytest.mark.usefixtures("_two_roles")
    def test_the_applications_role_is_well(self) -> None:
        assert check_history_protection(None, databases=["default"]) == []

    def test_nothing_is_asked_of_a_database_that_was_not_named(self) -> None:
        assert check_history_protection(None, databases=None) == []

    @pytest.mark.usefixtures("_two_roles")
    @pytest.mark.parametrize(
        ("grant", "revoke"),
        [
            (f"GRANT UPDATE ON {ENTRIES} TO app", f"REVOKE UPDATE ON {ENTRIES} FROM app"),
            (f"GRANT DELETE ON {SEALS} TO app", f"REVOKE DELETE ON {SEALS} FROM app"),
            (f"GRANT UPDATE (by_id) ON {ENTRIES} TO app", f"REVOKE UPDATE (by_id) ON {ENTRIES} FROM app"),
            (f"GRANT TRIGGER ON {SEALS} TO app", f"REVOKE TRIGGER ON {SEALS} FROM app"),
            (
                f"ALTER TABLE {ENTRIES} DISABLE TRIGGER history_is_append_only",
                f"ALTER TABLE {ENTRIES} ENABLE TRIGGER history_is_append_only",
            ),
        ],
    )
    def test_a_right_too_many_is_named(self, grant: str, revoke: str) -> None:
        role = connection.settings_dict["USER"]
        with session_of_owner() as cursor:
            cursor.execute(grant.replace("app", role) if "GRANT" in grant else grant)
        try:
            (warning,) = check_history_protection(None, databases=["default"])
        finally:
            with session_of_owner() as cursor:
                cursor.execute(revoke.replace("app", role) if "REVOKE" in revoke else revoke)
        assert warning.id == "directory.W002"
        assert "docs/history.md" in str(warning.hint)

    @pytest.mark.usefixtures("_two_roles")
    def test_the_owner_is_told(self) -> None:
        ours = {key: connection.settings_dict[key] for key in ("USER", "PASSWORD")}
        connection.close()
        connection.settings_dict.update(owner() or {})
        try:
            (warning,) = check_history_protection(None, databases=["default"])
        finally:
            connection.close()
            connection.settings_dict.update(ours)
        assert "superuser" in str(warning.msg) or "owns" in str(warning.msg)

    def test_a_key_that_is_none_is_an_error(self, settings: Any) -> None:
        assert check_history_signing_key(None) == []
        settings.HISTORY_SIGNING_KEY = "c2hvcnQ="
        (error,) = check_history_signing_key(None)
        assert "base64 of 32 bytes" in str(error.msg)
        with pytest.raises(SystemCheckError):
            call_command("check")

    def test_keys_of_decisions_that_are_none_are_an_error(self, settings: Any) -> None:
        assert check_decision_keys(None) == []
        for name, value, found in (
            ("DECISION_PUBLIC_KEYS", [""], "directory.E003"),
            ("DECISION_SIGNING_KEY", "c2hvcnQ=", "directory.E004"),
            (
                "DECISION_PUBLIC_KEYS",
                [checkpoints.get_public_key(checkpoints.create_private_key())],
                "directory.E005",
            ),
        ):
            usual = getattr(settings, name)
            setattr(settings, name, value)
            (error,) = check_decision_keys(None)
            assert error.id == found
            setattr(settings, name, usual)
        settings.DECISION_SIGNING_KEY = ""
        assert check_decision_keys(None) == []

    def test_a_missing_folder_for_checkpoints_is_a_warning(self, settings: Any) -> None:
        settings.HISTORY_CHECKPOINTS_DIR = ""
        assert len(check_checkpoints_dir(None)) == 1
        settings.HISTORY_CHECKPOINTS_DIR = "/somewhere"
        assert check_checkpoints_dir(None) == []
