import math
print(math.isnan(await echo(math.nan)), await echo(-math.inf), math.copysign(1, await echo(-0.0)))
