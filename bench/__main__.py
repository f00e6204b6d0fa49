"""Run every measurement and print one table; `python -m bench NAME…` runs some."""

from __future__ import annotations

import sys

from bench import dashboard, gateways, measures, restarts, states, throughput
from bench.table import Row, render


def main() -> int:
    wanted = sys.argv[1:]
    rows: list[Row] = []
    more = {
        "state": states.state,
        "throughput": throughput.throughput,
        "restart": restarts.restart,
        "gateway": gateways.gateways,
    }
    more["dashboard"] = dashboard.dashboard
    for name, measure in (measures.ALL | more).items():
        if not wanted or name in wanted:
            print(f"… {name}", file=sys.stderr, flush=True)
            rows += measure()
    print(render(rows))
    return 0


sys.exit(main())
