"""`python -m ccmux.standin [--port P] [--log FILE]`: print the URL on stdout, and answer until SIGTERM or SIGINT."""

import argparse
import signal
import sys
from pathlib import Path

from ccmux.standin.server import StandIn


def main() -> int:
    """Run until a signal comes; 1 when the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m ccmux.standin", description="A stand-in of the Messages API.")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0, the default, is a free one")
    parser.add_argument("--log", type=Path, help="a file to append every request to, one JSON object per line")
    options = parser.parse_args()
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # before there are threads, which inherit it
    try:
        with StandIn(port=options.port, log=options.log) as standin:
            print(standin.url, flush=True)
            signal.sigwait(ends)
    except OSError as error:
        print(f"stand-in: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
