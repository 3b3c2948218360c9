"""The Company Directory, for a company's own administrators: its people, roles and settings."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from itertools import islice
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Prefetch, Q
from django.forms import Form, Select
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from directory import history, people_forms
from directory.accounts import people
from directory.accounts.people import Wish
from directory.columns import Column, read_columns
from directory.db import pagination
from directory.db.pagination import parse_key, parse_search
from directory.history.descriptions import list_named_people
from directory.history.events import DirectoryEvent
from directory.models import Company, HistoryEntry, Invitation, Level, ProjectMembership, Role, User
from directory.requests import SignedInRequest
from directory.rights import memberships
from directory.rights.memberships import DirectoryError
from directory.rights.permissions import require_administer_company
from directory.row_files import Row, RowsRefused, read_file, read_text
from directory.web import rate_limits
from directory.web.context_processors import NavItem

SHOWN: Mapping[str, tuple[str, Q]] = {
    "": ("Everybody", Q()),
    "administrators": ("Company administrators", Q(is_administrator=True)),
    "approvers": ("With Can Push to Accounting", Q(can_push_to_accounting=True)),
    "requested": ("Can Push to Accounting requested", Q(is_requested=True)),
    "invited": ("Not signed in yet", Q(invited_as__isnull=False)),
    "one-step": ("Without two-step verification", Q(has_two_step=False, invited_as=None)),
}
COLUMNS = (
    Column("email", "E-mail", "mail, e-mail address"),
    Column("name", "Name", "full name, person"),
    Column("role", "Role"),
    Column("projects", "Projects", "project, jobs, job"),
)
MOST_PEOPLE, MOST_NAME, MOST_ADDRESS = 500, 150, 254
MOST_PROBLEMS = 100
NOTHING = ("No", "Declined", Level.NONE.label)
TABS = {
    "People": "directory:people",
    "Former members": "directory:former",
    "Roles": "directory:roles",
    "Import": "directory:import",
    "Company settings": "directory:settings",
    "First steps": "erp_integrations:first_steps",
}
limit_posts = rate_limits.limit_rate(rate_limits.HEAVY_WEIGHT, when=rate_limits.is_post)


def require_administrator(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Whoever administers the company: strangers get 404, colleagues 403."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def handle_request(request: SignedInRequest, company_slug: str, **kwargs: Any) -> HttpResponseBase:
        company = get_object_or_404(Company.objects.visible_to(request.user), slug=company_slug)
        request.current_company = company
        require_administer_company(request.user, company)
        return view(request, company, **kwargs)

    return handle_request


def get_member_or_404(company: Company, membership_id: int) -> Any:
    """A row of ``list_people``, its person called as the company knows them."""
    member = get_object_or_404(people.list_people(company), pk=membership_id)
    Invitation.objects.filter(company=company).name_people([member.user])
    return member


def list_tabs(company: Company, current: str) -> list[NavItem]:
    urls = {label: reverse(view, args=[company.slug]) for label, view in TABS.items()}
    return [NavItem(label, url, label == current) for label, url in urls.items()]


def build_page(request: SignedInRequest, template: str, tab: str, form: Any, **parts: Any) -> HttpResponse:
    company = request.current_company
    context = {"company": company, "tabs": list_tabs(company, tab), "form": form, **parts}
    status = 422 if form and form.errors else 200
    return render(request, f"directory/{template}.html", context, status=status)


@contextmanager
def handle_refusal(form: Form) -> Iterator[None]:
    """It becomes the form's errors."""
    try:
        yield
    except (DirectoryError, RowsRefused) as refused:
        problems = getattr(refused, "problems", [str(refused)])
        more = len(problems) - MOST_PROBLEMS
        form.add_error(None, problems[:MOST_PROBLEMS] + [f"And {more:,} more."] * (more > 0))


def save_wishes(
    request: SignedInRequest, wishes: Sequence[Wish], problems: Sequence[str] = (), *, done: str = "changed"
) -> None:
    company, by = request.current_company, request.user
    count = people.save_people(company=company, by=by, wishes=wishes, problems=problems)
    who = "1 person" if count == 1 else f"{count:,} people"
    messages.success(request, f"{who} {done}." if count else "Nothing changed: all have it already.")


@require_administrator
@rate_limits.limit_rate(when=rate_limits.is_search)
@limit_posts
def list_people(request: SignedInRequest, company: Company) -> HttpResponse:
    """Everybody of the company. A POST gives a role, or a level on projects, to those who are ticked."""
    show, search = request.GET.get("show", ""), parse_search(request.GET.get("q", ""))
    project_id = parse_key(request.GET.get("project", ""))
    found = people.list_people(company).filter(SHOWN.get(show, SHOWN[""])[1])
    if search:
        found = found.filter(Q(known_as__icontains=search) | Q(user__email__icontains=search))
    if project_id:  # who is on another company's is not shown
        projects = company.projects.filter(pk=project_id)
        found = found.filter(user__project_memberships__project__in=projects)
    form = people_forms.GivingForm(request.POST if request.method == "POST" else None, company=company)
    ticked = [key for each in request.POST.getlist("person") if (key := parse_key(each))]
    if form.is_valid():
        chosen = (found if "all" in request.POST else found.filter(pk__in=ticked)).exclude(user=request.user)
        wishes = [Wish(email=each.user.email, **form.build_wish()) for each in chosen]
        with handle_refusal(form):
            if not wishes:
                raise DirectoryError("Tick somebody other than yourself.")
            save_wishes(request, wishes)
            return redirect(request.get_full_path())
    kept = {"q": search, "show": show, "project": str(project_id or "")}
    kept = {name: value for name, value in kept.items() if value}
    listed = ProjectMembership.objects.filter(project__company=company).select_related("project")
    on_projects = Prefetch(
        "user__project_memberships", listed.order_by("project__name"), to_attr="on_projects"
    )
    rows = found.prefetch_related(on_projects)
    page = pagination.get_page(rows, request.GET.dict(), by="place", ascending=True, kept=kept)
    lists = Select(choices=[(name, label) for name, (label, _) in SHOWN.items()])
    choices = Select(choices=[("", "Any project"), *company.projects.values_list("pk", "name")])
    filters = [("show", "Show", lists.render("show", show, {"id": "show"}))]
    filters += [("project", "Project", choices.render("project", project_id, {"id": "project"}))]
    context = {"filters": filters, "page": page, "search": search, "count": found.count()}
    context |= {"ticked": ticked, "is_all": "all" in request.POST}
    return build_page(request, "people", "People", form, **context)


@require_safe
@require_administrator
def list_former(request: SignedInRequest, company: Company) -> HttpResponse:
    """Who left, when, and by whose hand; each can be invited again, with nothing of what they had."""
    page = pagination.get_page(people.list_former(company), request.GET.dict(), kept={})
    named = list_named_people(page.rows)
    rows = [(each, named.get(each.user), named.get(each.by_id or 0)) for each in page.rows]
    return build_page(request, "former", "Former members", None, rows=rows, page=page)


@require_administrator
@limit_posts
def invite(request: SignedInRequest, company: Company) -> HttpResponse:
    """Of a former member, whom the address may name, the form knows name and address."""
    initial = {}
    left: Any = people.list_former(company).filter(pk=parse_key(request.GET.get("former", "")) or 0).first()
    if left and left.email:
        initial = {"email": left.email, "name": str(list_named_people([left])[left.user])}
    form = people_forms.InvitationForm(
        request.POST if request.method == "POST" else None, company=company, initial=initial
    )
    if form.is_valid():
        who = {"email": form.cleaned_data["email"], "name": form.cleaned_data["name"]}
        if company.memberships.filter(user__email__iexact=who["email"]).exists():
            form.add_error("email", "They are in the Directory already.")
        else:
            with handle_refusal(form):
                save_wishes(request, [Wish(**who, **form.build_wish())], done="invited")
                return redirect("directory:people", company.slug)
    text = "They get a mail that names you, the company and what they get, with a link to choose a password."
    context = {"title": "Invite", "label": "Invite", "refusal": "Nobody was invited", "text": text}
    return build_page(request, "form", "People", form, **context)


@require_administrator
@limit_posts
def person(request: SignedInRequest, company: Company, membership_id: int) -> HttpResponse:
    """All rights of one person, and why. A POST changes it, or invites them again."""
    member = get_member_or_404(company, membership_id)
    if "again" in request.POST and member.invited_as and member.user != request.user:
        people.send_invitations((member, member.invited_as, ()), by=request.user)
        messages.success(request, "The invitation will be sent again.")
        return redirect(request.path)
    initial = {name: getattr(member, name) for name in memberships.LEVELS}
    initial["expected"] = " ".join(map(str, initial.values()))
    form = people_forms.PersonForm(
        request.POST if request.method == "POST" else None, company=company, initial=initial
    )
    if form.is_valid():
        with handle_refusal(form):
            save_wishes(request, [Wish(email=member.user.email, **form.build_wish())])
            return redirect(request.path)
    return build_page(request, "person", "People", form, member=member, rights=list_rights(member))


def list_rights(member: Any) -> list[dict[str, Any]]:
    """Each right that a person has, had, or was declined: by which entry, by whom, and why."""
    on_projects = ProjectMembership.objects.filter(user=member.user_id, project__company=member.company_id)
    on_projects = on_projects.select_related("project").order_by("project__name")
    entries: dict[tuple[int, str], HistoryEntry] = {}
    for entry in HistoryEntry.objects.about(member, *on_projects):
        for name in [*entry.detail.get("levels", {}), entry.detail.get("privilege", "")]:
            entries[entry.subject_id, name] = entry
    givers = User.objects.in_bulk({each.by_id for each in entries.values() if each.by_id})
    names = (*memberships.LEVELS, "can_push_to_accounting")
    levels: list[tuple[str, Any, str]] = [(member._meta.get_field(n).verbose_name, member, n) for n in names]
    levels += [(f"Commitments of {each.project}", each, "commitments_level") for each in on_projects]
    rights = []
    for label, row, name in levels:
        found, level = entries.get((row.pk, name)), getattr(row, name)
        level = ("No", "Yes")[level] if isinstance(level, bool) else Level(level).label
        right: dict[str, Any] = {"label": label[0].upper() + label[1:], "level": level, "entry": found}
        if found:
            why = found.detail.get("reason") or found.detail.get("role")
            right |= {"by": givers.get(found.by_id or 0), "why": why}
            right |= {"level": "Declined"} if found.event == DirectoryEvent.PRIVILEGE_DECLINED else {}
        if found or level not in NOTHING:
            rights.append(right)
    return rights


@require_administrator
def leave(request: SignedInRequest, company: Company, membership_id: int) -> HttpResponse:
    """A POST takes them out of the company, after the page has named all that ends."""
    member = get_member_or_404(company, membership_id)
    form, name = Form(request.POST if request.method == "POST" else None), str(member.user)
    if form.is_valid():
        with handle_refusal(form):
            people.end_membership(membership=member, by=request.user)
            messages.success(request, f"{name} is no longer in the Directory.")
            return redirect("directory:people", company.slug)
    text = (
        "Every level ends at once, and so do mails, and sessions where no other company lists them. What "
        "they wrote stays; what they accepted goes back to Ready to Export unless it has been partly sent. "
        "They have:"
    )
    rights = [each for each in list_rights(member) if each["level"] not in NOTHING]
    ending = [f"{each['label']}: {each['level']}" for each in rights] or ["No level"]
    context = {"title": f"Take {name} out of {company}", "label": "Take out", "refusal": "Nothing was ended"}
    return build_page(request, "form", "People", form, **context, text=text, ending=ending)


@require_administrator
def request_privilege(request: SignedInRequest, company: Company, membership_id: int) -> HttpResponse:
    """A POST asks staff to make them an approver, and changes nothing else."""
    member = get_member_or_404(company, membership_id)
    form = people_forms.ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with handle_refusal(form):
            memberships.ask_for_push_to_accounting(membership=member, by=request.user, **form.cleaned_data)
            messages.success(request, "Requested: those who can grant it have been mailed.")
            return redirect("directory:person", company.slug, membership_id)
    title = f"Request Can Push to Accounting for {member.user}"
    text = "Staff grant it in Django admin, or decline it. They read your reason, and you are mailed theirs."
    context = {"title": title, "label": "Request", "refusal": "Not requested", "text": text}
    return build_page(request, "form", "People", form, **context)


@require_administrator
@transaction.atomic
def roles(request: SignedInRequest, company: Company) -> HttpResponse:
    """A POST adds a role, or deletes one; who has its levels keeps them."""
    form = people_forms.RoleForm(
        request.POST if request.method == "POST" else None, instance=Role(company=company)
    )
    role = None
    if deleted := request.POST.get("delete"):
        role, event = get_object_or_404(company.roles, pk=parse_key(deleted)), DirectoryEvent.ROLE_DELETED
    elif form.is_valid():
        role, event = form.save(), DirectoryEvent.ROLE_ADDED
    if not role:
        return build_page(request, "roles", "Roles", form)
    detail = {"name": role.name, "levels": role.levels}
    history.record(event=event, subject=role, by=request.user, company=company, detail=detail)
    if deleted:
        role.delete()
    return redirect(request.path)


@require_administrator
@limit_posts
def import_people(request: SignedInRequest, company: Company) -> HttpResponse:
    """A POST enters and invites those of its rows, or says all that is wrong with them."""
    form = people_forms.ImportForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if form.is_valid():
        file, pasted = form.cleaned_data["file"], form.cleaned_data["rows"]
        with handle_refusal(form):
            if file and pasted.strip():
                raise RowsRefused("Paste rows or choose a file, not both.")
            rows = read_file(file) if file else read_text(pasted)
            few = list(islice(rows, MOST_PEOPLE + 2))  # with a head, one too many
            save_wishes(request, *read_wishes(company, read_columns(few, COLUMNS)), done="invited or changed")
            return redirect("directory:people", company.slug)
    text = "All of the rows, or none. Whoever is new is invited; whoever is here gets what the row says."
    context = {"title": "Import people", "label": "Import", "refusal": "Nobody was imported", "text": text}
    return build_page(request, "form", "Import", form, **context)


def read_wishes(company: Company, rows: list[Row]) -> tuple[list[Wish], list[str]]:
    """The wish of each row, and every problem of the rows themselves."""
    if not 0 < len(rows) <= MOST_PEOPLE:
        raise RowsRefused(f"Enter 1 to {MOST_PEOPLE} people at once.")
    roles = {role.name.casefold(): role for role in company.roles.all()}
    projects = defaultdict(set)
    for key, *names in company.projects.values_list("pk", "name", "number"):
        for name in names:
            projects[name.casefold()].add(key)
    wishes, problems = [], []
    for number, row in rows:
        place = f"Row {number}: "
        email, name, role_name, project_names, *more = [*row, "", "", ""]
        role = roles.get(role_name.casefold())
        names = [each for part in project_names.split(";") if (each := part.strip())]
        found = [projects.get(each.casefold(), set()) for each in names]
        levels = role.levels if role else {}
        level = levels.pop("commitments_level", Level.NONE)
        checks = [
            (any(more), "It has more than e-mail, name, role and projects."),
            (not is_address(email), f"{email[:60] or 'A blank'} is no e-mail address."),
            (len(name) > MOST_NAME, f"The name is longer than {MOST_NAME} characters."),
            (role_name and not role, f"There is no role {role_name[:60]}."),
            (names and level == Level.NONE, "Projects need a role for them."),
        ]
        checks += [
            (len(keys) != 1, f"{'Several projects are' if keys else 'There is no project'} {each[:60]}.")
            for each, keys in zip(names, found, strict=True)
        ]
        wrong = [f"{place}{sentence}" for applies, sentence in checks if applies]
        problems += wrong
        if not wrong:
            on = {key: level for keys in found for key in keys}
            wish = Wish(email=email, name=name, levels=levels, projects=on, role=role_name, place=place)
            wishes.append(wish)
    return wishes, problems


def is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= MOST_ADDRESS


@require_administrator
@transaction.atomic
def settings(request: SignedInRequest, company: Company) -> HttpResponse:
    form = people_forms.CompanySettingsForm(
        request.POST if request.method == "POST" else None, instance=company
    )
    if form.is_valid():
        if fields := form.changed_data:
            company.save(update_fields=fields)  # the rules may have been changed by staff
            event, detail = DirectoryEvent.COMPANY_CHANGED, {"fields": fields}
            history.record(event=event, subject=company, by=request.user, company=company, detail=detail)
        messages.success(request, "Saved.")
        return redirect(request.path)
    if form.errors:
        company.refresh_from_db()
    context = {"title": "Company settings", "label": "Save", "refusal": "Not saved"}
    return build_page(request, "form", "Company settings", form, **context)
