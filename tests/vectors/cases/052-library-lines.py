from __future__ import annotations

import broken


def f(x: Missing) -> Missing:
    broken.fail()


print(f.__annotations__['x'])
f(1)
