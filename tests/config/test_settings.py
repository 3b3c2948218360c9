"""Settings that can't be read: one sentence, and no word of a password."""

import os
import subprocess
import sys

import pytest

from directory.history import checkpoints


@pytest.mark.parametrize(
    ("name", "password"),
    [
        *((name, "geheim/25") for name in ("EMAIL_URL", "DATABASE_URL", "REDIS_URL", "IMAP_URL")),
        *(
            ("INFO_LINKS", password)
            for password in ("geheim/25", "2#geheim", "2?geheim", "geheim:2/5", "geheim[", "geheim\u2100")
        ),
    ],
)
def test_a_sign_in_a_password_that_ends_the_address_is_named_and_the_password_is_not(
    name: str, password: str
) -> None:
    schemes = {"EMAIL_URL": "smtp", "IMAP_URL": "imaps", "DATABASE_URL": "postgres", "REDIS_URL": "redis"}
    scheme = schemes.get(name, "simulator=mssql+pymssql")
    environment = {**os.environ, name: f"{scheme}://user:{password}@mail.example:25/name"}
    run = subprocess.run(
        [sys.executable, "manage.py", "check"], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode
    assert f"{name} can't be read as an address." in run.stderr.splitlines()[-1]
    assert "geheim" not in run.stdout + run.stderr


def test_a_key_is_made_before_there_is_one() -> None:
    demanded = ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "HISTORY_SIGNING_KEY", "DECISION_PUBLIC_KEYS")
    given = {name: value for name, value in os.environ.items() if name not in demanded}
    given |= {"ENVIRONMENT": "production", "PUBLIC_URL": "https://ledgergate.example"}

    def run(*options: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", "history_key", *options]
        return subprocess.run(command, env=given | more, capture_output=True, text=True, check=False)

    key = run("--new").stdout.strip()
    assert run("--decisions", DECISION_SIGNING_KEY=key).stdout.strip() == checkpoints.get_public_key(key)
    assert run().stderr.splitlines()[-1].startswith("CommandError: HISTORY_SIGNING_KEY:")
