"""A text that is too long is refused, not cut, and its line breaks stay."""

import pytest

from erp_integrations.models import SubmissionStatus
from notifications.models import OutgoingEmail
from tests.clients import signed_in
from tests.erp_integrations.views.test_dialogs import approver_of, seen, url
from tests.factories import ErpAdminFactory, SubmissionFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("box", "field", "label"), [("reject", "reason", "Reason"), ("accept", "note", "Details")]
)
def test_one_too_many_is_refused_by_the_field_s_name_and_stays_whole(
    box: str, field: str, label: str
) -> None:
    submission = SubmissionFactory()
    _, client = approver_of(submission)
    shown = client.get(url(submission, box)).content.decode()
    assert 'data-limit="4000"' in shown
    text = "12345678\n" * 577 + "5,200."
    answer = client.post(url(submission, box), seen(client, submission, box, **{field: text}))
    assert answer.status_code == 422
    html = answer.content.decode()
    assert f"{label}: At most 4,000 characters fit; this has 5,199." in html
    assert text in html
    submission.refresh_from_db()
    assert submission.status == SubmissionStatus.AWAITING


def test_line_breaks_stay_however_they_were_sent() -> None:
    submission, lines = SubmissionFactory(), "1234567\n" * 499 + "12345678"
    _, client = approver_of(submission)
    entered = seen(client, submission, "reject", reason=lines.replace("\n", "\r\n"))
    assert client.post(url(submission, "reject"), entered).status_code == 302
    submission.refresh_from_db()
    assert submission.reason == lines
    mail = OutgoingEmail.objects.filter(kind="rejection").first()
    assert mail is not None
    assert mail.html_body.count("1234567<br>") == 499
    assert lines.replace("\n", "\n> ") in mail.text_body
    assert client.get(submission.get_absolute_url()).content.decode().count("1234567<br>") == 499
    admin = signed_in(ErpAdminFactory(company=submission.company))
    page = admin.get(f"/companies/{submission.company.slug}/erp-integrations/history/").content.decode()
    assert "1234567<br>1234567<br>" in page
