"""The stage needs this besides the demo: many small commitments, so that an export takes two or three calls.

`python -m tests.endurance.stage.preparation FILE` writes the sign-ins into FILE, and beside it which
commitments there are.
"""

import json
import os
import sys
from pathlib import Path

from local import preparation
from tests.endurance.faults.stage import ROUNDS, SMALL, sheet


def main() -> None:
    preparation.main()
    from local.demo import small  # after Django's setup

    first, _, last = os.environ[ROUNDS].partition("-")
    made = [
        each
        for number in range(int(first), int(last) + 1)
        for each in small.make(number, int(os.environ[SMALL]))
    ]
    sheet(Path(sys.argv[1]).parent).write_text(json.dumps(made))


if __name__ == "__main__":
    main()
