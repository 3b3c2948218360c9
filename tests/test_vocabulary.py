"""The names of functions: one vocabulary for the whole product, so that whoever knows it can guess a name."""

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PRODUCT = ("commitments", "config", "directory", "erp_integrations", "notifications")

FIRST_WORDS = frozenset(
    """
    get build find list count is has can require check validate clean create update save store record
    delete add set send retrieve accept reject undo resume resolve unlink link follow adopt confirm
    ask answer withdraw look
    exempt grant revoke suspend pause probe rotate export sync read fetch parse format write compare
    match verify sign seal hash encrypt decrypt lock claim release requeue run wake start stop open
    close handle subscribe notify purge describe merge to from with fail limit end
    """.split()
)
COMMONEST_SHARE = 0.30
PRIVATE_SHARE = 0.20

# Called by Django, psycopg, allauth, Celery, reportlab, requests, urllib3, zeep or a migration, so named.
HOOKS = frozenset(
    """
    _base_set _new_conn admin_view as_bytes as_sql atoms change_view db_type execute formfield_for_foreignkey
    full_clean generate_authenticator_name init_poolmanager initial_form_count label_from_instance load login
    lookups message new_file new_message_id optgroups page_not_found password_change permission_denied
    csrf_failure server_error post prepare_value queryset ready register render response_action showPage
    user_change_password valid_value value_from_datadict view_on_site widget_attrs
    """.split()
)
# Named by an address, a button, a template, a message or, as adjectives, by a query set.
NAMED_ELSEWHERE = (
    "login_not_required",
    "require_",
    "register.",
    "admin.action",
    "shared_task",
    "property",
    "cached_property",
)


def product_files() -> list[Path]:
    files = [path for package in PRODUCT for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in files if "migrations" not in path.parts]


def functions() -> Iterator[tuple[str, str]]:
    """Each function's place and name, but for what has its name from elsewhere."""
    for path in product_files():
        yield from named_here(ast.parse(path.read_text()), str(path.relative_to(ROOT)), "")


def named_here(node: ast.AST, place: str, owner: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from named_here(child, place, child.name)
        elif isinstance(child, ast.FunctionDef):
            decorators = [ast.unparse(decorator) for decorator in child.decorator_list]
            elsewhere = (
                child.name.startswith("__")
                or child.name in HOOKS
                or owner.endswith(("QuerySet", "UserManager"))
                or any(name.startswith(NAMED_ELSEWHERE) for name in decorators)
            )
            if not elsewhere:
                yield f"{place}:{child.lineno}", child.name
            yield from named_here(child, place, "")
        else:
            yield from named_here(child, place, owner)


def test_every_function_begins_with_a_word_of_the_vocabulary() -> None:
    strange = [
        f"{place} {name}" for place, name in functions() if name.strip("_").split("_")[0] not in FIRST_WORDS
    ]
    assert not strange, strange


def test_every_word_of_the_vocabulary_is_used() -> None:
    used = {name.strip("_").split("_")[0] for _, name in functions()}
    assert used >= FIRST_WORDS, FIRST_WORDS - used


def test_no_function_is_called_of() -> None:
    assert not [place for place, name in functions() if name.strip("_") == "of"]


def test_the_commonest_words_are_common() -> None:
    words = Counter(name.strip("_").split("_")[0] for _, name in functions())
    assert sum(count for _, count in words.most_common(10)) / words.total() >= COMMONEST_SHARE


def test_few_functions_are_private() -> None:
    names = [name for _, name in functions()]
    assert sum(name.startswith("_") for name in names) / len(names) <= PRIVATE_SHARE


# Python's, Django's, and what a web page calls it.
NAMES_FROM_ELSEWHERE = frozenset("as is_staff differences".split())


def docstrings() -> Iterator[tuple[str, str, str]]:
    """Each function's and class's place, docstring, and what it is without it."""
    for path in product_files():
        lines = path.read_text().splitlines()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and (text := ast.get_docstring(node)):
                body = node.body[0]
                rest = lines[node.lineno - 1 : body.lineno - 1] + lines[body.end_lineno : node.end_lineno]
                yield f"{path.relative_to(ROOT)}:{node.lineno}", text, "\n".join(rest)


def test_a_docstring_names_what_is_there() -> None:
    """A parameter that was renamed, an exception that is called otherwise by now."""
    names, words = set(), set()
    for path in product_files():
        names |= {*path.relative_to(ROOT).with_suffix("").parts}
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Name | ast.alias):
                words.add(node.id if isinstance(node, ast.Name) else node.name)
    wrong = []
    for place, text, code in docstrings():
        named = re.findall(r"``([a-z_]+)``", text)
        wrong += [
            f"{place} {name}"
            for name in named
            if name not in names | NAMES_FROM_ELSEWHERE and not re.search(rf"\b{name}\b", code)
        ]
        for raised in re.findall(r"Raises ([^.]*)\.", text):
            errors = re.findall(r"\b(?:[A-Z][a-z]+){2,}\b", raised)
            wrong += [
                f"{place} {name}" for name in errors if name not in names | words | vars(builtins).keys()
            ]
    assert not wrong, wrong


def test_a_docstring_states_the_rule() -> None:
    """Not "What …" or "Whether …", which only announce it: of modules and constants, too."""
    announced = [
        f"{path.relative_to(ROOT)}:{each.lineno}"
        for path in product_files()
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, ast.Expr)
        and isinstance(each.value, ast.Constant)
        and re.match(r"\s*(What|Whether)\b", str(each.value.value))
    ]
    assert not announced, announced
