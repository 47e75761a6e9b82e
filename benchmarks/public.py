"""Public labelled recordings, scored with the general method.

    python -m benchmarks public --data FOLDER

FOLDER holds nab-dev/ (with windows.json) and skab-dev/; what they are is told in
docs/general-method.md. A few minutes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from benchmarks import _public


def run(argv: list[str]) -> dict[str, Any]:
    """Score what is there; exits 2 with one line where nothing is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks public", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the recordings")
    args = parser.parse_args(argv)
    found = _public.run(args.data)
    if len(found.get("missing", ())) == 2:
        sys.stderr.write(
            f"--data {args.data}: 缺少录制文件 recordings missing: {', '.join(found['missing'])}; "
            "来源见 see docs/general-method.md\n"
        )
        sys.exit(2)
    return found
