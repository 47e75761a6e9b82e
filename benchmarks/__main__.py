"""Run one benchmark: progress on standard error, one JSON line last on standard output.

python -m benchmarks              what there is
python -m benchmarks pipeline     run one; --help after the name shows its options
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import platform
import sys
from datetime import UTC, datetime

import benchmarks


def names() -> list[str]:
    """Return the benchmarks there are: modules here that do not begin with an underscore."""
    return sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name[0] != "_")


def main() -> int:
    """Print the list, or run the benchmark that was named."""
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        print("benchmarks:", ", ".join(names()))
        return 0
    name = sys.argv[1]
    if name not in names():
        print(f"no benchmark {name!r}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    result = importlib.import_module(f"benchmarks.{name}").run(sys.argv[2:])
    about = {
        "benchmark": name,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    print(json.dumps(about | result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
