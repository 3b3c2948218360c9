"""One function per mail (docs/product.md, section 10).

Each takes plain values, writes subject, text and HTML, and stores a row in the caller's
transaction; a sender is woken after the commit.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string

from directory.accounts import password_links
from directory.csv_rows import BYTE_ORDER_MARK, format_csv_rows
from directory.models import User
from directory.wakeup import wake
from notifications.models import (
    ALWAYS_TRIED,
    PASSWORD_LINK_PLACEHOLDER,
    Attachment,
    Kind,
    OutgoingEmail,
    RefusedAddress,
)
from notifications.text import to_one_line

DAILY_SUMMARY_SUBJECT = "ERP Integrations Daily Summary"
MAX_LINES = 500  # of a summary that lists everything; a longer one lists the oldest, and has a file
OLDEST_LINES = 100
MAX_SECTIONS_SIZE = 95_000  # in bytes: with what is around them 100 kB, where mail readers cut a mail off
MAX_SUBJECT_LENGTH = 200
PASSWORD_LINK_SUBJECTS = {
    Kind.PASSWORD_LINK: "Choose a new password for Ledgergate",
    Kind.INVITATION: "Your account at Ledgergate",
}


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One commitment that waits. ``kind`` is its name on screen; ``url`` opens its review page, and may be
    blank where OLDEST_LINES are older. ``check`` says what stands in the way, blank where nobody has looked;
    ``hands`` are the people who may not decide on it; ``is_back`` after a rejection."""

    project: str
    kind: str
    number: str
    title: str
    vendor: str
    amount: Decimal
    currency: str
    waiting_days: int
    url: str
    check: str = ""
    hands: Collection[int] = ()
    is_back: bool = False


@dataclass(frozen=True)
class SummarySection:
    """One company's waiting commitments, the oldest first; ``url`` opens its Ready to Export list.

    ``others`` are what else waits for a person: title, sentence and address. It is written once for all the
    mails that it goes into, but for those of people who may not decide on a line that it shows.
    """

    company: str
    slug: str
    url: str
    lines: Sequence[SummaryLine]
    others: Sequence[tuple[str, str, str]] = ()
    bodies: dict[tuple[int, int, frozenset[int]], tuple[str, str]] = field(default_factory=dict, init=False)

    @cached_property
    def total(self) -> Decimal:
        """The sum of the lines, which are all in the company's one currency."""
        return sum((line.amount for line in self.lines), Decimal("0.00"))

    @property
    def currency(self) -> str:
        return self.lines[0].currency if self.lines else ""

    @property
    def file_name(self) -> str:
        return f"{self.slug}-waiting-for-accounting.csv"

    @cached_property
    def new_count(self) -> int:
        """Of those that came since yesterday."""
        return sum(line.waiting_days < 1 for line in self.lines)

    def build_bodies(self, limit: int, linked: int, person: int) -> tuple[str, str]:
        """Text and HTML with the oldest ``limit`` lines, ``linked`` of them with their links, and what
        each project amounts to where these are not all."""
        shown = self.lines[:limit]
        not_theirs = frozenset(place for place, line in enumerate(shown, 1) if person in line.hands)
        key = (limit, linked, not_theirs)
        if key not in self.bodies:
            context: dict[str, Any] = {
                "section": self,
                "lines": shown,
                "linked": linked,
                "not_theirs": not_theirs,
            }
            if len(self.lines) > limit:
                context["projects"] = self.list_projects(limit)
            self.bodies[key] = (
                render_to_string("emails/_summary_section.txt", context),
                render_to_string("emails/_summary_section.html", context),
            )
        return self.bodies[key]

    def list_projects(self, limit: int) -> list[tuple[str, int, Decimal]]:
        """Name, count and money of each, the most money first; those beyond ``limit`` are one row."""
        amounts: defaultdict[str, list[Decimal]] = defaultdict(list)
        for line in self.lines:
            amounts[line.project].append(line.amount)
        rows = [(name, len(each), sum(each, Decimal())) for name, each in amounts.items()]
        rows.sort(key=lambda row: row[2], reverse=True)
        if more := rows[limit:]:
            _, counts, money = zip(*more, strict=True)
            rows[limit:] = [(f"Other projects ({len(more)})", sum(counts), sum(money, Decimal()))]
        return rows

    @cached_property
    def attachment(self) -> Attachment:
        """All lines as a file for a spreadsheet."""
        head = ("Number", "Title", "Kind", "Project", "Contract Company", f"Amount ({self.currency})")
        rows: list[tuple[object, ...]] = [(*head, "Days waiting")]
        for line in self.lines:
            texts = (line.number, line.title, line.kind, line.project, line.vendor)
            rows.append((*map(to_one_line, texts), line.amount, line.waiting_days))
        content = BYTE_ORDER_MARK + format_csv_rows(rows)
        return Attachment.objects.create(name=self.file_name, content=content)


def store_daily_summary(
    *, recipient: User, day: date, sections: Sequence[SummarySection], link: str
) -> OutgoingEmail | None:
    """The ERP Integrations Daily Summary of ``day``, which is the recipient's own.

    Lists everything up to MAX_LINES, and otherwise the oldest of each company, whose file is attached.
    None when nothing waits for anybody, or when the person has the summary of that day already: the
    second of two that store it at one moment waits for the first to commit, then adds nothing.
    """
    sections = [section for section in sections if section.lines or section.others]
    if not sections:
        return None
    count = sum(len(section.lines) for section in sections)
    oldest = max(OLDEST_LINES // len(sections), 1)
    fewer = [oldest >> halved for halved in range(oldest.bit_length())]
    # What people typed can be long: links go before lines, and lines before the size is exceeded.
    forms = [(MAX_LINES, linked) for linked in (*fewer, 0)] if count <= MAX_LINES else []
    forms += [(shown, shown) for shown in fewer]
    for limit, linked in forms:
        bodies = [section.build_bodies(limit, linked, recipient.pk) for section in sections]
        if sum(len(html.encode()) for _, html in bodies) <= MAX_SECTIONS_SIZE:
            break
    # A sender must not see the mail without its files.
    with transaction.atomic():
        stored = store_emails(
            recipients=[recipient],
            kind=Kind.DAILY_SUMMARY,
            subject=DAILY_SUMMARY_SUBJECT,
            template="emails/daily_summary",
            context={"day": day, "sections": sections, "bodies": bodies, "count": count, "link": link},
            dedupe_key=get_summary_key(recipient, day),
        )
        for email in stored:
            email.attachments.add(*(each.attachment for each in sections if len(each.lines) > limit))
    return stored[0] if stored else None


def list_people_without_summary(days: Mapping[User, date]) -> set[User]:
    """Those who have no ERP Integrations Daily Summary of their day yet; one query."""
    return list_people_without_key({person: get_summary_key(person, day) for person, day in days.items()})


def list_people_without_key(keys: Mapping[User, str]) -> set[User]:
    """Those for whom no mail with their key is stored yet; one query."""
    emails = OutgoingEmail.objects.filter(dedupe_key__in=keys.values())
    # Said in words: of more than 100 keys PostgreSQL does not see by itself that the index has them all.
    stored = set(emails.exclude(dedupe_key="").values_list("dedupe_key", flat=True))
    return {person for person, key in keys.items() if key not in stored}


def get_summary_key(recipient: User, day: date) -> str:
    return f"{Kind.DAILY_SUMMARY}:{recipient.pk}:{day.isoformat()}"


@dataclass(frozen=True, slots=True)
class AttentionLine:
    """One export, or the connection itself, that waits for a person; ``url`` opens its page."""

    title: str
    project: str
    sentence: str
    url: str

    def with_address(self, address: str) -> "AttentionLine":
        """With its link completed by the product's own address."""
        return replace(self, url=f"{address}{self.url}")


def store_attention(
    *,
    recipients: Iterable[User],
    connection: str,
    lines: Sequence[AttentionLine],
    link: str,
    for_project: bool,
) -> list[OutgoingEmail]:
    """Tell what failed or needs attention on one connection; ``for_project`` to who sent it."""
    count = len(lines)
    subject = (
        f"Needs attention: {lines[0].title}" if count == 1 else f"{count} items need attention: {connection}"
    )
    return store_emails(
        recipients=recipients,
        kind=Kind.ATTENTION,
        subject=subject,
        template="emails/attention",
        context={"connection": connection, "lines": lines, "link": link, "for_project": for_project},
    )


def store_rights_notice(
    *,
    recipients: Iterable[User],
    headline: str,
    kind: Kind = Kind.RIGHTS,
    dedupe_key: str = "",
    operator: str = "",
    **content: Any,
) -> list[OutgoingEmail]:
    """Tell administrators, or whose they are, that the rights to commit money changed or wait for review.

    ``content`` is a sentence, facts, which are names with their values, a reason in a person's words, blank
    where none was given, and a link. ``operator`` is the address of whoever runs the server.
    """
    more = {"dedupe_key": dedupe_key, "operator": operator}
    context = content | {"is_own": kind == Kind.PRIVILEGE}
    return store_emails(
        recipients=recipients, kind=kind, subject=headline, template="emails/rights", context=context, **more
    )


def store_password_link(
    kind: Kind, *, recipient: User, subject: str = "", **more: Any
) -> list[OutgoingEmail]:
    """The link by which a password is chosen: for a forgotten one, or in an invitation, which may be to a
    person who has one already, and says ``more``.
    """
    needs_link = kind == Kind.PASSWORD_LINK or not recipient.has_usable_password()
    return store_emails(
        recipients=[recipient],
        kind=kind,
        subject=subject or PASSWORD_LINK_SUBJECTS[kind],
        template=f"emails/{kind}",
        context={
            "link": PASSWORD_LINK_PLACEHOLDER if needs_link else settings.PUBLIC_URL,
            "lifetime": needs_link and password_links.format_lifetime(recipient),
            "address": recipient.email,
            "label": "Choose a password" if needs_link else "Sign in",
            **more,
        },
    )


def store_sign_in_change(
    *,
    recipient: User,
    headline: str,
    sentence: str,
    facts: Sequence[tuple[str, str]],
    advice: str,
    link: str,
    address: str = "",
) -> list[OutgoingEmail]:
    """That it was changed how the recipient signs in, and what to do if that is news to them.

    ``link`` opens the page where a new password is asked for; blank where that would not help.
    ``address`` is another than the recipient has now.
    """
    return store_emails(
        recipients=[recipient],
        kind=Kind.SIGN_IN,
        subject=headline,
        template="emails/sign_in_change",
        context={"sentence": sentence, "facts": facts, "advice": advice, "link": link},
        address=address,
    )


def store_emails(
    *,
    recipients: Iterable[User],
    kind: Kind,
    subject: str,
    template: str,
    context: dict[str, Any],
    dedupe_key: str = "",
    address: str = "",
    operator: str = "",
) -> list[OutgoingEmail]:
    """Store a mail for each person with an address. ``dedupe_key`` and ``address`` are for one person;
    ``operator`` is an address that is nobody's."""
    content = build_content(subject, template, context)
    people = list({person.pk: person for person in recipients}.values())
    addressed: list[tuple[User | None, str]] = [(person, address or person.email) for person in people]
    emails = [
        OutgoingEmail(recipient=person, to_address=to_address, kind=kind, dedupe_key=dedupe_key, **content)
        for person, to_address in [*addressed, (None, operator)]
        if to_address
    ]
    fail_refused(emails)
    OutgoingEmail.objects.bulk_create(emails, ignore_conflicts=bool(dedupe_key))
    stored = emails
    if dedupe_key:
        new = OutgoingEmail.objects.filter(message_id__in=[email.message_id for email in emails])
        stored = list(new.defer("text_body", "html_body"))
    if stored:
        wake_sender()
    return stored


def wake_sender() -> None:
    """After the commit, tell a worker that a mail is to be sent."""
    wake("notifications.tasks.send_emails")


def fail_refused(emails: Sequence[OutgoingEmail]) -> None:
    """Have those fail at once whose address the mail server refused within a day; links are always tried."""
    tried = [email for email in emails if email.kind not in ALWAYS_TRIED]
    answers = RefusedAddress.objects.map_answers(email.to_address for email in tried)
    for email in tried:
        if answer := answers.get(email.to_address.lower()):
            email.fail_untried(answer)


def build_content(subject: str, template: str, context: dict[str, Any]) -> dict[str, str]:
    """Subject, text and HTML."""
    subject = to_one_line(subject)
    if len(subject) > MAX_SUBJECT_LENGTH:
        subject = f"{subject[: MAX_SUBJECT_LENGTH - 1].rstrip()}…"
    context = {**context, "subject": subject}
    html_body = render_to_string(f"{template}.html", context)
    return {
        "subject": subject,
        "text_body": render_to_string(f"{template}.txt", context),
        # Without the indentation, a hundred lines stay below the size at which mail readers cut.
        "html_body": re.sub(r"\s*\n\s*", "\n", html_body),
    }
