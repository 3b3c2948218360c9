"""Settings that can't be read: one sentence, and no word of a password."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["EMAIL_URL", "DATABASE_URL"])
@pytest.mark.parametrize("password", ["geheim/25", "geheim#25", "2#geheim", "2?geheim", "geheim:2/5"])
def test_a_sign_in_a_password_that_ends_the_address_is_named_and_the_password_is_not(
    name: str, password: str
) -> None:
    scheme = {"EMAIL_URL": "smtp", "DATABASE_URL": "postgres"}[name]
    environment = {**os.environ, name: f"{scheme}://user:{password}@mail.example:25/name"}
    run = subprocess.run(
        [sys.executable, "manage.py", "check"], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode
    assert f"{name} can't be read as an address." in run.stderr.splitlines()[-1]
    assert "geheim" not in run.stdout + run.stderr
