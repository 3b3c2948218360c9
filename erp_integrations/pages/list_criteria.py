"""The criteria of the tool's list, besides its filter and its search."""

from datetime import datetime, time, timedelta
from functools import partial

from django.db.models import Q
from django.forms import CheckboxInput, Select
from django.utils import timezone

from commitments.models import Kind
from directory.criteria import Criterion, build_choice, build_text
from directory.db.prepared import Parameter
from directory.db.search import build_word_filter
from directory.models import CompanyMembership, User
from erp_integrations.models import ExportJob, JobStatus, SubmissionStatus, VendorLink, Verdict
from erp_integrations.models.row_checks import is_current
from erp_integrations.pages.list_search import build_vendor_filter, parse_amount

MOST_DAYS = 36_500


def build_project(typed: str, viewer: CompanyMembership) -> Q:
    """The project or job of this name or number, else those with it in their name."""
    projects = viewer.company.projects
    same = Q(name__iexact=typed) | Q(number__iexact=typed) | Q(job_link__job_number__iexact=typed)
    return Q(project__in=list(projects.filter(same)) or list(projects.filter(name__icontains=typed)))


def build_vendor(typed: str, viewer: CompanyMembership) -> Q:
    """As it was sent, or by its code in Spectrum."""
    company = viewer.company
    links = VendorLink.objects.filter(connection__company=company, vendor_code__iexact=typed)
    named = build_word_filter([company.pk], typed) & Q(contract_company_name__icontains=typed)
    return named | build_vendor_filter(company, links.values_list("contract_company__name", flat=True))


def build_sender(typed: str, viewer: CompanyMembership) -> Q:
    """Of whom the company's directory lists, each word is in the name."""
    people = User.objects.filter(company_memberships__company=viewer.company)
    for word in typed.split():
        people = people.filter(Q(first_name__icontains=word) | Q(last_name__icontains=word))
    return Q(company=viewer.company, sent_by__in=list(people))


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
    jobs = ExportJob.objects.filter(company=viewer.company, status__in=stopped)
    undecided = Q(status=SubmissionStatus.AWAITING) | Q(
        status=SubmissionStatus.ACCEPTED, pk__in=list(jobs.values_list("submission", flat=True))
    )
    return undecided & build_others_work(viewer.user_id, viewer.company.allows_own_decisions)


def build_others_work(person: int | Parameter, allows_own_decisions: bool) -> Q:
    """As ``Submission.is_own_decision`` says it of one."""
    if allows_own_decisions:
        return Q()
    own = Q(created_by=person) | Q(sent_by=person) | Q(hands__contains=[person])
    return ~own | Q(exempt__isnull=False, exempt=person)


def build_check(value: str, viewer: object) -> Q:
    """Of those on which nothing has moved on since."""
    if value not in Verdict:
        raise ValueError("choose one from the list.")
    return Q(row_check__verdict=value) & Q(is_current("row_check__"))


CRITERIA = (
    Criterion("check", "Check", build_check, Select(choices=[("", "Any"), *Verdict.choices])),
    Criterion("project", "Project", build_project, build_text("Name or job")),
    Criterion("vendor", "Vendor", build_vendor, build_text("Name or code")),
    build_choice("kind", "Kind", Kind.choices, "kind"),
    Criterion("sender", "Sent by", build_sender, build_text("Name")),
    Criterion("from", "Amount from", partial(build_amount, "total__gte"), build_text("0.00")),
    Criterion("to", "Amount to", partial(build_amount, "total__lte"), build_text("0.00")),
    Criterion("age", "Age from, days", build_age, build_text("7")),
    Criterion("mine", "I may decide", build_mine, CheckboxInput()),
)
