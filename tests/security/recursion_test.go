package security_test

import (
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// nest is Python that nests a value n levels deep.
const nest = `
def nest(make, leaf, n=200_000):
    value = leaf
    for _ in range(n):
        value = make(value)
    return value
`

// recursions are programs that recurse as deep as they can. Each is run as it is, and with the recursion limit
// raised out of the way; what it raises must be a RecursionError or a MemoryError.
var recursions = map[string]string{
	"function":                "def f(): return f()\nf()",
	"lambda":                  "f = lambda: f()\nf()",
	"method":                  "class A:\n    def f(self): return self.f()\nA().f()",
	"getattr":                 "class A:\n    def __getattr__(self, name): return getattr(self, name + 'x')\nA().a",
	"getattribute":            "class A:\n    def __getattribute__(self, name): return self.b\nA().a",
	"eq":                      "class A:\n    def __eq__(self, other): return self == other\nA() == A()",
	"hash":                    "class A:\n    def __hash__(self): return hash(self)\nhash(A())",
	"repr":                    "class A:\n    def __repr__(self): return repr(self)\nrepr(A())",
	"str":                     "class A:\n    def __str__(self): return str(self)\nstr(A())",
	"format":                  "class A:\n    def __format__(self, spec): return format(self, spec)\nformat(A(), '')",
	"call":                    "class A:\n    def __call__(self): return self()\nA()()",
	"add":                     "class A:\n    def __add__(self, other): return self + other\nA() + 1",
	"iter":                    "class A:\n    def __iter__(self): return iter(self)\niter(A())",
	"len":                     "class A:\n    def __len__(self): return len(self)\nlen(A())",
	"bool":                    "class A:\n    def __bool__(self): return bool(self)\nbool(A())",
	"contains":                "class A:\n    def __contains__(self, x): return x in self\n1 in A()",
	"getitem":                 "class A:\n    def __getitem__(self, i): return self[i]\nA()[0]",
	"lt":                      "class A:\n    def __lt__(self, other): return sorted([self, self])\nsorted([A(), A()])",
	"new":                     "class A:\n    def __new__(cls): return cls()\nA()",
	"init_subclass":           "class A:\n    def __init_subclass__(cls): type('B', (cls,), {})\nclass B(A): pass",
	"instancecheck":           "class M(type):\n    def __instancecheck__(cls, x): return isinstance(x, cls)\nclass A(metaclass=M): pass\nisinstance(1, A)",
	"property":                "class A:\n    @property\n    def x(self): return self.x\nA().x",
	"index":                   "class A:\n    def __index__(self): return [0][self]\n[0][A()]",
	"exec":                    "def f(): exec('f()')\nf()",
	"eval":                    "def f(): return eval('f()')\nf()",
	"map":                     "def f(x): return list(map(f, [x]))\nf(1)",
	"sorted_key":              "def f(x): return sorted([x], key=f)\nf(1)",
	"max_key":                 "def f(x): return max([x], key=f)\nf(1)",
	"partial":                 "import functools\ndef f(*a): return functools.partial(f, *a)()\nf()",
	"lru_cache":               "import functools\n@functools.lru_cache\ndef f(n): return f(n + 1)\nf(0)",
	"reduce":                  "import functools\ndef f(a, b): return functools.reduce(f, [a, b])\nf(1, 2)",
	"re_sub":                  "import re\ndef f(m): return re.sub('a', f, 'a')\nre.sub('a', f, 'a')",
	"generator":               "def g():\n    yield from g()\nlist(g())",
	"generator_next":          "def g():\n    yield next(g())\nnext(g())",
	"comprehension":           "def f(): return [f() for _ in '1']\nf()",
	"with":                    "class A:\n    def __enter__(self):\n        with A(): pass\n    def __exit__(self, *a): pass\nwith A(): pass",
	"except":                  "def f():\n    try: 1/0\n    except Exception: f()\nf()",
	"finally":                 "def f():\n    try: return\n    finally: f()\nf()",
	"import":                  "import sys\ndef f(): __import__('a')\nclass F:\n    def find_spec(self, name, *a): __import__(name + 'x')\nsys.meta_path.insert(0, F())\nimport zzz",
	"descriptor":              "class D:\n    def __get__(self, o, t): return o.d\nclass A: d = D()\nA().d",
	"await":                   "class A:\n    def __await__(self): yield from A().__await__()\nasync def f(): await f()\nawait f()",
	"coroutine_send":          "async def f(): f().send(None)\nf().send(None)",
	"call_via_type":           "class A(type):\n    def __call__(cls): return cls()\nclass B(metaclass=A): pass\nB()",
	"set_name":                "class A:\n    def __set_name__(self, o, n): type('T', (), {'a': A()})\nA().__set_name__(1, 2)",
	"mro":                     "class M(type):\n    def mro(cls): return [cls, *type('X', (), {}, ).__mro__] if M('Y', (), {}) else []\nM('Z', (), {})",
	"json_default":            "import json\njson.dumps(object(), default=lambda o: [object()])",
	"json_dumps":              nest + "import json\njson.dumps(nest(lambda v: [v], 1))",
	"json_dumps_dict":         nest + "import json\njson.dumps(nest(lambda v: {'a': v}, 1))",
	"json_dumps_py":           nest + "import json\njson.dumps(nest(lambda v: [v], 1), indent=1)",
	"json_loads":              "import json\njson.loads('[' * 200_000)",
	"json_loads_dict":         "import json\njson.loads('{\"a\":' * 200_000)",
	"json_loads_py":           "import json, json.scanner, json.decoder\nd = json.decoder.JSONDecoder()\nd.parse_array = json.decoder.JSONArray\nd.scan_once = json.scanner.py_make_scanner(d)\nd.decode('[' * 200_000)",
	"pickle_dumps":            nest + "import pickle\npickle.dumps(nest(lambda v: [v], 1))",
	"pickle_py":               nest + "import pickle\npickle._dumps(nest(lambda v: [v], 1))",
	"pickle_tuple":            nest + "import pickle\npickle.dumps(nest(lambda v: (v,), 1))",
	"pickle_reduce":           "import pickle\nclass A:\n    def __reduce__(self): return (A, (A(),))\npickle.dumps(A())",
	"marshal_dumps":           nest + "import marshal\ntry: marshal.dumps(nest(lambda v: [v], 1))\nexcept ValueError as e: raise RecursionError from e",
	"marshal_loads":           "import marshal\ntry: marshal.loads(b'[\\x01\\0\\0\\0' * 200_000 + b'N')\nexcept (ValueError, EOFError) as e: raise RecursionError from e",
	"deepcopy":                nest + "import copy\ncopy.deepcopy(nest(lambda v: [v], 1))",
	"repr_list":               nest + "repr(nest(lambda v: [v], 1))",
	"repr_tuple":              nest + "repr(nest(lambda v: (v,), 1))",
	"repr_dict":               nest + "repr(nest(lambda v: {1: v}, 1))",
	"repr_exception":          nest + "repr(nest(lambda v: Exception(v), 1))",
	"repr_deque":              nest + "import collections\nrepr(nest(lambda v: collections.deque([v]), 1))",
	"repr_ordered":            nest + "import collections\nrepr(nest(lambda v: collections.OrderedDict(a=v), 1))",
	"repr_slice":              nest + "repr(nest(lambda v: slice(v), 1))",
	"repr_alias":              nest + "repr(nest(lambda v: list[v], int, 50_000))",
	"repr_namespace":          nest + "import types\nrepr(nest(lambda v: types.SimpleNamespace(a=v), 1))",
	"repr_dictview":           nest + "repr(nest(lambda v: {1: v}.values(), 1))",
	"repr_mappingproxy":       nest + "import types\nrepr(nest(lambda v: types.MappingProxyType({1: v}), 1))",
	"pprint":                  nest + "import pprint\npprint.pprint(nest(lambda v: [v], 1))",
	"hash_tuple":              nest + "hash(nest(lambda v: (v,), 1))",
	"hash_frozenset":          nest + "nest(lambda v: frozenset([v, (v,)]), 1)\nhash(nest(lambda v: (v,), 1))",
	"hash_partial_slice":      nest + "hash(nest(lambda v: slice(v), 1))",
	"eq_tuple":                nest + "nest(lambda v: (v,), 1) == nest(lambda v: (v,), 1)",
	"eq_list":                 nest + "nest(lambda v: [v], 1) == nest(lambda v: [v], 1)",
	"eq_dict":                 nest + "nest(lambda v: {1: v}, 1) == nest(lambda v: {1: v}, 1)",
	"lt_tuple":                nest + "nest(lambda v: (v,), 1) < nest(lambda v: (v,), 2)",
	"isinstance":              nest + "isinstance(1, nest(lambda v: (v,), str))",
	"issubclass":              nest + "issubclass(int, nest(lambda v: (v,), str))",
	"str_startswith":          "def f(): return str.__mod__('%s', A())\nclass A:\n    def __str__(self): return f()\nf()",
	"chain":                   nest + "import itertools\nnext(nest(lambda v: itertools.chain(v), iter([1])))",
	"islice":                  nest + "import itertools\nnext(nest(lambda v: itertools.islice(v, 1), iter([1])))",
	"map_chain":               nest + "next(nest(lambda v: map(abs, v), iter([1])))",
	"zip_chain":               nest + "next(nest(lambda v: zip(v), iter([1])))",
	"filter_chain":            nest + "next(nest(lambda v: filter(None, v), iter([1])))",
	"reversed_partial":        nest + "import functools\nnest(lambda v: functools.partial(lambda f: f(), v), lambda: 1)()",
	"method_chain":            nest + "import types\nnest(lambda v: types.MethodType(v, 1), lambda *a: 1)()",
	"parens":                  "eval('(' * 200_000 + ')' * 200_000)",
	"brackets":                "eval('[' * 200_000 + ']' * 200_000)",
	"braces":                  "eval('{1:' * 200_000 + '1' + '}' * 200_000)",
	"unary":                   "eval('-' * 200_000 + '1')",
	"not":                     "eval('not ' * 200_000 + '1')",
	"lambda_source":           "eval('lambda:' * 200_000 + '1')",
	"ternary":                 "eval('1 if 1 else ' * 200_000 + '1')",
	"attribute":               "eval('a' + '.a' * 200_000, {'a': 1})",
	"subscript":               "eval('a' + '[0]' * 200_000, {'a': 1})",
	"calls":                   "eval('a' + '()' * 200_000, {'a': 1})",
	"call_args":               "eval('a(' * 200_000 + ')' * 200_000, {'a': 1})",
	"power":                   "eval('1' + '**1' * 100_000)",
	"comparison":              "eval('1' + '<(1' * 100_000 + ')' * 100_000)",
	"fstring":                 "eval(\"f'{\" * 100_000)",
	"elif":                    "exec('if 0: pass\\n' + 'elif 0: pass\\n' * 100_000)",
	"functions_source":        "exec(''.join(' ' * i + 'def f():\\n' for i in range(90)) + ' ' * 90 + 'return f()\\nf()')\ndef g(): g()\ng()",
	"ast_literal_eval":        "import ast\nast.literal_eval('[' * 200_000)",
	"ast_parse":               "import ast\nast.parse('-' * 200_000 + '1')",
	"ast_compile":             "import ast\nn = ast.Constant(1)\nfor _ in range(50_000): n = ast.UnaryOp(ast.USub(), n)\ncompile(ast.fix_missing_locations(ast.Expression(n)), '', 'eval')",
	"ast_object":              "import ast\nn = ast.Constant(1, lineno=1, col_offset=0)\nfor _ in range(50_000): n = ast.UnaryOp(ast.USub(lineno=1, col_offset=0), n, lineno=1, col_offset=0)\ncompile(ast.Expression(n), '', 'eval')",
	"ast_dump":                "import ast\nn = ast.Constant(1)\nfor _ in range(50_000): n = ast.UnaryOp(ast.USub(), n)\nast.dump(n)",
	"ast_repr":                "import ast\nclass A(ast.AST):\n    def __repr__(self): return repr(self)\nrepr(A())",
	"regex_nested":            "import re\nre.compile('(' * 20_000 + ')' * 20_000)\ndef f(): f()\nf()",
	"regex_lookahead":         "import re\nre.compile('(?=' * 100_000 + ')' * 100_000)",
	"xml":                     "import xml.etree.ElementTree as E\nclass T(E.TreeBuilder): pass\ne = E.Element('a')\nroot = e\nfor _ in range(200_000): e = E.SubElement(e, 'a')\nE.tostring(root)",
	"xml_deepcopy":            "import xml.etree.ElementTree as E, copy\ne = root = E.Element('a')\nfor _ in range(200_000): e = E.SubElement(e, 'a')\ncopy.deepcopy(root)",
	"xml_iter":                "import xml.etree.ElementTree as E\ne = root = E.Element('a')\nfor _ in range(200_000): e = E.SubElement(e, 'a')\nlist(root.itertext())\ndef f(): f()\nf()",
	"exception_group":         nest + "import traceback\ntraceback.format_exception(nest(lambda v: ExceptionGroup('', [v]), ValueError(), 3_000))\ndef f(): f()\nf()",
	"group_split":             nest + "nest(lambda v: ExceptionGroup('', [v]), ValueError()).split(KeyError)",
	"group_derive":            nest + "nest(lambda v: ExceptionGroup('', [v]), ValueError()).subgroup(lambda e: False)",
	"union":                   nest + "import typing\nrepr(nest(lambda v: typing.Optional[list[v]], int, 50_000))",
	"os_walk_like":            "import os, shutil\nos.chdir('/tmp')\nfor _ in range(2000):\n    os.mkdir('d'); os.chdir('d')\nos.chdir('/tmp')\nimport copy\ndef rm(p='d'):\n    rm(p)\nrm()",
	"ordereddict_eq":          nest + "import collections\nO = collections.OrderedDict\nnest(lambda v: O(a=v), 1) == nest(lambda v: O(a=v), 1)",
	"deque_eq":                nest + "import collections\nO = collections.deque\nnest(lambda v: O([v]), 1) == nest(lambda v: O([v]), 1)",
	"array_nested_bytes_join": "class B(bytes):\n    def __bytes__(self): return bytes(self)\nbytes(B())",
	"sqlite_callback":         "import sqlite3\nc = sqlite3.connect(':memory:')\ndef f(): return c.execute('select f()').fetchone()[0]\nc.create_function('f', 0, f)\ntry:\n    f()\nexcept sqlite3.OperationalError as e:\n    raise RecursionError from e",
	"decimal_context":         "import decimal\nclass D(decimal.Decimal):\n    def __add__(self, o): return D(1) + o\nD(1) + 1",
	"datetime_tz":             "import datetime\nclass Z(datetime.tzinfo):\n    def utcoffset(self, d): return d.utcoffset()\ndatetime.datetime(2020, 1, 1, tzinfo=Z()).utcoffset()",
	"csv":                     "import csv\nclass F:\n    def write(self, s): csv.writer(self).writerow([1])\ncsv.writer(F()).writerow([1])",
	"print_file":              "class F:\n    def write(self, s): print(s, file=self)\nprint(1, file=F())",
	"codecs":                  "import codecs\ncodecs.register_error('x', lambda e: ('é'.encode('ascii', 'x'), 1))\n'é'.encode('ascii', 'x')",
	"sys_stdout":              "import sys\nclass F:\n    def write(self, s): print(s)\n    def flush(self): pass\nsys.stdout = F()\nprint(1)",
	"trace":                   "import sys\ndef t(*a):\n    sys.settrace(t); (lambda: 1)(); f()\n    return t\ndef f(): f()\nsys.settrace(t)\nf()",
	"operator_call":           "import operator\noperator.call(*[operator.call] * 1_000_000, print)",
	"context_run":             "import contextvars\nc = [contextvars.Context() for _ in range(200_000)]\nc[0].run(*[x.run for x in c[1:]], print)",
	"mappingproxy_get":        nest + "import types\nnest(types.MappingProxyType, {1: 1}, 1_000_000)[1]",
	"mappingproxy_len":        nest + "import types\nlen(nest(types.MappingProxyType, {1: 1}, 1_000_000))",
	"mappingproxy_iter":       nest + "import types\niter(nest(types.MappingProxyType, {1: 1}, 1_000_000))",
	"mappingproxy_copy":       nest + "import types\nnest(types.MappingProxyType, {1: 1}, 1_000_000).copy()",
	"alias_getattr":           nest + "import types\nnest(lambda v: types.GenericAlias(v, (int,)), int, 400_000).x",
	"staticmethod":            nest + "nest(staticmethod, print, 1_000_000)()",
	"is_abstract":             nest + "nest(classmethod, print, 1_000_000).__isabstractmethod__",
	"enumerate_chain":         nest + "next(nest(enumerate, iter([1]), 1_000_000))",
	"accumulate_chain":        nest + "import itertools\nnext(nest(itertools.accumulate, iter([1]), 1_000_000))",
	"cycle_chain":             nest + "import itertools\nnext(nest(itertools.cycle, iter([1]), 1_000_000))",
	"compress_chain":          nest + "import itertools\nnext(nest(lambda v: itertools.compress(v, [1]), iter([1]), 1_000_000))",
	"takewhile_chain":         nest + "import itertools\nnext(nest(lambda v: itertools.takewhile(bool, v), iter([1]), 1_000_000))",
	"dropwhile_chain":         nest + "import itertools\nnext(nest(lambda v: itertools.dropwhile(bool, v), iter([1]), 1_000_000))",
	"filterfalse_chain":       nest + "import itertools\nnext(nest(lambda v: itertools.filterfalse(None, v), iter([1]), 1_000_000))",
	"zip_longest_chain":       nest + "import itertools\nnext(nest(itertools.zip_longest, iter([1]), 1_000_000))",
	"pairwise_chain":          nest + "import itertools\nnext(nest(itertools.pairwise, iter([1]), 1_000_000))",
	"batched_chain":           nest + "import itertools\nnext(nest(lambda v: itertools.batched(v, 1), iter([1]), 1_000_000))",
	"groupby_chain":           nest + "import itertools\nnext(nest(itertools.groupby, iter([1]), 1_000_000))",
	"csv_chain":               nest + "import csv\nnext(nest(csv.reader, iter(['a']), 200_000))",
	"callable_iterator":       nest + "next(nest(lambda v: iter(v.__next__, 3), iter([1]), 500_000))",
	"newline_decoder":         nest + "import io\nnest(lambda v: io.IncrementalNewlineDecoder(v, True), None, 500_000).reset()",
	"code_constants":          nest + "(lambda: 1).__code__.replace(co_consts=(nest(lambda v: (v,), 1, 1_000_000),))",
	"except_star":             nest + "try:\n    raise nest(lambda v: ExceptionGroup('', [v]), ValueError(), 30_000)\nexcept* KeyError:\n    pass",
	"anext_chain":             nest + "class A:\n    def __init__(self, v): self.v = v\n    def __anext__(self): return self.v\nnext(nest(lambda v: anext(A(v), 1), A(1)).__await__())",
	"profile":                 "import sys\ndef f(): f()\nsys.setprofile(lambda *a: None)\nf()",
}

func TestRecursionEndsInAnException(t *testing.T) {
	for name, program := range recursions {
		if strings.HasPrefix(program, nest) {
			continue // it is deep in C, where the interpreter's limit counts for nothing
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := run(t, config(), program)
			wantPython(t, err, "RecursionError", "MemoryError")
		})
	}
}

// boundless programs go deep in Python as well: without the interpreter's limit they may just end, use up their
// memory or their time. What none of them may do is run off a stack.
var boundless = map[string]bool{
	"regex_nested": true, "json_loads_py": true, "deepcopy": true, "ast_dump": true, "await": true, "xml": true,
	"generator": true, "regex_lookahead": true, "profile": true, "pickle_py": true, "pprint": true, "except": true,
}

func TestRecursionWithoutALimitEndsInAnException(t *testing.T) {
	for name, program := range recursions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config()
			c.Limits.ExecutionTimeout = 60 * time.Second
			source := "import sys\nsys.setrecursionlimit(10**9)\n" + strings.TrimLeft(program, "\n")
			_, err := run(t, c, source)
			if !boundless[name] {
				wantPython(t, err, "RecursionError", "MemoryError")
				return
			}
			if err != nil && (err.Code == core.CodeInternal || err.Limit == "stack") {
				t.Errorf("ran off a stack: %v", err)
			}
		})
	}
}
