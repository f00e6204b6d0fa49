"""A scriptable loopback stand-in of the Anthropic Messages API, for the demo, the self-test and the tests.

It lets the real Claude Code work offline: the client is pointed at it with `ANTHROPIC_BASE_URL`, any key will do, and
what "the model" says is scripted. The first of these that applies answers a request:

1. a directive in the newest user text, `<<standin [STEP, ...]>>` or `<<standin STEP>>`: step n answers the n-th
   request after that message, so a tool call and what follows its result are two steps and no state is kept here;
2. the queue, one step per main request (a main request is one that offers tools);
3. rules: a regex on the newest user text, with steps given one after another, the last of them for ever;
4. the default step, when one is set (main requests only);
5. a built-in reply: `You wrote: ...`, `Tool done.` after a tool result, `{"title": "stand-in"}` when not main.

`ccmux.standin.step` lists what a STEP may hold. Another process scripts it over HTTP (`ccmux.standin.control`).
"""

from ccmux.standin.journal import Request, fingerprint
from ccmux.standin.server import StandIn
from ccmux.standin.step import StepError

__all__ = ["Request", "StandIn", "StepError", "fingerprint"]
