"""The answer that each cell of the matrix must give, worked out from the table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from tests.rights import forms
from tests.rights.people import KINDS, RIGHTS, Kind
from tests.rights.table import ADMIN, OWN, TOOLS, Model, Own, Row
from tests.rights.world import ADDRESSES, Place, World, undone

SIGN_IN = "/accounts/login/"
ADMIN_SIGN_IN = (SIGN_IN, "/admin/login/")
ADMIN_INDEX = "/admin/"
PASSWORD = "six wet ladders in a row"
OF_NO_ROW = ("changelist", "add")
OF_A_MODEL = (*OF_NO_ROW, "history", "delete", "change")


@dataclass
class Cell:
    """One request, and what must come of it."""

    kind: Kind
    own: bool
    method: str
    url: str
    data: dict[str, Any]
    statuses: tuple[int, ...] = ()
    leads_to: str | tuple[str, ...] = ""
    event: str = ""
    happens: bool = False
    hides: bool = True

    def __str__(self) -> str:
        return f"{self.kind.name}, {'own' if self.own else 'other'} company, {self.method} {self.url}"

    def answers(self, *statuses: int, leads_to: str | tuple[str, ...] = "") -> "Cell":
        """The answer comes back, and nothing changes."""
        self.statuses, self.leads_to = statuses, leads_to
        return self


def kind_of_row(name: str) -> Row | Own | tuple[Model, str, str] | None:
    """The row of an address; of a page of Django admin its model, what it does, and the model's label."""
    if name in TOOLS:
        return TOOLS[name]
    if name in OWN:
        return OWN[name]
    prefix, _, page = name.removesuffix("/<path:object_id>/").replace("/", "_").rpartition("_")
    for label, model in ADMIN.items():
        if prefix == f"admin:{label.replace('.', '_')}" and page in OF_A_MODEL:
            return model, page, label
        if name == "admin:auth_user_password_change" and label == "directory.user":
            return model, "password", label
        if name == f"admin/{label.replace('.', '/')}/<path:object_id>/":
            return model, "redirect", label
    return None


def cells_of(name: str, world: World) -> Iterator[Cell]:
    """Every kind of person × company × method, of one address."""
    match kind_of_row(name):
        case Row() as row:
            yield from _of_a_tool(name, row, world)
        case Own() as own:
            yield from _of_everybody(name, own, world)
        case (Model() as model, str(page), str(label)):
            yield from _of_admin(model, page, label, world)


def path_of(name: str, world: World) -> str:
    """Where an address leads to among what is ours."""
    match kind_of_row(name):
        case Row() as row:
            return world.ours.address(name, row.situation)
        case Own() as own:
            return own.path or reverse(name, kwargs=own.parts)
        case (Model(), str(page), str(label)):
            return _page_of(label, page, world.ours)
    raise LookupError(name)


def mightiest(name: str) -> str:
    """The kind of person whom nothing keeps from what is done there."""
    if name.startswith("admin"):
        return "superuser"
    row = TOOLS.get(name)
    return min(RIGHTS[row.do or row.see or ""]) if row else "approving ERP admin"


def forms_of(name: str, world: World) -> dict[str, Any]:
    """The fields of an address's form when nothing but the needful is typed."""
    return next(cell.data for cell in cells_of(name, world) if cell.method == "post")


def _of_a_tool(name: str, row: Row, world: World) -> Iterator[Cell]:
    for place in (world.ours, world.theirs):
        url = place.address(name, row.situation)
        data = _typed(name, row, world, place) if row.do else {}
        for kind in KINDS.values():
            for method, right in (("get", row.see), ("post", row.do)):
                cell = Cell(kind, place is world.ours, method, url, data if method == "post" else {})
                yield _tool_cell(cell, name, row, right)


def _tool_cell(cell: Cell, name: str, row: Row, right: str | None) -> Cell:
    kind, posts = cell.kind, cell.method == "post"
    if kind.name not in RIGHTS["be signed in"]:
        return cell.answers(302, leads_to=SIGN_IN)
    if right is None:
        return cell.answers(405)
    of_a_company = "company_slug" in ADDRESSES[name].parts
    seen = kind.listed if of_a_company else kind.name in RIGHTS["see commitments"]
    if not cell.own or not seen:
        return cell.answers(404)
    if kind.name not in RIGHTS[right]:
        return cell.answers(403)
    if not posts:
        cell.event = row.looked
        return cell.answers(row.shows)
    if isinstance(row.done, int):
        return cell.answers(row.done)
    cell.event, cell.happens = row.done, True
    return cell.answers(row.answers)


def _typed(name: str, row: Row, world: World, place: Place) -> dict[str, Any]:
    """The form as somebody of that company who holds every right sees it, filled in."""
    shown_at = place.address(row.form_on or name, row.situation)
    target = place.address(name, row.situation)
    holder = min(RIGHTS[row.do or ""])
    browser = world.browsers[holder] if place is world.ours else world.foreigner
    with undone():
        page = browser.get(shown_at)
        typed = forms.entered(page.content if page.status_code == 200 else b"", target, row.entered)
    typed.pop("draft", None)  # with the holder's own token, words are kept as theirs, whoever sends it
    return {**typed, **row.entered}


def _of_everybody(name: str, everybody: Own, world: World) -> Iterator[Cell]:
    url = everybody.path or reverse(name, kwargs=everybody.parts)
    for kind in KINDS.values():
        signed_in = kind.name in RIGHTS["be signed in"]
        own = (everybody.with_app if kind.has_app and signed_in else None) or everybody
        for method in ("get", "post"):
            cell = Cell(kind, True, method, url, own.entered if method == "post" else {})
            cell.hides, cell.event = not kind.superuser, own.event if method == "post" else ""
            cell.happens = own.happens and signed_in and method == "post"
            statuses = getattr(own, method if signed_in else f"visitor_{method}")
            if own.of_admin and not kind.opens_admin:
                yield cell.answers(302, leads_to=ADMIN_SIGN_IN)
            elif statuses:
                yield cell.answers(*statuses)
            else:
                yield cell.answers(302, leads_to=ADMIN_SIGN_IN if name.startswith("admin") else SIGN_IN)


def _of_admin(model: Model, page: str, label: str, world: World) -> Iterator[Cell]:
    for place in (world.ours, world.theirs) if page not in OF_NO_ROW else (world.ours,):
        key = place.rows[label].pk
        change, url = _page_of(label, "change", place), _page_of(label, page, place)
        data = _typed_by_the_superuser(model, page, url, world, place, key)
        for kind in KINDS.values():
            if place is world.theirs and not kind.opens_admin:
                continue  # who is no staff gets no further there than here, which is to the sign-in page
            for method in ("get", "post"):
                cell = Cell(kind, place is world.ours, method, url, data if method == "post" else {})
                cell.hides = not kind.superuser
                yield _admin_cell(cell, model, page, label, change)


def _page_of(label: str, page: str, place: Place) -> str:
    """A page of Django admin; of a row, if it is of one."""
    named, key = f"admin:{label.replace('.', '_')}_", place.rows[label].pk
    if page == "redirect":
        return reverse(f"{named}change", args=[key]).removesuffix("change/")
    if page == "password":
        return reverse("admin:auth_user_password_change", args=[key])
    return reverse(f"{named}{page}", args=[] if page in OF_NO_ROW else [key])


def _admin_cell(cell: Cell, model: Model, page: str, label: str, change: str) -> Cell:
    kind, posts = cell.kind, cell.method == "post"
    if not kind.opens_admin:
        return cell.answers(302, leads_to=ADMIN_SIGN_IN)
    may = {action for action in model.actions.split() if kind.may(action, label, superusers=model.superusers)}
    looks = {"view", "change"} & may
    out_of_sight = not cell.own and not kind.superuser and not model.superusers
    if page == "redirect":
        return cell.answers(302, leads_to=change)
    if page == "history":
        if out_of_sight:
            return cell.answers(302, leads_to=ADMIN_INDEX)
        return cell.answers(200 if looks else 403)
    right = {
        "changelist": looks,
        "add": {"add"} & may,
        "delete": {"delete"} & may,
        "password": {"change"} & may,
    }.get(page, {"change"} & may if posts else looks)
    if not right:
        return cell.answers(403)
    if page == "password" and out_of_sight:
        return cell.answers(404)
    if page in {"change", "delete"} and out_of_sight:
        return cell.answers(302, leads_to=ADMIN_INDEX)
    if page == "changelist" and posts and "delete" not in may:
        return cell.answers(200, 302)  # the action is not offered, and nothing happens
    if not posts:
        cell.event = model.looked if page == "change" else ""
        return cell.answers(200)
    if model.keeps and page in {"changelist", "delete"}:
        return cell.answers(200, 403)  # what holds it is listed
    cell.happens = True
    return cell.answers(302)


def _typed_by_the_superuser(
    model: Model, page: str, url: str, world: World, place: Place, key: int
) -> dict[str, Any]:
    """The page's form with nothing but what makes a row a new one."""
    if page == "changelist":
        return {"action": "delete_selected", "_selected_action": str(key), "post": "yes"}
    if page == "delete":
        return {"post": "yes"}
    if page == "password":
        return {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    if page == "redirect" or {"add": "add", "change": "change"}.get(page, "-") not in model.actions:
        return {}
    with undone():
        shown = world.browsers["superuser"].get(url)
        typed = forms.entered(shown.content if shown.status_code == 200 else b"", url)
    if page == "add":
        for name, value in model.entered.items():
            typed[name] = str(place.rows[value[1:]].pk) if value.startswith("@") else value
    return typed
