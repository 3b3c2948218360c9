"""The files of a commitment: what they are, who gets them, and what an approver can be sure of."""

import io
import re
import shlex
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from pytest_django import Settings

from commitments.attachments import add_attachments
from commitments.files import clean_name
from commitments.models import Attachment, Badge, Commitment
from directory.models import HistoryEntry, User
from erp_integrations.models import Submission
from erp_integrations.pages.beside import list_document_changes
from erp_integrations.snapshots import ATTACHMENTS_VERSION, SCHEMA_VERSION, build_document, from_json, to_json
from erp_integrations.submissions import retrieve_from_erp, send_status, send_to_erp
from tests.clients import signed_in
from tests.factories import (
    ApproverFactory,
    CommitmentFactory,
    ExportJobFactory,
    ProjectAdminFactory,
    ReadyCommitmentFactory,
    SubmissionFactory,
)

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7\n1 0 obj\n%%EOF"
HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b'\xef\xbb\xbf <svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def office(*parts: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for part in ("[Content_Types].xml", *parts):
            archive.writestr(part, "x")
    return file.getvalue()


WORD = office("word/document.xml")


@pytest.fixture(autouse=True)
def place(settings: Settings, tmp_path: Path) -> Path:
    """Where files are kept in this test."""
    settings.STORAGES = {
        **settings.STORAGES,
        "attachments": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "kept")},
        },
    }
    return tmp_path


@pytest.fixture
def commitment() -> Commitment:
    made: Commitment = ReadyCommitmentFactory()
    return made


@pytest.fixture
def admin(commitment: Commitment) -> User:
    person: User = ProjectAdminFactory(project=commitment.project)
    return person


def attach(commitment: Commitment, by: User, *files: tuple[str, bytes]) -> Any:
    uploads = [SimpleUploadedFile(name, content) for name, content in files]
    return signed_in(by).post(f"{commitment.get_absolute_url()}attachments/", {"files": uploads}, follow=True)


def names(commitment: Commitment) -> Sequence[str]:
    return [each.name for each in commitment.attachments.filter(removed_at=None)]


def download(commitment: Commitment, by: User, attachment: Attachment) -> Any:
    return signed_in(by).get(f"{commitment.get_absolute_url()}attachments/{attachment.pk}/", follow=True)


def content_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def kept() -> list[Path]:
    return [each for each in Path(storages["attachments"].location).rglob("*") if each.is_file()]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("contract.pdf", PDF),
        ("SCAN.JPG", b"\xff\xd8\xff\xe0"),
        ("plan.png", b"\x89PNG\r\n\x1a\n"),
        ("terms.docx", WORD),
        ("quote.xlsx", office("xl/workbook.xml")),
        ("quote.csv", "Größe;1,5\r\n".encode("cp1252")),
    ],
)
def test_what_is_on_the_list_is_attached_and_comes_back_as_it_was(
    commitment: Commitment, admin: User, name: str, content: bytes
) -> None:
    assert "1 file attached." in attach(commitment, admin, (name, content)).content.decode()
    answer = download(commitment, admin, Attachment.objects.get())
    assert content_of(answer) == content
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox;")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("contract.pdf", HTML, "contract.pdf is no PDF, PNG, JPEG, Word, Excel or text"),
        ("contract.pdf", SVG, "contract.pdf is no PDF, PNG, JPEG, Word, Excel or text"),
        ("page.txt", HTML, "page.txt is no PDF, PNG, JPEG, Word, Excel or text"),
        ("run.csv", b"MZ\x90\x00", "run.csv is no PDF, PNG, JPEG, Word, Excel or text"),
        ("page.html", PDF, "By its content page.html is a PDF. Let its name end in .pdf."),
        ("contract.pdf", WORD, "By its content contract.pdf is a Word document"),
        (
            "macros.docx",
            office("word/document.xml", "word/vbaProject.bin"),
            "is no PDF, PNG, JPEG, Word, Excel or text",
        ),
        ("zip.docx", office("a.exe"), "is no PDF, PNG, JPEG, Word, Excel or text"),
        ("both.docx", WORD + b"PK\x05\x06", "is no PDF, PNG, JPEG, Word, Excel or text"),
        ("empty.pdf", b"", "empty.pdf is empty"),
        ("large.pdf", PDF + b" " * 1_048_576, "large.pdf is larger than 1 MB"),
    ],
)
def test_what_it_is_goes_by_its_content_and_all_of_a_refused_form_stays_out(
    commitment: Commitment, admin: User, settings: Settings, name: str, content: bytes, said: str
) -> None:
    settings.ATTACHMENT_MAX_MB = 1
    page = attach(commitment, admin, ("good.pdf", PDF), (name, content))
    assert page.status_code == 422
    assert said in page.content.decode()
    assert not names(commitment)
    assert not kept()


def test_a_directory_of_a_zip_that_would_fill_memory_is_not_read(commitment: Commitment, admin: User) -> None:
    many = office("word/document.xml", *(f"{'x' * 200}{number}" for number in range(1500)))
    assert attach(commitment, admin, ("many.docx", many)).status_code == 422


@pytest.mark.parametrize(
    ("typed", "is_called"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\temp\\a.pdf", "a.pdf"),
        ('a\r\nSet-Cookie: b=1".pdf', 'a Set-Cookie: b=1".pdf'),
        ("invoice\u202efdp.exe\u2066.pdf", "invoice fdp.exe .pdf"),
        ("a\x00b\u200b.pdf", "a b .pdf"),
        ("Ö" * 400 + ".pdf", "Ö" * 145 + "….pdf"),
    ],
)
def test_a_name_has_no_path_no_hidden_sign_and_an_end(typed: str, is_called: str) -> None:
    assert clean_name(typed) == is_called


def test_a_name_breaks_no_header(commitment: Commitment, admin: User) -> None:
    upload = SimpleUploadedFile("x.pdf", PDF)
    upload._name = 'a\r\nSet-Cookie: b="1\u202e.pdf'  # type: ignore[attr-defined]
    add_attachments(commitment=commitment, uploads=[upload], by=admin)
    answer = download(commitment, admin, Attachment.objects.get())
    assert content_of(answer) == PDF
    assert "\n" not in answer["Content-Disposition"]
    assert "Set-Cookie" not in answer.headers


def test_a_double_press_attaches_once_and_no_more_than_there_is_room(
    commitment: Commitment, admin: User, settings: Settings
) -> None:
    settings.ATTACHMENTS_PER_COMMITMENT = 2
    attach(commitment, admin, ("a.pdf", PDF), ("a.pdf", PDF))
    assert "That is attached already." in attach(commitment, admin, ("a.pdf", PDF)).content.decode()
    assert names(commitment) == ["a.pdf"]
    page = attach(commitment, admin, ("b.pdf", PDF), ("c.pdf", PDF))
    assert "A commitment has at most 2 files, and this one has 1." in page.content.decode()
    assert len(kept()) == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("sh -c 'grep -q EICAR \"$0\" && exit 1; exit 0'", ""),
        ("sh -c 'exit 1'", "The scan for harmful content refuses a.pdf."),
        ("sh -c 'exit 2'", "could not be scanned"),
        ("sh -c 'sleep 30'", "could not be scanned"),
        ("/nowhere/scan", "could not be scanned"),
        ("sh -c 'test -z \"$SECRET_KEY$DATABASE_URL\"'", ""),
    ],
)
def test_nothing_goes_past_the_scan(
    commitment: Commitment, admin: User, settings: Settings, command: str, said: str
) -> None:
    settings.ATTACHMENTS_SCAN_COMMAND, settings.ATTACHMENTS_SCAN_SECONDS = shlex.split(command), 0.2
    page = attach(commitment, admin, ("a.pdf", PDF)).content.decode()
    assert said in page
    assert names(commitment) == ([] if said else ["a.pdf"])


class TestWhatAnApproverSaw:
    @pytest.fixture
    def approver(self, commitment: Commitment) -> User:
        person: User = ApproverFactory(company=commitment.project.company)
        return person

    @pytest.fixture
    def sent(self, commitment: Commitment, admin: User) -> Submission:
        attach(commitment, admin, ("contract.pdf", PDF))
        return send_to_erp(commitment=commitment, by=admin)

    def address(self, submission: Submission, attachment: Attachment) -> str:
        slug = submission.company.slug
        return reverse("erp_integrations:attachment", args=[slug, submission.pk, attachment.pk])

    def test_name_size_and_hash_are_in_the_snapshot_and_its_hash(self, sent: Submission) -> None:
        (file,) = sent.document.attachments
        assert (file.name, file.size) == ("contract.pdf", len(PDF))
        assert sent.document.schema_version == ATTACHMENTS_VERSION
        assert f'"sha256":"{file.sha256}"' in sent.snapshot
        assert from_json(to_json(sent.document)) == sent.document
        Submission.objects.filter(pk=sent.pk).update(snapshot=sent.snapshot.replace(file.sha256, "0" * 64))
        sent.refresh_from_db()
        with pytest.raises(Exception, match="was altered"):
            _ = sent.document

    def test_without_files_a_snapshot_is_what_it_was(self) -> None:
        document = build_document(CommitmentFactory())
        assert document.schema_version == SCHEMA_VERSION
        assert "attachments" not in to_json(document)

    def test_it_is_locked_and_what_was_sent_outlives_its_removal(
        self, commitment: Commitment, admin: User, approver: User, sent: Submission
    ) -> None:
        file = Attachment.objects.get()
        remove = f"{commitment.get_absolute_url()}attachments/{file.pk}/"
        assert attach(commitment, admin, ("b.pdf", PDF)).status_code == 409
        assert signed_in(admin).post(remove).status_code == 409
        retrieve_from_erp(commitment=commitment, by=admin)
        attach(commitment, admin, ("b.pdf", PDF + b"2"))
        assert signed_in(admin).post(remove).status_code == 302
        assert signed_in(admin).post(remove).status_code == 404
        assert names(commitment) == ["b.pdf"]
        assert download(commitment, admin, file).status_code == 404
        answer = signed_in(approver).get(self.address(sent, file))
        assert content_of(answer) == PDF
        commitment.refresh_from_db()
        changes = [str(each) for each in list_document_changes(sent.document, build_document(commitment))]
        assert [re.sub(r":.*", "", each) for each in changes] == [
            "Attachment b.pdf was added",
            "Attachment contract.pdf was removed",
        ]
        told = HistoryEntry.objects.about(commitment).last()
        assert told is not None
        assert "Attachment contract.pdf was removed: 22 bytes, SHA-256 " in told.detail["changes"]

    def test_one_that_was_never_sent_goes_with_its_removal(self, commitment: Commitment, admin: User) -> None:
        attach(commitment, admin, ("a.pdf", PDF))
        version = Commitment.objects.get().version
        remove = f"{commitment.get_absolute_url()}attachments/{Attachment.objects.get().pk}/"
        signed_in(admin).post(remove)
        assert Commitment.objects.get().version == version + 1

    @pytest.mark.parametrize("what", ["swapped", "gone"])
    def test_a_file_that_is_not_what_was_sent_is_never_given_out(
        self, commitment: Commitment, admin: User, approver: User, sent: Submission, what: str
    ) -> None:
        file = Attachment.objects.get()
        path = Path(storages["attachments"].path(file.stored_as))
        path.unlink()
        if what == "swapped":
            path.write_bytes(PDF.replace(b"1.7", b"1.8"))
        said = "no longer in the storage" if what == "gone" else "is not the file that was attached"
        for answer in (
            signed_in(approver).get(self.address(sent, file), follow=True),
            download(commitment, admin, file),
        ):
            assert said in answer.content.decode()
            assert "attachment" not in answer.headers.get("Content-Disposition", "")

    def test_a_status_is_sent_with_the_files_of_what_was_exported(
        self, commitment: Commitment, admin: User, approver: User
    ) -> None:
        attach(commitment, admin, ("contract.pdf", PDF))
        ExportJobFactory(submission=SubmissionFactory(commitment=commitment, accepted=True), absent=True)
        assert attach(commitment, admin, ("later.pdf", PDF + b"2")).status_code == 200
        status = send_status(commitment=commitment, by=admin, status="complete")
        assert [each.name for each in status.document.attachments] == ["contract.pdf"]
        sent, later = commitment.attachments.all()
        assert content_of(signed_in(approver).get(self.address(status, sent))) == PDF
        assert signed_in(approver).get(self.address(status, later)).status_code == 404

    def test_its_row_can_not_be_turned_to_another_file(self, approver: User, sent: Submission) -> None:
        """Whoever writes to the database and the storage still does not have the snapshot."""
        file = Attachment.objects.get()
        other = SimpleUploadedFile("x.pdf", PDF + b"other")
        key = storages["attachments"].save("other", other)
        Attachment.objects.update(stored_as=key, size=len(PDF) + 5, sha256="0" * 64)
        page = signed_in(approver).get(self.address(sent, file), follow=True)
        assert "is not the file that was attached" in page.content.decode()

    def test_nobody_gets_it_by_another_commitment_or_company(
        self, commitment: Commitment, admin: User, approver: User, sent: Submission
    ) -> None:
        file = Attachment.objects.get()
        other = ReadyCommitmentFactory(project=commitment.project)
        assert download(other, admin, file).status_code == 404
        stranger = ApproverFactory()
        assert signed_in(stranger).get(self.address(sent, file)).status_code == 404
        assert download(commitment, stranger, file).status_code == 404
        assert download(commitment, approver, file).status_code == 404  # who is not in the project
        later = send(other, admin)
        assert signed_in(approver).get(self.address(later, file)).status_code == 404

    def test_the_dialog_and_the_review_say_what_it_is_and_where_it_is_missing(
        self, approver: User, sent: Submission
    ) -> None:
        file = Attachment.objects.get()
        for address in (sent.get_absolute_url(), f"{sent.get_absolute_url()}accept/"):
            page = signed_in(approver).get(address).content.decode()
            assert self.address(sent, file) in page
            assert file.sha256[:12] in page
            assert "Spectrum has no service for attachments" in page
        storages["attachments"].delete(file.stored_as)
        page = signed_in(approver).get(sent.get_absolute_url()).content.decode()
        assert "It is no longer in the storage of attachments." in page


def send(commitment: Commitment, by: User) -> Submission:
    return send_to_erp(commitment=commitment, by=by)


def test_a_commitment_goes_with_its_files_and_a_copy_has_none(
    commitment: Commitment, admin: User, django_capture_on_commit_callbacks: Any
) -> None:
    attach(commitment, admin, ("a.pdf", PDF))
    assert commitment.badge == Badge.NOT_SENT
    with django_capture_on_commit_callbacks(execute=True):
        signed_in(admin).post(f"{commitment.get_absolute_url()}delete/")
    assert not Attachment.objects.exists()
    assert not kept()


def test_one_that_went_while_its_files_were_stored_leaves_none(commitment: Commitment, admin: User) -> None:
    Commitment.objects.filter(pk=commitment.pk).delete()
    with pytest.raises(Commitment.DoesNotExist):
        add_attachments(commitment=commitment, uploads=[SimpleUploadedFile("a.pdf", PDF)], by=admin)
    assert not kept()


def test_more_than_fits_is_not_read_and_the_page_says_so(
    commitment: Commitment, admin: User, settings: Settings
) -> None:
    settings.ATTACHMENT_MAX_MB = 1
    page = attach(commitment, admin, ("large.pdf", PDF + b" " * 5_000_000))
    assert page.status_code == 413
    assert "larger than 2 MB together" in page.content.decode()
