package guest

import "testing"

func TestMainModule(t *testing.T) {
	runAll(t, []program{
		{name: "main module", code: `
import __main__, sys
if __name__ == "__main__":
    print(__main__.__dict__ is globals(), __file__, sys.argv, __spec__, __doc__, sys.modules["__main__"] is __main__)
`, want: "True <user> [''] None None True"},
		{name: "pickle", code: `
import copy, dataclasses, enum, pickle, typing
class Point:
    def __init__(self, x):
        self.x = x
def five():
    return 5
@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Item:
    size: int
    parts: "list[Item]" = dataclasses.field(default_factory=list)
class Colour(enum.Enum):
    RED = 1
    GREEN = enum.auto()
print(pickle.loads(pickle.dumps(Point(3))).x, pickle.loads(pickle.dumps(five))(), Point.__module__, copy.deepcopy(Point(4)).x)
print(pickle.loads(pickle.dumps(Item(1))), pickle.loads(pickle.dumps(Colour.GREEN)) is Colour.GREEN, dataclasses.asdict(Item(2)))
print(typing.get_type_hints(Item), Item(1) < Item(2))
value: int = 3
import __main__
print(typing.get_type_hints(__main__))
`, want: `
3 5 __main__ 4
Item(size=1, parts=[]) True {'size': 2, 'parts': []}
{'size': <class 'int'>, 'parts': list[__main__.Item]} True
{'value': <class 'int'>}`},
		{name: "inspect", code: `
import inspect
def add(a, b=2):
    # a comment
    return a + b
class Thing:
    def method(self):
        return 1
print(inspect.getsource(add), inspect.getsource(Thing), sep="", end="")
print(len(inspect.getsource(Thing.method).splitlines()), inspect.signature(add), inspect.getsourcefile(Thing), inspect.getdoc(inspect.getdoc).split(".")[0], inspect.getmodule(add).__name__)
`, want: `
def add(a, b=2):
    # a comment
    return a + b
class Thing:
    def method(self):
        return 1
2 (a, b=2) <user> Get the documentation string for an object __main__`},
		{name: "help", code: `
def f(x):
    "What f does."
help(f)
`, want: "Help on function f in module __main__:\n\nf(x)\n    What f does."},
	})
}

func TestTools(t *testing.T) {
	runAll(t, []program{
		{name: "stdin", stdin: "alice\nbob\nrest\n", code: `
import sys
print(input("name? "), input())
print(sys.stdin.read().split(), sys.stdin.isatty(), sys.stdin.fileno())
try:
    input()
except EOFError as error:
    print(error)
`, want: "name? alice bob\n['rest'] False 0\nEOF when reading a line"},
		{name: "streams", code: `
import contextlib, io, os, sys
sys.stdout.buffer.write(b"bytes\n")
sys.__stdout__.write("original\n")
os.write(1, b"written\n")
print("to stderr", file=sys.stderr)
os.write(2, b"written too\n")
with contextlib.redirect_stdout(io.StringIO()) as text:
    print("hidden")
print(repr(text.getvalue()), "lone \ud800")
with open(1, "w", closefd=False) as file:
    file.write("by number\n")
sys.stdout.close()
print("after close")
`, want: `
bytes
original
written
'hidden\n' lone \ud800
by number
after close`, stderr: "to stderr\nwritten too"},
		{name: "unittest", code: `
import unittest
class Tests(unittest.TestCase):
    def test_right(self):
        self.assertEqual(1, 1)
    def test_wrong(self):
        self.assertEqual(1, 2)
class Async(unittest.IsolatedAsyncioTestCase):
    async def test_await(self):
        import asyncio
        await asyncio.sleep(0)
result = unittest.main(exit=False, testRunner=unittest.TextTestRunner(stream=open("/dev/null", "w"))).result
print(result.testsRun, [test.id() for test, _ in result.failures])
unittest.main(testRunner=unittest.TextTestRunner(stream=open("/dev/null", "w")))
`, want: "3 ['__main__.Tests.test_wrong']", exit: 1},
		{name: "doctest", code: `
"""
>>> add(1, 2)
3
"""
def add(a, b):
    """
    >>> add(2, 2)
    5
    """
    return a + b
import doctest
print(doctest.testmod())
`, want: `
**********************************************************************
File "<user>", line 8, in __main__.add
Failed example:
    add(2, 2)
Expected:
    5
Got:
    4
**********************************************************************
1 item had failures:
   1 of   1 in __main__.add
***Test Failed*** 1 failure.
TestResults(failed=1, attempted=2)`},
		{name: "logging and warnings", code: `
import logging, logging.handlers, warnings
logging.warning("before %s", 1)
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(filename)s:%(lineno)d %(funcName)s %(message)s", force=True)
logging.getLogger("app").info("hello")
handler = logging.handlers.RotatingFileHandler("app.log", maxBytes=10, backupCount=1)
logging.getLogger().addHandler(handler)
logging.info("written")
print(open("app.log").read().strip())
warnings.warn("careful")
warnings.warn("old", DeprecationWarning)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warnings.warn("recorded")
print([str(w.message) for w in caught])
warnings.simplefilter("error")
warnings.warn("raised")
`, want: "written\n['recorded']", err: "UserWarning: raised", stderr: `
WARNING:root:before 1
INFO app <user>:5 <module> hello
INFO root <user>:8 <module> written
<user>:10: UserWarning: careful
  warnings.warn("careful")
<user>:11: DeprecationWarning: old
  warnings.warn("old", DeprecationWarning)`},
		{name: "tracebacks", code: `
import sys, traceback
def fail():
    1 / 0
try:
    fail()
except ZeroDivisionError:
    print(traceback.format_exc().splitlines()[-1])
    traceback.print_exc()
traceback.print_stack(file=sys.stdout)
print(sys._getframe().f_code.co_filename, [frame.name for frame in traceback.extract_stack()])
`, want: `
ZeroDivisionError: division by zero
  File "<user>", line 10, in <module>
    traceback.print_stack(file=sys.stdout)
<user> ['<module>']`, stderr: `
Traceback (most recent call last):
  File "<user>", line 6, in <module>
    fail()
    ~~~~^^
  File "<user>", line 4, in fail
    1 / 0
    ~~^~~
ZeroDivisionError: division by zero`},
		{name: "tracing", code: `
import cProfile, faulthandler, gc, io, pstats, sys, timeit, trace, tracemalloc, weakref
events = []
def work():
    x = 1
    return x
def tracer(frame, event, argument):
    events.append(event)
    return tracer
sys.settrace(tracer)
work()
sys.settrace(None)
print(events)
profile = cProfile.Profile()
profile.runcall(work)
text = io.StringIO()
pstats.Stats(profile, stream=text).print_stats()
print("function calls" in text.getvalue(), timeit.timeit("1 + 1", number=10) > 0)
counter = trace.Trace(count=1, trace=0)
counter.runfunc(work)
print(len(counter.results().counts))
tracemalloc.start()
kept = [bytearray(1000) for _ in range(100)]
print(tracemalloc.get_traced_memory()[0] > 100_000, len(tracemalloc.take_snapshot().statistics("lineno")) > 0)
tracemalloc.stop()
class Node:
    pass
node = Node()
node.self = node
weakref.finalize(node, print, "collected")
del node
print(gc.collect() > 0, gc.isenabled())
faulthandler.enable()
print(faulthandler.is_enabled())
`, want: "['call', 'line', 'line', 'return']\nTrue True\n2\nTrue True\ncollected\nTrue True\nTrue"},
		{name: "interactive helpers", stdin: "print(6 * 7)\nq\ny\n", code: `
import code, pdb
code.InteractiveInterpreter({}).runsource("40 + 2")
breakpoint()
`, want: "42\n> <user>(4)<module>()\n-> breakpoint()\n(Pdb) 42\n(Pdb) Quitting pdb will kill the process. Quit anyway? [y/n] ", exit: 1},
		{name: "odds and ends", code: `
import decimal, fractions, json, statistics, tomllib, xml.etree.ElementTree as ET, xml.dom.minidom, html, csv, io, ast, dis, secrets, textwrap
print(decimal.Decimal(1) / 3, fractions.Fraction(1, 3), statistics.stdev([1, 2, 3]), json.loads('{"a": 1e3}'), tomllib.loads("a = 1"))
print(ET.tostring(ET.fromstring("<a><b>x</b></a>")), xml.dom.minidom.parseString("<a/>").toxml(), html.unescape("&eacute;"))
print(list(csv.reader(io.StringIO("a,'b c'\n"))), ast.literal_eval("{1: 2}"), [i.opname for i in dis.get_instructions("x")][-1])
print("é".encode("cp1252"), "日本".encode("shift_jis"), "ü.de".encode("idna"), [c for c in "\N{BULLET}"])
`, want: `
0.3333333333333333333333333333 1/3 1.0 {'a': 1000.0} {'a': 1}
b'<a><b>x</b></a>' <?xml version="1.0" ?><a/> é
[['a', "'b c'"]] {1: 2} RETURN_VALUE
b'\xe9' b'\x93\xfa\x96{' b'xn--tda.de' ['•']`},
	})
}
