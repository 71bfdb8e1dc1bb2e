import first
import second
import shared.one
import shared.two

print(first.N, second.N, shared.one.N, shared.two.N, await echo('x'))
