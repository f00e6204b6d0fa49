"""A gateway to a Slack of tests, in a hurry: everything as the product does it, with pauses of a stand-in's measure."""

from __future__ import annotations

import sys

from ccmux.gateways.home import Home
from ccmux.gateways.posting import Patience
from ccmux.gateways.run import serve
from ccmux.gateways.slack import tokens
from ccmux.gateways.slack.api import Api
from ccmux.gateways.slack.pace import Pace
from ccmux.gateways.slack.timing import Timing
from ccmux.gateways.slack.transport import Slack
from ccmux.gateways.turns import Bearing

TIMING = Timing(
    look=0.2,
    grace=1.0,
    connect=3.0,
    ping=1.0,
    close=1.0,
    asleep=60.0,
    first=0.1,
    longest=1.0,
    poll=3.0,
    settle=0.0,
    late=5.0,
)


def make(home: Home) -> Slack:
    return Slack(Api(tokens.load(home), patience=2.0), TIMING, Pace(per_minute=6000, burst=200))


if __name__ == "__main__":
    serve(
        Home(sys.argv[1]),
        make,
        patience=Patience(first=0.1, probes=(0.3, 0.6), credentials=1.0),
        bearing=Bearing(post_gap=0.02, per_minute=60_000, burst=1000),
    )
