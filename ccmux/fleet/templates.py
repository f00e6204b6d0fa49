"""The role file that an instance's Claude reads, from `templates/CLAUDE.md.j2`.

Only our own templates are rendered, only with plain values, and what a person wrote outside the marked block stays.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ccmux.files import write_private
from ccmux.model.instance import Inherit, InstanceSpec
from ccmux.paths import InstancePaths
from ccmux.resources import resource

BEGIN: Final = "<!-- ccmux: this block is rendered anew; write outside of it -->"
END: Final = "<!-- ccmux: end of the block -->"
_BLOCK: Final = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)


def render_role(paths: InstancePaths, spec: InstanceSpec, person_memory: Path) -> None:
    """Write `claude/CLAUDE.md`. Doing it again replaces our block only."""
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(resource("templates")),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    inherits = Inherit.CLAUDE_MD in spec.claude.inherit
    text = environment.get_template("CLAUDE.md.j2").render(
        name=paths.name, role=str(spec.role), person_memory=str(person_memory) if inherits else ""
    )
    block = f"{BEGIN}\n{text.strip()}\n{END}"
    file = paths.claude / "CLAUDE.md"
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    new = _BLOCK.sub(lambda _: block, old) if _BLOCK.search(old) else f"{block}\n{old}"
    if new != old:
        write_private(file, new.encode())
