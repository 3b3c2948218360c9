"""Somebody's moves: each is a real request, a real command, or a worker's turn.

A move is of an ``area``, which says to whom it is offered at all; whether it is allowed, the product says.
What it passes through is in ``places``: see ``tests/goals/places.py``.
"""

import io
import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import CommandError, call_command
from django.db import Error, connection, transaction
from django.test import Client, override_settings
from django.urls import reverse
from lxml import html

from commitments.models import Commitment, Lock
from directory.accounts import password_links
from directory.history import checkpoints, signatures
from directory.models import CompanyMembership, HistoryEntry, ProjectMembership, User
from directory.rights import approvers
from erp_integrations import signing, tasks
from erp_integrations.adapters.registry import to_call
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.subjects import Kind
from erp_integrations.events import ErpEvent
from erp_integrations.models import (
    CostTypeAccount,
    ExportCall,
    ExportJob,
    JobLink,
    JobStatus,
    Submission,
    SubmissionStatus,
    VendorLink,
)
from notifications import account_mails
from notifications.models import WITH_PASSWORD_LINK, OutgoingEmail
from tests.commitments.posting import as_stored
from tests.directory.signing_in import code_for
from tests.goals import people
from tests.goals.judging import Book, export, note_export, someone
from tests.goals.world import OTHER_ACCOUNT, OTHER_JOB, OTHER_VENDOR, World
from tests.rights import forms
from tests.rights.world import Browser

PASSWORD = "a horse of another color, 9"
NEVER_TICKED = {"unlink", "adopt", "flagged", "anew", "_save", "DELETE", "calls"}


class Impossible(Exception):
    """There is nothing there to do it to."""


@dataclass
class Desk:
    """Who sits where: ``hand`` at a browser that is signed in as ``account``."""

    there: World
    book: Book
    hand: str
    account: str = ""

    @property
    def browser(self) -> Any:
        return self.book.sessions[(self.hand, self.account)]

    @property
    def person(self) -> User:
        return someone(self.account, self.there)

    @property
    def commitment(self) -> Commitment:
        """The newest: what it is about."""
        return Commitment.objects.select_related("contract_company").order_by("pk").reverse()[0]

    @property
    def submission(self) -> Submission:
        last = self.commitment.submissions.order_by("pk").last()
        if last is None:
            raise Impossible
        return last

    @property
    def job(self) -> ExportJob:
        job = ExportJob.objects.filter(submission=self.submission).current().first()
        if job is None:
            raise Impossible
        return job

    def of_project(self, name: str) -> str:
        return reverse(name, args=[self.there.project.pk, self.commitment.pk])

    def of_company(self, name: str, *keys: int) -> str:
        return reverse(name, args=[self.there.company.slug, *keys])

    def shown(self, address: str) -> bytes:
        answer = self.browser.get(address)
        return answer.body if answer.status_code == 200 else b""

    def submit(
        self,
        address: str,
        *,
        shown_at: str = "",
        ticks: bool = False,
        drop: Iterable[str] = (),
        typed: Mapping[str, Any] | None = None,
        **also: Any,
    ) -> Any:
        """Open the page, and send its form with these changes."""
        typed = {**(typed or {}), **also}
        page = self.shown(shown_at or address)
        values = forms.entered(page, address, typed)
        if not values and not page:
            raise Impossible
        if ticks:
            values |= _unticked(page, address)
        for name in drop:
            values.pop(name, None)
        return self.browser.post(address, {**values, **typed})

    def save_admin(self, model: str, key: int, **typed: Any) -> Any:
        """The page of a row in Django admin."""
        address = reverse(f"admin:{model}_change", args=[key])
        page = self.shown(address)
        offered = forms.names(page, address)
        if not page or not offered & set(typed):
            raise Impossible
        return self.submit(address, reason="It is needed.", typed=typed)


def _unticked(page: bytes, address: str) -> dict[str, Any]:
    """Every box that is there to be ticked, ticked, and words where words are asked for."""
    document: Any = html.document_fromstring(page)
    ticked: dict[str, Any] = {}
    path = address.partition("?")[0]
    for form in document.forms:
        if (form.get("action") or path).partition("?")[0] != path:
            continue
        for element in form.inputs:
            name = element.name or ""
            if element.get("type") == "checkbox" and name not in NEVER_TICKED:
                ticked.setdefault(name, []).append(element.get("value", "on"))
            elif name in ("statement", "others_reason") and not element.value:
                ticked[name] = "I looked, and it is right."
    return ticked


Act = Callable[[Desk], object]


def _only(there: bool) -> None:
    """Where the page has no such form. That the address refuses it there too is proven beside it: see
    tests/erp_integrations/life_cycles and tests/commitments."""
    if not there:
        raise Impossible


@dataclass(frozen=True)
class Move:
    """``writes``: whoever makes it has a hand in the content. ``decides``: something may leave by it.
    ``about``: whose account it is done to."""

    what: str
    area: str
    places: tuple[str, ...]
    act: Act
    permission: str = ""
    writes: bool = False
    decides: bool = False
    about: str = ""
    honest: tuple[str, ...] = ()
    """Who of the honest people does it, in their daily work."""


MOVES: list[Move] = []


def _move(what: str, area: str, *places: str, **more: Any) -> Callable[[Act], Act]:
    def add(act: Act) -> Act:
        MOVES.append(Move(what, area, places, act, **more))
        return act

    return add


# In a project


@_move("triples the amounts", "project", "commitments:edit", "commitments:detail", writes=True)
def edit_amounts(desk: Desk) -> None:
    _only(desk.commitment.lock != Lock.WHOLE)
    posted = as_stored(desk.commitment)
    for index in range(int(posted["lines-TOTAL_FORMS"])):
        posted[f"lines-{index}-quantity"], posted[f"lines-{index}-amount"] = "30", "3000.00"
    desk.browser.post(desk.of_project("commitments:edit"), posted)


@_move("puts another contract company in", "project", "commitments:edit", writes=True)
def edit_vendor(desk: Desk) -> None:
    _only(desk.commitment.lock != Lock.WHOLE)
    other = desk.there.company.contract_companies.exclude(pk=desk.there.commitment.contract_company_id or 0)
    changed = {"contract_company": str(other.get().pk)}
    desk.browser.post(desk.of_project("commitments:edit"), as_stored(desk.commitment, **changed))


@_move("writes a commitment of their own", "project", "commitments:new", "commitments:list", writes=True)
def write_own(desk: Desk) -> None:
    if desk.commitment.number == "OWN-1":
        raise Impossible
    posted = as_stored(desk.there.commitment, number="OWN-1", status="approved")
    desk.browser.post(reverse("commitments:new", args=[desk.there.project.pk]), posted)
    if desk.commitment.number == "OWN-1":
        desk.book.wrote = frozenset()


@_move("merges the lines", "project", "project_erp:merge", "commitments:detail", writes=True)
def merge(desk: Desk) -> None:
    codes = list(desk.commitment.lines.values_list("cost_code", "billing_item"))
    _only(len(set(codes)) < len(codes))
    _only(desk.commitment.lock != Lock.WHOLE)
    desk.submit(desk.of_project("project_erp:merge"), shown_at=desk.of_project("commitments:detail"))


@_move("tells the lines apart", "project", "project_erp:billing_items", "commitments:detail", writes=True)
def tell_apart(desk: Desk) -> None:
    codes = list(desk.commitment.lines.values_list("cost_code", "billing_item"))
    _only(len(set(codes)) < len(codes))
    _only(desk.commitment.lock != Lock.WHOLE)
    desk.submit(desk.of_project("project_erp:billing_items"), shown_at=desk.of_project("commitments:detail"))


@_move("sends it to accounting", "project", "project_erp:send", writes=True, honest=(people.SENDER,))
def send(desk: Desk) -> None:
    _only(desk.commitment.lock != Lock.WHOLE)
    desk.browser.post(desk.of_project("project_erp:send"))


@_move("retrieves it", "project", "project_erp:retrieve")
def retrieve(desk: Desk) -> None:
    _only(desk.submission.status == SubmissionStatus.AWAITING)
    desk.browser.post(desk.of_project("project_erp:retrieve"))


# In the ERP Integrations tool


@_move(
    "accepts it as it is shown",
    "erp",
    *("erp_integrations:accept", "erp_integrations:review", "erp_integrations:commitments"),
    decides=True,
    honest=(people.APPROVER,),
)
def accept(desk: Desk) -> None:
    status, job = desk.submission.status, desk.submission.jobs.current().first()
    failed = job is not None and job.status == JobStatus.FAILED
    _only(status == SubmissionStatus.AWAITING or (status == SubmissionStatus.ACCEPTED and failed))
    # Honest people tick nothing that they did not see to; others tick whatever is there.
    address = desk.of_company("erp_integrations:accept", desk.submission.pk)
    desk.submit(address, ticks=desk.hand not in people.HONEST, drop=("show", "adopt"))


@_move("accepts it among many", "erp", "erp_integrations:bulk", "erp_integrations:batch", decides=True)
def accept_among_many(desk: Desk) -> None:
    _only(desk.submission.status == SubmissionStatus.AWAITING)
    desk.submit(f"{desk.of_company('erp_integrations:bulk')}?id={desk.submission.pk}")


@_move("rejects it", "erp", "erp_integrations:reject")
def reject(desk: Desk) -> None:
    status, job = desk.submission.status, desk.submission.jobs.current().first()
    failed = job is not None and job.status == JobStatus.FAILED
    _only(status == SubmissionStatus.AWAITING or (status == SubmissionStatus.ACCEPTED and failed))
    desk.submit(desk.of_company("erp_integrations:reject", desk.submission.pk), reason="No.")


@_move("proposes another account", "erp", "erp_integrations:account")
def propose_account(desk: Desk) -> None:
    _only(desk.job.status == JobStatus.FAILED)
    desk.submit(desk.of_company("erp_integrations:account", desk.submission.pk), account=OTHER_ACCOUNT)


@_move("takes the acceptance back", "erp", "erp_integrations:undo")
def undo(desk: Desk) -> None:
    _only(desk.job.status == JobStatus.QUEUED)
    desk.browser.post(desk.of_company("erp_integrations:undo", desk.submission.pk))


@_move("lets it go on", "erp", "erp_integrations:resume", decides=True)
def resume(desk: Desk) -> None:
    _only(desk.job.status == JobStatus.INCOMPLETE)
    desk.submit(desk.of_company("erp_integrations:resume", desk.submission.pk))


@_move("says that nothing of it is in Spectrum", "erp", "erp_integrations:resolve", decides=True)
def resolve_none(desk: Desk) -> None:
    _only(desk.job.status == JobStatus.UNKNOWN)
    address = desk.of_company("erp_integrations:resolve", desk.submission.pk)
    desk.submit(address, attested="none", statement="I looked.")


@_move("unlinks it", "erp", "erp_integrations:unlink")
def unlink(desk: Desk) -> None:
    _only(desk.job.status in (JobStatus.SYNCED, JobStatus.INCOMPLETE))
    desk.submit(desk.of_company("erp_integrations:unlink", desk.submission.pk), statement="It is gone.")


@_move("links the vendor to another code", "erp admin", "erp_integrations:vendor", "erp_integrations:vendors")
def link_vendor(desk: Desk) -> None:
    address = desk.of_company("erp_integrations:vendor", desk.there.commitment.contract_company_id or 0)
    desk.submit(
        address,
        connection=desk.there.connection.pk,
        code=OTHER_VENDOR,
        drop=("unlink",),
        typed=_expected_vendor(desk),
    )


@_move("takes the vendor's link away", "erp admin", "erp_integrations:vendor")
def unlink_vendor(desk: Desk) -> None:
    address = desk.of_company("erp_integrations:vendor", desk.there.commitment.contract_company_id or 0)
    desk.submit(address, connection=desk.there.connection.pk, unlink="1", typed=_expected_vendor(desk))


@_move("calls the contract company another's name", "erp admin", "contract_companies:row")
def rename_vendor_on_its_page(desk: Desk) -> None:
    vendor = desk.there.commitment.contract_company_id or 0
    desk.submit(desk.of_company("contract_companies:row", vendor), name="Bolt & Sons <Steel>")


@_move("merges the contract company into another", "erp admin", "contract_companies:merge")
def merge_vendor(desk: Desk) -> None:
    vendor = desk.there.commitment.contract_company_id or 0
    other = desk.there.company.contract_companies.exclude(pk=vendor).get()
    address = desk.of_company("contract_companies:merge", vendor)
    desk.submit(address, shown_at=f"{address}?into={other.pk}")


def _expected_vendor(desk: Desk) -> dict[str, str]:
    links = VendorLink.objects.filter(
        connection=desk.there.connection, contract_company=desk.there.commitment.contract_company_id
    )
    return {"expected_code": links[0].vendor_code if links else ""}


def _expected_job(desk: Desk) -> dict[str, Any]:
    link = JobLink.objects.filter(project=desk.there.project).first()
    return (
        {"expected_code": link.job_number, "expected_connection": link.connection_id}
        if link
        else {"expected_code": ""}
    )


@_move("links the project to another job", "erp admin", "erp_integrations:job", "erp_integrations:jobs")
def link_job(desk: Desk) -> None:
    address = desk.of_company("erp_integrations:job", desk.there.project.pk)
    where = {"connection": desk.there.connection.pk, "code": OTHER_JOB}
    desk.submit(address, drop=("unlink",), typed={**where, **_expected_job(desk)})


@_move("links the project to another Spectrum company", "erp admin", "erp_integrations:job")
def link_elsewhere(desk: Desk) -> None:
    address = desk.of_company("erp_integrations:job", desk.there.project.pk)
    where = {"connection": desk.there.elsewhere.pk, "code": "24-001"}
    desk.submit(address, drop=("unlink",), typed={**where, **_expected_job(desk)})


@_move("takes the project's link away", "erp admin", "erp_integrations:job")
def unlink_job(desk: Desk) -> None:
    desk.submit(
        desk.of_company("erp_integrations:job", desk.there.project.pk), unlink="1", typed=_expected_job(desk)
    )


@_move("says what a unit is in Spectrum", "erp admin", "erp_integrations:units")
def link_unit(desk: Desk) -> None:
    address = desk.of_company("erp_integrations:units")
    desk.submit(address, unit="CY", erp_unit="LS")


def _connection(desk: Desk, **typed: Any) -> None:
    desk.submit(desk.of_company("erp_integrations:connection", desk.there.connection.pk), typed=typed)


SETTINGS_CHANGES: dict[str, dict[str, Any]] = {
    "sets another Company_Code": {"company_code": "NYX", "authorization_id": "EMPIRE-API-9K"},
    "sets another account": {"general_ledger_account": OTHER_ACCOUNT},
    "sets another service path": {"service_path": "/elsewhere/{method}"},
    "sets another rule of what means written": {"success_rule": "codes", "success_codes": "X"},
    "sets another Authorization_ID": {"authorization_id": "HEADERS-ONLY-3X"},
}


def _add_settings() -> None:
    for what, typed in SETTINGS_CHANGES.items():

        def in_the_tool(desk: Desk, typed: dict[str, Any] = typed) -> None:
            _connection(desk, **typed)

        def in_admin(desk: Desk, typed: dict[str, Any] = typed) -> None:
            desk.save_admin("erp_integrations_connection", desk.there.connection.pk, **typed)

        places = ("erp_integrations:connection", "erp_integrations:settings")
        _move(f"{what} in the connection", "erp admin", *places)(in_the_tool)
        _move(
            f"{what} in the connection, in Django admin",
            "staff",
            "admin:erp_integrations_connection_change",
            permission="erp_integrations.change_connection",
        )(in_admin)


_add_settings()


CONFIRMED_ON = ("vendors", "jobs", "units", "settings")


@_move("confirms what waits for a second person", "erp admin", "erp_integrations:confirm")
def confirm_changes(desk: Desk) -> None:
    confirm, ticked = desk.of_company("erp_integrations:confirm"), False
    for name in CONFIRMED_ON:
        page = desk.shown(desk.of_company(f"erp_integrations:{name}"))
        if page and (boxes := _unticked(page, confirm)):
            desk.browser.post(confirm, {**forms.entered(page, confirm), **boxes})
            ticked = True
    _only(ticked)


@_move("confirms what they changed themselves", "erp admin", "erp_integrations:confirm")
def confirm_own(desk: Desk) -> None:
    """Whose stamps their page does not offer: they are on the page of whoever accepts."""
    stamps = [each.stamp for each in pending_changes.list_for_company(desk.there.company, *Kind)]
    _only(bool(stamps))
    desk.browser.post(desk.of_company("erp_integrations:confirm"), {"page": "vendors", "confirmed": stamps})


@_move("confirms the list of approvers", "directory", "erp_integrations:approvers", decides=True)
def confirm_approvers(desk: Desk) -> None:
    desk.submit(desk.of_company("erp_integrations:approvers"), drop=("flagged",))


# In the Company Directory


def _ghost(desk: Desk) -> str:
    """The account that this hand invents, as somebody else's."""
    return f"invention of the {desk.hand}"


def _entry(desk: Desk, name: str) -> int:
    account = desk.there.accounts.get(name)
    held = CompanyMembership.objects.filter(user=account).first() if account else None
    if held is None:
        raise Impossible
    return held.pk


def _add_inventions() -> None:
    def invite(desk: Desk, levels: dict[str, Any], place: str) -> None:
        email = _own_address(desk, "invention")
        if User.objects.filter(email=email).exists():
            raise Impossible
        typed = {"email": email, "name": "Ann Lee", **levels}
        if place == "directory:import":
            typed = {"rows": f"{email},Ann Lee,{levels.get('role', '')}"}
        elif "commitments_level" in levels:
            typed["projects"] = [desk.there.project.pk]
        desk.submit(desk.of_company(place), typed=typed)
        person = User.objects.filter(email=email).first()
        if person is None:
            raise Impossible
        desk.there.accounts[_ghost(desk)] = person
        desk.book.sessions[(desk.hand, _ghost(desk))] = Browser(person)

    for what, levels in (
        ("who writes and sends", {"commitments_level": "admin"}),
        ("as Admin on ERP Integrations", {"erp_integrations_level": "admin"}),
        ("as Admin on the Directory", {"directory_level": "admin"}),
        ("with Standard on ERP Integrations", {"erp_integrations_level": "standard"}),
    ):
        _move(f"invites somebody invented {what}", "company", "directory:invite")(
            partial(invite, levels=levels, place="directory:invite")
        )
    _move("imports somebody invented", "company", "directory:import")(
        partial(invite, levels={"role": "All"}, place="directory:import")
    )


_add_inventions()


@_move("makes a role that may do everything", "company", "directory:roles")
def add_role(desk: Desk) -> None:
    levels = dict.fromkeys(("erp_integrations_level", "directory_level", "commitments_level"), "admin")
    desk.submit(desk.of_company("directory:roles"), typed={"name": "All", **levels})


@_move("gives the role to everybody, and the project", "company", "directory:people")
def give_role(desk: Desk) -> None:
    role = desk.there.company.roles.first()
    if role is None:
        raise Impossible
    mine = str(_entry(desk, desk.account))
    typed = {"all": "1", "person": mine, "role": role.pk, "projects": [desk.there.project.pk]}
    desk.submit(desk.of_company("directory:people"), typed=typed)


@_move("gives themselves the project", "company", "directory:people")
def give_self_project(desk: Desk) -> None:
    typed = {"person": str(_entry(desk, desk.account)), "projects": [desk.there.project.pk]}
    desk.submit(desk.of_company("directory:people"), typed={**typed, "commitments_level": "admin"})


def _add_levels() -> None:
    def change(desk: Desk, target: str, levels: dict[str, Any]) -> None:
        name = {"themselves": desk.account, "their invention": _ghost(desk)}.get(target, target)
        address = desk.of_company("directory:person", _entry(desk, name))
        if target == "themselves":  # where the page has no form
            desk.browser.post(address, levels)
        else:
            desk.submit(address, typed=levels)

    def ask(desk: Desk, target: str) -> None:
        name = desk.account if target == "themselves" else _ghost(desk)
        desk.submit(desk.of_company("directory:request", _entry(desk, name)), reason="It is needed.")

    def leave(desk: Desk, target: str) -> None:
        desk.submit(desk.of_company("directory:leave", _entry(desk, target)))

    for target in ("themselves", "their invention", people.FORMER, people.INVITED, people.SENDER):
        for what, levels in (
            ("Admin on ERP Integrations", {"erp_integrations_level": "admin"}),
            ("a company administrator", {"is_administrator": "on"}),
        ):
            _move(f"makes {target} {what}, in the Directory", "company", "directory:person")(
                partial(change, target=target, levels=levels)
            )
    for target in ("themselves", "their invention"):
        _move(f"asks staff to make {target} an approver", "company", "directory:request")(
            partial(ask, target=target)
        )
    for target in (people.APPROVER, people.CREATOR):
        _move(f"takes the {target} out of the company", "company", "directory:leave")(
            partial(leave, target=target)
        )


_add_levels()


# Accounts


@_move("asks for a link for a new password", "stranger's account", "account_reset_password")
def ask_for_link(desk: Desk) -> None:
    """For an account whose mail they read."""
    person = someone(desk.account, desk.there)
    if desk.book.reads.get(person.email) != desk.hand:
        raise Impossible
    if _mails_of(person).exists():
        raise Impossible
    Client().post(reverse("account_reset_password"), {"email": person.email})
    account_mails.handle_password_requests()


def _mails_of(person: User) -> Any:
    return OutgoingEmail.objects.filter(
        kind__in=WITH_PASSWORD_LINK, to_address=person.email, recipient=person
    )


@_move(
    "gets in",
    "stranger's account",
    *("account_login", "mfa_authenticate", "account_reset_password_from_key", "mfa_activate_totp"),
    *("account_reset_password_from_key_done", "mfa_index"),
)
def get_in(desk: Desk) -> None:
    """By a password that they know or a link that was mailed to them; an app is set up where none is."""
    person, known = someone(desk.account, desk.there), (desk.hand, desk.account)
    if known in desk.book.sessions:
        raise Impossible
    client = Client()
    if known not in desk.book.knows:
        if desk.book.reads.get(person.email) != desk.hand or not _mails_of(person).exists():
            raise Impossible
        _follow_link(client, person)
        desk.book.knows[known] = PASSWORD
    answer = client.post(
        reverse("account_login"), {"login": person.email, "password": desk.book.knows[known]}
    )
    if answer.status_code == 302 and answer["Location"].startswith(reverse("mfa_authenticate")):
        if known not in desk.book.phones:
            raise Impossible
        client.post(reverse("mfa_authenticate"), {"code": code_for(desk.book.phones[known])})
    if "_auth_user_id" not in client.session:
        raise Impossible
    if not Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).exists():
        client.get(reverse("mfa_activate_totp"))
        secret = client.session.get(totp.SECRET_SESSION_KEY, "")
        if secret:
            client.post(reverse("mfa_activate_totp"), {"code": code_for(secret)})
            desk.book.phones[known] = secret
    browser = Browser()
    browser.cookies = client.cookies
    desk.book.sessions[known] = browser


@_move("sets up an authenticator app", "own", "mfa_activate_totp", "mfa_index")
def set_up_app(desk: Desk) -> None:
    """In their own account, as who was made an approver has to."""
    apps = Authenticator.objects.filter(user=desk.person, type=Authenticator.Type.TOTP)
    _only(not apps.exists() and desk.account not in people.DORMANT)
    address = reverse("mfa_activate_totp")
    if not desk.shown(address):
        raise Impossible
    session = SessionStore(session_key=desk.browser.cookies[settings.SESSION_COOKIE_NAME].value)
    secret = session[totp.SECRET_SESSION_KEY]
    desk.browser.post(address, {"code": code_for(secret)})
    desk.book.phones[(desk.hand, desk.account)] = secret


def _follow_link(client: Client, person: User) -> None:
    link = password_links.build_password_link(person)
    page = client.get(link[link.index("/accounts/") :], follow=True)
    shown = page.request["PATH_INFO"]
    client.post(shown, {"password1": PASSWORD, "password2": PASSWORD})
    person.refresh_from_db()
    if not person.check_password(PASSWORD):
        raise Impossible


# Staff, in Django admin


def _own_address(desk: Desk, target: str) -> str:
    address = f"{target}-kept-by-{desk.hand}@evil.test".replace(" ", "-")
    desk.book.reads[address] = desk.hand
    return address


def _add_accounts() -> None:
    change = {"permission": "directory.change_user"}
    page = "admin:directory_user_change"

    def give_address(desk: Desk, target: str) -> None:
        person = someone(target, desk.there)
        if person.email.endswith("@evil.test"):
            raise Impossible
        typed = {"email": _own_address(desk, target), "is_active": "on"}
        desk.save_admin("directory_user", person.pk, **typed)

    def switch_on(desk: Desk, target: str) -> None:
        if someone(target, desk.there).is_active:
            raise Impossible
        desk.save_admin("directory_user", desk.there.accounts[target].pk, is_active="on")

    def switch_off(desk: Desk, target: str) -> None:
        person = someone(target, desk.there)
        address = reverse("admin:directory_user_change", args=[person.pk])
        if "is_active" not in forms.names(desk.shown(address), address):
            raise Impossible
        desk.submit(address, drop=("is_active",))

    def set_password(desk: Desk, target: str) -> None:
        if (desk.hand, target) in desk.book.knows:
            raise Impossible
        person = someone(target, desk.there)
        address = reverse("admin:auth_user_password_change", args=[person.pk])
        if not desk.shown(address):
            raise Impossible
        typed = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
        desk.browser.post(address, typed)
        person.refresh_from_db()
        if person.check_password(PASSWORD):
            desk.book.knows[(desk.hand, target)] = PASSWORD

    def act(desk: Desk, action: str, target: str, **more: str) -> None:
        key = str(desk.there.accounts[target].pk)
        posted = {"action": action, "_selected_action": key, **more}
        desk.browser.post(reverse("admin:directory_user_changelist"), posted)

    for target in (people.FORMER, people.INVITED, people.APPROVER):
        for what, do, place in (
            (f"gives the account of the {target} an own address", give_address, page),
            (f"switches the account of the {target} on", switch_on, page),
            (f"sets the password of the {target}", set_password, "admin:auth_user_password_change"),
        ):
            _move(what, "staff", place, about=target, **change)(partial(do, target=target))
        for what, action in (
            (f"takes the two-step verification of the {target} away", "take_two_step_away"),
            (f"invites the {target} again", "invite_again"),
        ):
            _move(what, "staff", f"admin action directory.user {action}", about=target, **change)(
                partial(act, action=action, target=target)
            )
    honest = {"about": people.APPROVER, **change}
    _move(f"switches the account of the {people.APPROVER} off", "staff", page, **honest)(
        partial(switch_off, target=people.APPROVER)
    )
    erasing = "admin action directory.user erase_person"
    _move(f"erases the {people.FORMER}", "staff", erasing, about=people.FORMER, **change)(
        partial(act, action="erase_person", target=people.FORMER, reason="They asked for it.")
    )


_add_accounts()


def _right_to_grant() -> int:
    return Permission.objects.get(codename="grant_push_to_accounting").pk


@_move(
    f"makes the {people.INVITED} staff who may grant",
    "staff",
    "admin:directory_user_change",
    permission="directory.change_user",
)
def give_permission(desk: Desk) -> None:
    key = desk.there.accounts[people.INVITED].pk
    desk.save_admin("directory_user", key, is_staff="on", user_permissions=[_right_to_grant()])


@_move(
    f"puts the {people.INVITED} into a group that may grant",
    "staff",
    *("admin:auth_group_add", "admin:auth_group_change", "admin:directory_user_change"),
    permission="auth.add_group",
)
def give_group(desk: Desk) -> None:
    address = reverse("admin:auth_group_add")
    desk.submit(address, name="Accounting", permissions=[_right_to_grant()])
    group = Group.objects.filter(name="Accounting").first()
    if group is None:
        raise Impossible
    key = desk.there.accounts[people.INVITED].pk
    desk.save_admin("directory_user", key, is_staff="on", groups=[group.pk])


@_move("becomes a superuser", "staff", "admin:directory_user_change", permission="directory.change_user")
def become_superuser(desk: Desk) -> None:
    desk.save_admin("directory_user", desk.person.pk, is_superuser="on", is_staff="on")


def _membership(desk: Desk, name: str) -> CompanyMembership:
    held = CompanyMembership.objects.filter(user=desk.there.accounts[name]).first()
    if held is None:
        raise Impossible
    return held


OF_MEMBERSHIPS = {"permission": "directory.change_companymembership"}
MEMBERSHIP_PAGE = "admin:directory_companymembership_change"


@_move("makes themselves Admin on ERP Integrations", "staff", MEMBERSHIP_PAGE, **OF_MEMBERSHIPS)
def raise_own_level(desk: Desk) -> None:
    desk.save_admin(
        "directory_companymembership", _membership(desk, desk.account).pk, erp_integrations_level="admin"
    )


@_move("makes themselves Admin on the Directory", "staff", MEMBERSHIP_PAGE, **OF_MEMBERSHIPS)
def raise_own_directory_level(desk: Desk) -> None:
    desk.save_admin(
        "directory_companymembership", _membership(desk, desk.account).pk, directory_level="admin"
    )


@_move("grants themselves the privilege", "staff", MEMBERSHIP_PAGE, **OF_MEMBERSHIPS)
def grant_self(desk: Desk) -> None:
    mine = _membership(desk, desk.account).pk
    address = reverse("admin:directory_companymembership_change", args=[mine])
    # Whether or not the box is offered.
    desk.submit(address, can_push_to_accounting="on", reason="It is needed.")


@_move(
    "enters themselves in the Directory, as Admin",
    "staff",
    "admin:directory_companymembership_add",
    permission="directory.add_companymembership",
)
def enter_self(desk: Desk) -> None:
    address = reverse("admin:directory_companymembership_add")
    desk.submit(
        address,
        user=desk.person.pk,
        company=desk.there.company.pk,
        erp_integrations_level="admin",
        directory_level="admin",
    )


@_move(
    "takes the honest approver out of the Directory",
    "staff",
    "admin:directory_companymembership_delete",
    permission="directory.delete_companymembership",
)
def remove_approver(desk: Desk) -> None:
    held = _membership(desk, people.APPROVER)
    desk.browser.post(reverse("admin:directory_companymembership_delete", args=[held.pk]), {"post": "yes"})


def _add_for_others() -> None:
    """To a partner, or to an account that they took over."""

    def grant(desk: Desk, target: str) -> None:
        if target not in desk.there.accounts or target == desk.account:
            raise Impossible
        held = _membership(desk, target)
        desk.save_admin(
            "directory_companymembership",
            held.pk,
            can_push_to_accounting="on",
            erp_integrations_level="admin" if held.erp_integrations_level == "admin" else "standard",
        )

    def make_admin(desk: Desk, target: str) -> None:
        if target not in desk.there.accounts or target == desk.account:
            raise Impossible
        held = _membership(desk, target)
        desk.save_admin("directory_companymembership", held.pk, erp_integrations_level="admin")

    targets = [name for name, hand in people.HANDS.items() if hand.kind and hand.kind.listed]
    for target in (*targets, people.FORMER, people.INVITED):
        _move(
            f"grants the {target} the privilege",
            "staff",
            MEMBERSHIP_PAGE,
            permission="directory.grant_push_to_accounting",
        )(partial(grant, target=target))
        _move(f"makes the {target} Admin on ERP Integrations", "staff", MEMBERSHIP_PAGE, **OF_MEMBERSHIPS)(
            partial(make_admin, target=target)
        )


_add_for_others()


def _add_exemptions() -> None:
    def exempt(desk: Desk, target: str) -> None:
        account = desk.account if target == "themselves" else target
        if account not in desk.there.accounts or (target == desk.account):
            raise Impossible
        held = _membership(desk, account)
        chosen = {"action": "exempt_once", "_selected_action": str(held.pk)}
        address = reverse("admin:directory_companymembership_changelist")
        # Whether or not the commitment is offered.
        posted = {**chosen, "submission": str(desk.submission.pk), "reason": "Nobody else is there."}
        desk.browser.post(address, posted)

    approving = [name for name, hand in people.HANDS.items() if hand.kind and hand.kind.privilege]
    for target in (*approving, "themselves"):
        _move(
            f"exempts {'' if target == 'themselves' else 'the '}{target} once",
            "staff",
            "admin action directory.companymembership exempt_once",
            permission="directory.grant_push_to_accounting",
        )(partial(exempt, target=target))


_add_exemptions()


@_move(
    "makes themselves Admin in the project",
    "staff",
    "admin:directory_projectmembership_change",
    permission="directory.change_projectmembership",
)
def raise_own_project_level(desk: Desk) -> None:
    held = ProjectMembership.objects.filter(user=desk.person).first()
    if held is None:
        raise Impossible
    desk.save_admin("directory_projectmembership", held.pk, commitments_level="admin")


@_move(
    "enters themselves in the project, as Admin",
    "staff",
    "admin:directory_projectmembership_add",
    permission="directory.add_projectmembership",
)
def enter_project(desk: Desk) -> None:
    address = reverse("admin:directory_projectmembership_add")
    if ProjectMembership.objects.filter(user=desk.person).exists():
        raise Impossible
    typed = {"user": desk.person.pk, "project": desk.there.project.pk, "commitments_level": "admin"}
    desk.submit(address, typed=typed)


@_move(
    "frees the company from the own-decision rule",
    "staff",
    "admin:directory_company_change",
    permission="directory.free_from_own_decision_rule",
)
def free_company(desk: Desk) -> None:
    desk.save_admin("directory_company", desk.there.company.pk, allows_own_decisions="on")


@_move(
    "lifts the rule on two-step verification",
    "staff",
    "admin:directory_company_change",
    permission="directory.set_two_step_rule",
)
def lift_two_step(desk: Desk) -> None:
    address = reverse("admin:directory_company_change", args=[desk.there.company.pk])
    if "requires_two_step" not in forms.names(desk.shown(address), address):
        raise Impossible
    desk.submit(address, reason="It is needed.", drop=("requires_two_step",))


@_move(
    "turns the vendor's link to another code, in Django admin",
    "staff",
    "admin:erp_integrations_vendorlink_change",
    permission="erp_integrations.change_vendorlink",
)
def turn_vendor(desk: Desk) -> None:
    link = VendorLink.objects.filter(
        connection=desk.there.connection, contract_company=desk.there.commitment.contract_company_id
    ).first()
    if link is None:
        raise Impossible
    desk.save_admin("erp_integrations_vendorlink", link.pk, vendor_code=OTHER_VENDOR)


@_move(
    "gives the vendor another account, in Django admin",
    "staff",
    "admin:erp_integrations_vendorlink_change",
    permission="erp_integrations.change_vendorlink",
)
def turn_account(desk: Desk) -> None:
    link = VendorLink.objects.filter(
        connection=desk.there.connection, contract_company=desk.there.commitment.contract_company_id
    ).first()
    if link is None:
        raise Impossible
    desk.save_admin("erp_integrations_vendorlink", link.pk, general_ledger_account=OTHER_ACCOUNT)


@_move(
    "gives the cost type another account, in Django admin",
    "staff",
    "admin:erp_integrations_costtypeaccount_change",
    permission="erp_integrations.change_costtypeaccount",
)
def turn_cost_type(desk: Desk) -> None:
    row = CostTypeAccount.objects.filter(connection=desk.there.connection).first()
    if row is None:
        raise Impossible
    desk.save_admin("erp_integrations_costtypeaccount", row.pk, general_ledger_account=OTHER_ACCOUNT)


def _turn_job(desk: Desk, **typed: Any) -> None:
    link = JobLink.objects.filter(project=desk.there.project).first()
    if link is None:
        raise Impossible
    desk.save_admin("erp_integrations_joblink", link.pk, **typed)


OF_JOBS = {"permission": "erp_integrations.change_joblink"}


@_move(
    "turns the project's link to another job, in Django admin",
    "staff",
    "admin:erp_integrations_joblink_change",
    **OF_JOBS,
)
def turn_job(desk: Desk) -> None:
    _turn_job(desk, job_number=OTHER_JOB)


@_move(
    "turns the project's link to another Spectrum company, in Django admin",
    "staff",
    "admin:erp_integrations_joblink_change",
    **OF_JOBS,
)
def turn_spectrum(desk: Desk) -> None:
    _turn_job(desk, connection=desk.there.elsewhere.pk)


def _add_deletions() -> None:
    for model, what in (
        ("vendorlink", "the vendor's link"),
        ("joblink", "the project's link"),
        ("costtypeaccount", "the cost type's account"),
    ):

        def delete(desk: Desk, model: str = model) -> None:
            rows: Any = {"vendorlink": VendorLink, "joblink": JobLink, "costtypeaccount": CostTypeAccount}
            row = rows[model].objects.filter(connection=desk.there.connection).order_by("pk").first()
            if row is None:
                raise Impossible
            address = reverse(f"admin:erp_integrations_{model}_delete", args=[row.pk])
            desk.browser.post(address, {"post": "yes"})

        _move(
            f"deletes {what}, in Django admin",
            "staff",
            f"admin:erp_integrations_{model}_delete",
            permission=f"erp_integrations.delete_{model}",
        )(delete)

    def add_vendor_link(desk: Desk) -> None:
        address = reverse("admin:erp_integrations_vendorlink_add")
        mine = desk.there.commitment.contract_company_id
        if VendorLink.objects.filter(connection=desk.there.connection, contract_company=mine).exists():
            raise Impossible
        where = {"connection": desk.there.connection.pk, "contract_company": mine}
        desk.submit(address, vendor_code=OTHER_VENDOR, typed=where)

    _move(
        "adds a link of the vendor to another code, in Django admin",
        "staff",
        "admin:erp_integrations_vendorlink_add",
        permission="erp_integrations.add_vendorlink",
    )(add_vendor_link)

    def add_job_link(desk: Desk) -> None:
        if JobLink.objects.filter(project=desk.there.project).exists():
            raise Impossible
        where = {"connection": desk.there.connection.pk, "project": desk.there.project.pk}
        desk.submit(reverse("admin:erp_integrations_joblink_add"), job_number=OTHER_JOB, typed=where)

    _move(
        "adds a link of the project to another job, in Django admin",
        "staff",
        "admin:erp_integrations_joblink_add",
        permission="erp_integrations.add_joblink",
    )(add_job_link)


_add_deletions()


@_move(
    "gives the contract company another vendor's name",
    "staff",
    "admin:commitments_contractcompany_change",
    permission="commitments.change_contractcompany",
)
def rename_vendor(desk: Desk) -> None:
    mine = desk.there.commitment.contract_company_id
    desk.save_admin("commitments_contractcompany", mine or 0, name="Bolt & Sons <Steel>")


# At the command line


def _command(*arguments: Any, **options: Any) -> None:
    """As an operator types it."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        try:
            call_command(*arguments, **options)
        except CommandError as refusal:
            raise Impossible from refusal


def _add_exports() -> None:
    for action in ("resume", "undo"):

        def act(desk: Desk, action: str = action) -> None:
            _command("exports", action, str(desk.submission.pk))

        _move(f"exports {action}", "operator", f"command exports {action}", decides=True)(act)

    def exempt(desk: Desk, target: str) -> None:
        if target not in desk.there.accounts:
            raise Impossible
        person = someone(target, desk.there).email
        _command("exempt_approver", submission=desk.submission.pk, person=person, reason="Nobody else is.")

    approving = [name for name, hand in people.HANDS.items() if hand.kind and hand.kind.privilege]
    for target in (*approving, people.APPROVER):
        _move(f"exempt_approver for the {target}", "operator", "command exempt_approver")(
            partial(exempt, target=target)
        )


_add_exports()


def _add_passwords() -> None:
    def set_password(desk: Desk, target: str) -> None:
        if (desk.hand, target) in desk.book.knows:
            raise Impossible
        with mock.patch("getpass.getpass", return_value=PASSWORD):
            _command("changepassword", someone(target, desk.there).email, verbosity=0)
        desk.book.knows[(desk.hand, target)] = PASSWORD

    for target in (people.INVITED, people.APPROVER, people.ROOT):
        _move(f"changepassword of the {target}", "operator", "command changepassword")(
            partial(set_password, target=target)
        )


_add_passwords()


@_move("createsuperuser", "operator", "command createsuperuser")
def create_superuser(desk: Desk) -> None:
    name = "superuser of the operator"
    if User.objects.filter(email="root@evil.test").exists():
        raise Impossible
    with mock.patch.dict(os.environ, {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}):
        _command("createsuperuser", email="root@evil.test", interactive=False, verbosity=0)
    desk.there.accounts[name] = User.objects.get(email="root@evil.test")
    desk.book.sessions[(desk.hand, name)] = Browser(desk.there.accounts[name])


@_move(f"erase_person, of the {people.FORMER}", "operator", "command erase_person")
def erase_person(desk: Desk) -> None:
    _command("erase_person", someone(people.FORMER, desk.there).email, reason="They asked for it.")


@_move(f"export_person, of the {people.FORMER}", "operator", "command export_person")
def export_person(desk: Desk) -> None:
    _command("export_person", someone(people.FORMER, desk.there).email)


# What carries messages, and who holds the application's password of the database


@_move("wakes every task", "broker", "task erp_integrations.tasks.drain_connection", decides=True)
def wake_tasks(desk: Desk) -> None:
    for place in (desk.there.connection, desk.there.elsewhere):
        if not ExportJob.objects.due().exists():
            tasks.drain_connection(place.pk)


def _sql(statement: str, *values: Any) -> None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
    except Error as refusal:
        raise Impossible from refusal


@_move("alters a call and the hash beside it", "database", "sql")
def alter_call(desk: Desk) -> None:
    call = ExportCall.objects.filter(job=desk.job).order_by("position").reverse()[0]
    for element in call.elements:
        if element["name"] in ("Unit_Price", "Quantity", "Contract_Amount", "Original_Amount", "Amount"):
            element["value"] = "9000.00"
    _sql(
        "UPDATE erp_integrations_exportcall SET elements = %s, payload_hash = %s WHERE id = %s",
        *(json.dumps(call.elements), to_call(call).hash, call.pk),
    )


@_move("inserts an acceptance of what the calls are now", "database", "sql", decides=True)
def insert_acceptance(desk: Desk) -> None:
    job = desk.job
    detail = {
        "job": job.pk,
        "basis_hash": job.basis_hash,
        "erp_id": job.erp_id,
        "calls": [call.payload_hash for call in job.list_current_calls()],
        "note": "",
    }
    _write(
        *(desk.there.company.pk, desk.there.accounts[people.APPROVER].pk, "submission.accepted"),
        *("erp_integrations.submission", job.submission_id, detail),
    )


@_move("writes an acceptance of their own, in a round of its own", "database", "sql", decides=True)
def forge_acceptance(desk: Desk) -> None:
    """With all that web would have signed, and a signature by a key of their own."""
    job = desk.job
    calls = [call.payload_hash for call in job.list_current_calls()]
    _sql("UPDATE erp_integrations_exportcall SET plan_round = plan_round + 1 WHERE job_id = %s", job.pk)
    _sql("UPDATE erp_integrations_exportjob SET plan_round = plan_round + 1 WHERE id = %s", job.pk)
    by = someone(people.APPROVER, desk.there)
    with override_settings(DECISION_SIGNING_KEY=checkpoints.create_private_key()):
        told = signing.sign_decision(desk.job, event=ErpEvent.EXPORT_RETRIED, by=by, calls=calls)
    _write(
        *(desk.there.company.pk, by.pk, "export.retried"),
        *("erp_integrations.submission", job.submission_id),
        {"job": job.pk, "erp_id": job.erp_id, "calls": calls, "note": "", **told},
    )


@_move("gives the creator the privilege, and writes a grant of it", "database", "sql")
def forge_grant(desk: Desk) -> None:
    if "creator" not in desk.there.accounts:
        raise Impossible
    held = _membership(desk, "creator")
    root = desk.there.accounts[people.ROOT]
    detail = {"user": held.user_id, "privilege": "can_push_to_accounting", "reason": "It is needed."}
    _write(desk.there.company.pk, root.pk, "privilege.granted", held._meta.label_lower, held.pk, detail)
    entry = HistoryEntry.objects.about(held).filter(event="privilege.granted").latest("pk")
    with override_settings(DECISION_SIGNING_KEY=checkpoints.create_private_key()):
        signed = signatures.sign_statement(approvers.build_grant_statement(held, entry_id=entry.pk))
    _sql(
        "UPDATE directory_companymembership SET can_push_to_accounting = true,"
        " erp_integrations_level = 'standard', signed_grant = %s WHERE id = %s",
        *(json.dumps(signed), held.pk),
    )


def _write(*values: Any) -> None:
    """Into the history: company, by, event, subject and detail."""
    _sql(
        "INSERT INTO directory_historyentry (company_id, by_id, event, subject_type, subject_id, detail)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        *(*values[:-1], json.dumps(values[-1])),
    )


# What happens by itself


@_move("exports what is due", "worker", decides=True)
def work(desk: Desk) -> None:
    if not ExportJob.objects.due().exists():
        raise Impossible
    export()
    note_export(desk.book)
