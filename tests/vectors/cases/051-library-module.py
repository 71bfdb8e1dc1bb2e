import single
import tools
import tools.text.case as case

print(single.N, tools.VERSION, case.upper('a'), case.__name__, case.__file__, tools.text.__file__)
try:
    open(single.__file__, 'w')
except OSError as error:
    print(type(error).__name__)
