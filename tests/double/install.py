"""Put the double where a person's `claude` would be."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_SCRIPT = """\
#!{python} -IS
import sys
sys.path.insert(0, {root!r})
from tests.double.claude import main
main()
"""


def install(binary: Path) -> Path:
    """An executable that is the double, without the detour of `env` and `site`."""
    binary.unlink(missing_ok=True)
    binary.write_text(_SCRIPT.format(python=sys.executable, root=str(_ROOT)))
    binary.chmod(0o755)
    return binary
