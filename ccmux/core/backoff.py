"""How long to wait before Claude is started again, and when to give up."""

from __future__ import annotations

from dataclasses import dataclass

from ccmux.model.instance import RestartSpec


@dataclass(frozen=True, slots=True)
class Budget:
    """The deaths that still count. A value: `died` and `steady` return the next one."""

    spec: RestartSpec
    deaths: tuple[float, ...] = ()

    def died(self, now: float, lived: float) -> Budget:
        """One more death at `now` of a Claude that was ready for `lived` seconds; a stable life forgets the old ones."""
        kept = () if lived >= self.spec.stable else self.deaths
        return Budget(self.spec, (*(at for at in kept if now - at < self.spec.window), now))

    @property
    def exhausted(self) -> bool:
        """More deaths in the window than `restart.limit` allows."""
        return len(self.deaths) > self.spec.limit

    @property
    def delay(self) -> float:
        """Seconds to wait before the next start: doubling, up to `restart.longest`; none before the first restart."""
        if len(self.deaths) <= 1:
            return 0.0
        return min(self.spec.longest, self.spec.first * 2.0 ** (len(self.deaths) - 2))
