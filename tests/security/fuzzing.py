"""Nonsense for every form and every query string: what people paste, and what a scanner sends.

One input is one request, worked out from a seed and its number alone, so that it can be sent again.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse

from tests.rights import forms
from tests.rights.cells import forms_of, path_of
from tests.rights.world import ADDRESSES, World, undone

# Apart by blanks; below is what holds some, or can't be seen.
WORDS = """
0 -1 1 on true null None undefined NaN Infinity -0 1e999 1_000 1.5 1,000.00 ٣ ½ ² 2147483648
9223372036854775808 -9223372036854775809 ' " ';-- '/**/OR/**/'1'='1 % %00 %s%s%n \\ ../../etc/passwd
${7*7} {{7*7}} {%x%} <script>alert(1)</script> "><img/src=x/onerror=alert(1)> javascript:alert(1)
//evil.test http://[ 2026-02-30 0000-00-00 9999-12-31 10000-01-01 24:61 23:59:59.999999 America/Nowhere
../UTC =1+1 @SUM(A1) [] {} {"a":1} [1,2 a,b,,c , - _ ? & = #
creator@ours.test
"""
NAMES = """
q view kind sort after before page connection back next badge status o p e _popup _to_field
_changelist_filters id id__in pk term app_label model_name field_name action _selected_action select_across
index _save _continue _saveasnew post lines-TOTAL_FORMS lines-INITIAL_FORMS lines-0-amount version round
user__password__startswith company__name__regex csrfmiddlewaretoken show add_line calls
"""
ACTIONS = (
    *("delete_selected", "invite_again", "end_sessions", "take_two_step_away"),
    *("erase_person", "export_person", "forget_descriptions", "send_again"),
)
TEXTS = (
    *("", " ", "9" * 400, "a" * 65, "x" * 9000, "é" * 300, "😀" * 90, "\t\n\r", "a\r\nb: c"),
    *("\x00", "a\x00b", "\ud800", "\u202eabc", "\ufeff"),
    *WORDS.split(),
)
EXTRAS = NAMES.split()
KINDS = (
    *("approving ERP admin", "approving project admin", "creator", "ERP admin"),
    *("administrator", "superuser", "visitor"),
)


@dataclass(frozen=True)
class Input:
    """One request."""

    number: int
    kind: str
    method: str
    url: str
    data: dict[str, Any]
    headers: dict[str, str]

    def __str__(self) -> str:
        sent = {name: str(value)[:60] for name, value in self.data.items()}
        asked = f"{self.kind}, {self.method} {ascii(self.url)[:300]}"
        return f"input {self.number}: {asked} {ascii(sent)[:600]} {self.headers}"


class Fuzzer:
    """Makes inputs for this world, and sends them."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.seed = seed
        # A person whom a fuzzed form signed out would see nothing of the rest.
        self.names = [name for name in ADDRESSES if "logout" not in name]
        self._known: dict[str, tuple[str, dict[str, Any]]] = {}

    def input(self, number: int) -> Input:
        """The input of this number."""
        chance = random.Random(f"{self.seed}/{number}")
        name = chance.choice(self.names)
        if name not in self._known:
            path = path_of(name, self.world)
            self._known[name] = path, self._shown(path) | forms_of(name, self.world)
        path, form = self._known[name]
        if chance.random() < 0.1:
            path = self._another_path(path, chance)
        query = {} if chance.random() < 0.5 else self._nonsense(chance, {}, chance.randint(1, 4))
        method = "post" if chance.random() < 0.6 else "get"
        if name.endswith("_changelist"):
            form = form | {"action": chance.choice(ACTIONS)}
        data = self._nonsense(chance, dict(form), chance.randint(1, 5)) if method == "post" else {}
        headers = {"HTTP_HX_REQUEST": "true"} if chance.random() < 0.3 else {}
        if chance.random() < 0.05:
            headers["HTTP_HX_CURRENT_URL"] = chance.choice(TEXTS)[:200]
        url = f"{path}?{urlencode(query, errors='surrogatepass')}" if query else path
        return Input(number, self._person(name, chance), method, url, data, headers)

    def send(self, sent: Input) -> HttpResponse:
        """The product's answer; what it did is undone."""
        browser = self.world.browsers[sent.kind]
        with undone():
            data = {_sendable(name): _sendable(value) for name, value in sent.data.items()}
            ask = getattr(browser, sent.method)
            answer: HttpResponse = ask(sent.url, data, **{k: _header(v) for k, v in sent.headers.items()})
            return answer

    def failures(self, numbers: range) -> Iterator[str]:
        """Every input that the product answered with 500, or not at all."""
        for number in numbers:
            sent = self.input(number)
            try:
                status = self.send(sent).status_code
            except Exception as error:
                yield f"{sent}: {error!r}"
            else:
                # 503 is what /readyz says where no worker looks.
                if status >= 500 and not (status == 503 and sent.url.startswith("/readyz")):
                    yield f"{sent}: {status}"

    def _shown(self, path: str) -> dict[str, Any]:
        """The form there as those see it to whom it is shown."""
        typed: dict[str, Any] = {}
        for kind in ("superuser", "approving ERP admin", "visitor"):
            with undone():
                page = self.world.browsers[kind].get(path)
            if "html" in page.headers.get("Content-Type", ""):
                typed |= forms.entered(page.body, path)
        return typed

    def _person(self, name: str, chance: random.Random) -> str:
        """Mostly somebody who gets far there."""
        if chance.random() < 0.1:
            return chance.choice(KINDS)
        if ADDRESSES[name].is_open and chance.random() < 0.7:
            return "visitor"
        return chance.choice(("superuser", "administrator") if name.startswith("admin") else KINDS[:4])

    def _nonsense(self, chance: random.Random, form: dict[str, Any], changes: int) -> dict[str, Any]:
        for _ in range(changes):
            name = chance.choice([*form, *EXTRAS] if chance.random() < 0.8 and form else EXTRAS)
            match chance.randrange(8):
                case 0:
                    form.pop(name, None)
                case 1:
                    form[name] = [chance.choice(TEXTS), chance.choice(TEXTS)]
                case 2:
                    form[chance.choice(TEXTS)[:100]] = chance.choice(TEXTS)
                case _:
                    form[name] = chance.choice(TEXTS)
        return form

    def _another_path(self, path: str, chance: random.Random) -> str:
        """With one part of it another one."""
        parts = path.split("/")
        place = chance.randrange(1, len(parts))
        parts[place] = chance.choice(
            ("0", "99999999999999999999", "-1", "%00", "a%0d%0ab", "%ff", "..", "é", "1" * 30)
        )
        return "/".join(parts)


def _sendable(value: Any) -> Any:
    if isinstance(value, list):
        return [_sendable(each) for each in value]
    # A browser sends no half of a pair; a scanner may send its bytes.
    return (
        value.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if isinstance(value, str) else value
    )


def _header(value: str) -> str:
    return value.encode("utf-8", "surrogatepass").decode("latin-1").replace("\r", "").replace("\n", "")
