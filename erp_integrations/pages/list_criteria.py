"""The criteria of the tool's list, besides its filter and its search."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial

from django.db.models import Q
from django.utils import timezone

from commitments.models import Kind
from directory.db.pagination import parse_search
from directory.db.search import build_word_filter
from directory.models import CompanyMembership, User
from erp_integrations.models import ExportJob, JobStatus, SubmissionStatus, VendorLink
from erp_integrations.pages.list_search import build_vendor_filter, parse_amount

MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Criterion:
    """One of them, and its field. ``name`` is that of its parameter. ``build`` raises ValueError for a value
    that it can't be, with a sentence that says what it could be.
    """

    name: str
    label: str
    build: Callable[[str, CompanyMembership], Q]
    hint: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    is_tick: bool = False

    def describe(self, value: str) -> str:
        return self.label if self.is_tick else f"{self.label}: {self.choices.get(value, value)}"


@dataclass(frozen=True, slots=True)
class Criteria:
    """Those of an address, with the sentences about values that are none."""

    values: Mapping[str, str]
    condition: Q
    problems: tuple[str, ...]


def parse_criteria(parameters: Mapping[str, str], viewer: CompanyMembership) -> Criteria:
    """A query for each of project, vendor and sender."""
    values, condition, problems = {}, Q(), []
    for criterion in CRITERIA:
        if not (value := parse_search(parameters.get(criterion.name, ""))):
            continue
        try:
            condition &= criterion.build(value, viewer)
        except ValueError as error:
            problems.append(f"{criterion.label} is not filtered: {error}")
        else:
            values[criterion.name] = value
    return Criteria(values, condition, tuple(problems))


def build_project(typed: str, viewer: CompanyMembership) -> Q:
    """The project or job of this name or number, else those with it in their name."""
    same = Q(name__iexact=typed) | Q(number__iexact=typed) | Q(job_link__job_number__iexact=typed)
    found = viewer.company.projects.filter(same | Q(name__icontains=typed))
    exact = [
        pk
        for pk, *names in found.values_list("pk", "name", "number", "job_link__job_number")
        if typed.lower() in {name.lower() for name in names if name}
    ]
    return Q(project__in=exact or [each.pk for each in found])


def build_vendor(typed: str, viewer: CompanyMembership) -> Q:
    """As it was sent, or by its code in Spectrum."""
    company = viewer.company
    links = VendorLink.objects.filter(connection__company=company, vendor_code__iexact=typed)
    named = build_word_filter([company.pk], typed) & Q(contract_company_name__icontains=typed)
    return named | build_vendor_filter(company, links.values_list("contract_company__name", flat=True))


def build_kind(value: str, viewer: CompanyMembership) -> Q:
    if value not in Kind:
        raise ValueError("choose one from the list.")
    return Q(kind=value)


def build_sender(typed: str, viewer: CompanyMembership) -> Q:
    """Of whom the company's directory lists, each word is in the name."""
    people = User.objects.filter(company_memberships__company=viewer.company)
    for word in typed.split():
        people = people.filter(Q(first_name__icontains=word) | Q(last_name__icontains=word))
    return Q(company=viewer.company, sent_by__in=[each.pk for each in people])


def build_amount(lookup: str, typed: str, viewer: CompanyMembership) -> Q:
    amount = parse_amount(typed)
    if amount is None:
        raise ValueError(f"“{typed}” is no amount. Write it like 1,204.50.")
    return Q(company=viewer.company, **{lookup: amount})


def build_age(typed: str, viewer: CompanyMembership) -> Q:
    """In days of the viewer's time zone, as the rows say it."""
    if not (typed.isascii() and typed.isdigit() and len(typed) < 7 and int(typed) <= MOST_DAYS):
        raise ValueError(f"“{typed}” is no number of days from 0 to {MOST_DAYS:,}.")
    day = timezone.localdate() - timedelta(days=int(typed) - 1)
    return Q(sent_at__lt=timezone.make_aware(datetime.combine(day, time())))


def build_mine(typed: str, viewer: CompanyMembership) -> Q:
    """Undecided, and by somebody else, for an approver.

    Also those that wait until another person has confirmed the viewer's own change of a link or a setting:
    which ones these are is in their snapshots alone, and to read these would take a query for each.
    """
    if not viewer.can_decide:
        return Q(pk__in=[])
    stopped = (JobStatus.FAILED, JobStatus.INCOMPLETE, JobStatus.UNKNOWN)
    jobs = ExportJob.objects.filter(connection__company=viewer.company, status__in=stopped)
    undecided = Q(status=SubmissionStatus.AWAITING) | Q(
        status=SubmissionStatus.ACCEPTED, pk__in=list(jobs.values_list("submission", flat=True))
    )
    if viewer.company.allows_own_decisions:
        return undecided
    person = viewer.user_id
    own = Q(created_by=person) | Q(sent_by=person) | Q(hands__contains=[person])
    return undecided & (~own | Q(exempt__isnull=False, exempt=person))


CRITERIA = (
    Criterion("project", "Project", build_project, "Name or job"),
    Criterion("vendor", "Vendor", build_vendor, "Name or code"),
    Criterion("kind", "Kind", build_kind, choices=dict(Kind.choices)),
    Criterion("sender", "Sent by", build_sender, "Name"),
    Criterion("from", "Amount from", partial(build_amount, "total__gte"), "0.00"),
    Criterion("to", "Amount to", partial(build_amount, "total__lte"), "0.00"),
    Criterion("age", "Age from, days", build_age, "7"),
    Criterion("mine", "I may decide", build_mine, is_tick=True),
)
