print('hello')
print('wörld €')
