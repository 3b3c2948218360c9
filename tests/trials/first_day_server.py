"""`script/server --empty`, with the company of `tests.trials.filling_spectrum` in the simulator."""

import json
import os
import sys
from random import Random

from local import programs, server
from tests.trials.filling_spectrum import Size, build_masters

SIZE = "FIRST_DAY_SIZE"


def main() -> int:
    os.environ.pop("COSTLY_PAGES_PER_MINUTE", None)  # people have the usual limit
    size, random = Size(**json.loads(os.environ[SIZE])), Random(1)
    company = json.loads(programs.MASTERS.read_text())["companies"][0]
    programs.MASTERS = server.VAR.parent / "masters.json"
    programs.MASTERS.write_text(json.dumps(build_masters(company, size, random)))
    sys.argv = [sys.argv[0], "--empty"]
    return server.main()


if __name__ == "__main__":
    sys.exit(main())
