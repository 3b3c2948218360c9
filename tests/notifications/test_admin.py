import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from directory.models import User
from notifications.models import Kind, Status, Subscription
from tests.clients import entered_password
from tests.factories import CompanyFactory, join_company
from tests.notifications.factories import OutgoingEmailFactory, RecipientFactory

pytestmark = pytest.mark.django_db

LIST = "admin:notifications_outgoingemail_changelist"


def staff(client: Client, *permissions: str) -> User:
    """Signed in, with these permissions, and of one company with everybody there is."""
    person: User = RecipientFactory.create(is_staff=True)
    company = CompanyFactory()
    for colleague in User.objects.all():
        join_company(colleague, company)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    entered_password(client, seconds_ago=0)
    return person


def send_again(client: Client, *keys: int) -> int:
    return client.post(reverse(LIST), {"action": "send_again", "_selected_action": keys}).status_code


def test_staff_with_the_view_permission_read_the_text_of_a_mail(client: Client) -> None:
    email = OutgoingEmailFactory.create()
    staff(client, "view_outgoingemail")
    assert email.subject in client.get(reverse(LIST)).content.decode()
    page = client.get(reverse("admin:notifications_outgoingemail_change", args=[email.pk])).content.decode()
    assert "The phase of line 3 is wrong." in page
    assert "_save" not in page


def test_staff_of_another_company_read_nothing(client: Client) -> None:
    staff(client, "view_outgoingemail", "view_subscription")
    email = OutgoingEmailFactory.create()
    assert email.recipient
    Subscription.objects.create(user=email.recipient, kind=Kind.DAILY_SUMMARY, wanted=False)
    join_company(email.recipient, CompanyFactory())
    assert email.to_address not in client.get(reverse(LIST)).content.decode()
    page = client.get(reverse("admin:notifications_subscription_changelist")).content.decode()
    assert str(email.recipient) not in page


def test_mails_to_whoever_is_of_two_companies_are_for_staff_of_both_and_superusers(client: Client) -> None:
    email = OutgoingEmailFactory.create()
    other = CompanyFactory()
    assert email.recipient
    join_company(email.recipient, other)
    person = staff(client, "view_outgoingemail")
    page = reverse("admin:notifications_outgoingemail_change", args=[email.pk])
    assert email.to_address not in client.get(reverse(LIST)).content.decode()
    assert client.get(page).status_code == 302
    join_company(person, other)
    assert client.get(page).status_code == 200


def test_staff_without_it_read_nothing(client: Client) -> None:
    email = OutgoingEmailFactory.create()
    staff(client)
    assert client.get(reverse(LIST)).status_code == 403
    url = reverse("admin:notifications_outgoingemail_change", args=[email.pk])
    assert client.get(url).status_code == 403


def test_a_failed_mail_is_sent_again_by_staff_with_that_permission(client: Client) -> None:
    failed, sent = OutgoingEmailFactory.create(failed=True), OutgoingEmailFactory.create(sent=True)
    staff(client, "view_outgoingemail", "send_again")
    assert send_again(client, failed.pk, sent.pk) == 302
    failed.refresh_from_db()
    sent.refresh_from_db()
    assert failed.status == Status.QUEUED
    assert sent.status == Status.SENT


def test_the_action_is_closed_to_staff_without_that_permission(client: Client) -> None:
    failed = OutgoingEmailFactory.create(failed=True)
    staff(client, "view_outgoingemail")
    send_again(client, failed.pk)
    failed.refresh_from_db()
    assert failed.status == Status.FAILED


def test_nobody_adds_changes_or_deletes_a_mail_by_hand(client: Client) -> None:
    email = OutgoingEmailFactory.create()
    client.force_login(
        User.objects.create_superuser("admin@example.test"),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    assert client.get(reverse("admin:notifications_outgoingemail_add")).status_code == 403
    for page in ("change", "delete"):
        url = reverse(f"admin:notifications_outgoingemail_{page}", args=[email.pk])
        assert client.post(url, {"post": "yes"}).status_code == 403


def test_what_people_chose_is_listed(client: Client) -> None:
    person = RecipientFactory.create()
    Subscription.objects.create(user=person, kind=Kind.DAILY_SUMMARY, wanted=False)
    staff(client, "view_subscription")
    page = client.get(reverse("admin:notifications_subscription_changelist")).content.decode()
    assert person.email in page or str(person) in page
