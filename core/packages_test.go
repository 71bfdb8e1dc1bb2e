package core_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/wheel"
)

// fetchWheels brings the wheels of tests/packages/wheels.txt into build/packages-core and returns the folder.
var fetchWheels = sync.OnceValues(func() (string, error) {
	return fetch("wheels.txt", "packages-core", "--only-binary", ":all:", "--python-version", "3.14", "--implementation", "cp",
		"--abi", "cp314", "--abi", "none", "--platform", "manylinux2014_x86_64")
})

// fetch brings the files of a list in tests/packages into a folder of build, by pip, which refuses wrong hashes.
func fetch(name, folder string, kind ...string) (string, error) {
	list, err := filepath.Abs(filepath.Join("../tests/packages", name))
	if err != nil {
		return "", err
	}
	dir, err := filepath.Abs(filepath.Join("../build", folder))
	if err != nil {
		return "", err
	}
	if haveFiles(list, dir) {
		return dir, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	arguments := append([]string{"-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
		"--dest", dir, "--find-links", dir, "--requirement", list}, kind...)
	if out, err := exec.CommandContext(ctx, "python3", arguments...).CombinedOutput(); err != nil {
		return string(out), err
	}
	return dir, nil
}

// haveFiles reports that dir has every file of the list, by hash.
func haveFiles(list, dir string) bool {
	text, err := os.ReadFile(list)
	if err != nil {
		return false
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	found := map[string]bool{}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return false
		}
		found[fmt.Sprintf("%x", sha256.Sum256(data))] = true
	}
	for _, m := range regexp.MustCompile(`sha256:([0-9a-f]{64})`).FindAllStringSubmatch(string(text), -1) {
		if !found[m[1]] {
			return false
		}
	}
	return true
}

// wheels is the packages of the named distributions, from wheels.txt.
func wheels(t testing.TB, names ...string) []core.Package {
	t.Helper()
	dir, err := fetchWheels()
	if err != nil {
		t.Fatalf("fetch the wheels: %v\n%s", err, dir)
	}
	var packages []core.Package
	for _, name := range names {
		found, err := filepath.Glob(filepath.Join(dir, name+"-*.whl"))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: expected one wheel, found %q (%v)", name, found, err)
		}
		packages = append(packages, core.Package{Path: found[0], DropNative: !strings.HasSuffix(found[0], "-none-any.whl")})
	}
	return packages
}

// realPackages are programs that use real packages, with what they print.
var realPackages = []struct{ name, code, want, wheels string }{
	{"jinja2", `
import jinja2, markupsafe
print(jinja2.Template("{% for x in xs %}<{{ x|e }}>{% endfor %}").render(xs=[1, "<b>"]))
print(markupsafe.escape("<a&b>"), markupsafe._escape_inner.__module__)`,
		"<1><&lt;b&gt;>\n&lt;a&amp;b&gt; markupsafe._native\n", "jinja2 markupsafe"},
	{"attrs", `
import attr, attrs
@attrs.define
class P:
    x: int = attrs.field(validator=attrs.validators.instance_of(int))
print(P(3), attr.asdict(P(4)))
try: P("no")
except TypeError as e: print("TypeError")`, "P(x=3) {'x': 4}\nTypeError\n", "attrs"},
	{"requests", `
import requests, idna, certifi, urllib3, charset_normalizer, importlib.resources
r = requests.Request("GET", "http://example.org/a b", params={"q": "ü"}).prepare()
print(r.url)
print(idna.encode("bücher.example"), len(open(certifi.where()).read()) > 100_000)
print(charset_normalizer.from_bytes("naïve café".encode("utf-8")).best().encoding)`,
		"http://example.org/a%20b?q=%C3%BC\nb'xn--bcher-kva.example' True\nutf_8\n", "requests idna certifi urllib3 charset_normalizer"},
	{"sympy", `
import sympy
x = sympy.Symbol("x")
print(sympy.integrate(sympy.sin(x) * x, x), sympy.factor(x**4 - 1), sympy.N(sympy.pi, 30))`,
		"-x*cos(x) + sin(x) (x - 1)*(x + 1)*(x**2 + 1) 3.14159265358979323846264338328\n", "sympy mpmath"},
	{"networkx", `
import networkx as nx
g = nx.Graph([(1, 2), (2, 3), (3, 4), (1, 4), (4, 5)])
print(nx.shortest_path(g, 1, 5), nx.is_bipartite(g))`, "[1, 4, 5] True\n", "networkx"},
	{"rich", `
import io
from rich.console import Console
from rich.table import Table
from rich.markdown import Markdown
t = Table("a", "b"); t.add_row("1", "2")
c = Console(file=io.StringIO(), width=20, color_system=None); c.print(t); c.print(Markdown("# hi"))
print("┃ a ┃ b ┃" in c.file.getvalue(), "hi" in c.file.getvalue())`, "True True\n", "rich pygments markdown_it_py mdurl"},
	{"beautifulsoup4", `
from bs4 import BeautifulSoup
s = BeautifulSoup("<p class=x>a<b>c</b></p><p>d", "html.parser")
print([p.get_text() for p in s.select("p.x > b, p:last-of-type")])`, "['c', 'd']\n", "beautifulsoup4 soupsieve typing_extensions"},
	{"pyyaml", `
import yaml
print(yaml.safe_load("a: [1, {b: null}]\nc: 2020-01-02"), yaml.__with_libyaml__)
print(yaml.safe_dump({"x": [1, 2]}))`, "{'a': [1, {'b': None}], 'c': datetime.date(2020, 1, 2)} False\nx:\n- 1\n- 2\n\n", "pyyaml"},
	{"dateutil", `
import datetime
from dateutil import parser, rrule
print(parser.parse("Sat Oct 11 17:13:46 2003"), list(rrule.rrule(rrule.DAILY, count=2, dtstart=datetime.datetime(2020, 1, 1)))[1])`,
		"2003-10-11 17:13:46 2020-01-02 00:00:00\n", "python_dateutil six"},
	{"tabulate", `
import tabulate, importlib.metadata as m
print(tabulate.tabulate([["a", 1]], headers=["x", "y"]))
print(m.version("tabulate"), m.distribution("tabulate").metadata["Name"], len(m.files("tabulate")) > 3)`,
		"x      y\n---  ---\na      1\n0.10.0 tabulate True\n", "tabulate"},
}

// morePackages are small ones that much else builds on.
var morePackages = []struct{ name, code, want, wheels string }{
	{"click", `
import click
from click.testing import CliRunner
@click.command()
@click.option("--count", default=1)
@click.argument("name")
def hello(count, name):
    for _ in range(count): click.echo(f"hi {name}")
r = CliRunner().invoke(hello, ["--count", "2", "you"])
print(repr(r.output), r.exit_code, CliRunner().invoke(hello, ["--nope"]).exit_code)`, `'hi you\nhi you\n' 0 2` + "\n", "click"},
	{"lark", `
from lark import Lark
p = Lark(r'''
start: NUMBER ("+" NUMBER)*
NUMBER: /[0-9]+/
%ignore " "
''')
print(sum(map(int, p.parse("1 + 20 + 300").children)))`, "321\n", "lark"},
	{"marshmallow", `
from marshmallow import Schema, fields, ValidationError
class S(Schema):
    n = fields.Int(required=True)
    when = fields.Date()
print(S().load({"n": "3", "when": "2020-01-02"})["when"].year, S().dump({"n": 4}))
try: S().load({"n": "x"})
except ValidationError as e: print(e.messages)`, "2020 {'n': 4}\n{'n': ['Not a valid integer.']}\n", "marshmallow"},
	{"more_itertools", `
from more_itertools import chunked, windowed
print(list(chunked(range(5), 2)), list(windowed([1, 2, 3], 2)))`, "[[0, 1], [2, 3], [4]] [(1, 2), (2, 3)]\n", "more_itertools"},
	{"packaging", `
from packaging.version import Version
from packaging.specifiers import SpecifierSet
print(Version("1.10") > Version("1.9"), list(SpecifierSet(">=1,<2").filter(["0.9", "1.5", "2.0"])))`, "True ['1.5']\n", "packaging"},
	{"pyparsing", `
import pyparsing as pp
print((pp.Word(pp.alphas) + "," + pp.Word(pp.nums)).parse_string("ab, 12").as_list())`, "['ab', ',', '12']\n", "pyparsing"},
	{"toolz", `
from toolz import groupby, compose
print(groupby(len, ["a", "bb", "cc"]), compose(str, abs)(-3))`, "{1: ['a'], 2: ['bb', 'cc']} 3\n", "toolz"},
}

// TestRealPackages imports and uses packages from PyPI in a session that is given their wheels.
func TestRealPackages(t *testing.T) {
	for _, c := range append(slices.Clip(realPackages), morePackages...) {
		t.Run(c.name, func(t *testing.T) {
			s := newSession(t, core.Config{Packages: wheels(t, strings.Fields(c.wheels)...), Limits: core.Limits{MaxMemoryBytes: 256 << 20, ExecutionTimeout: 5 * time.Minute}})
			r, err := s.Execute(context.Background(), c.code) // the first import compiles, for minutes on a busy machine
			if err != nil {
				t.Fatal(err)
			}
			if got := string(r.Stdout); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestRequirementsOfSessions: a session, a sandbox and a pool may have requirements; the lock file says what was chosen.
func TestRequirementsOfSessions(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "requirements.lock")
	config := core.Config{Requirements: []string{"tabulate"}, Resolve: wheel.ResolveConfig{CacheDir: t.TempDir(), LockFile: lock}}
	const code = "import tabulate; print(tabulate.tabulate([[1]], tablefmt='plain'))"
	execute(t, newSession(t, config), code)
	text, err := os.ReadFile(lock)
	if err != nil || !regexp.MustCompile(`(?m)^tabulate==[0-9.]+ --hash=sha256:[0-9a-f]{64}$`).Match(text) {
		t.Errorf("the lock: %q, %v", text, err)
	}
	config.Resolve.Pip = []string{"/nonexistent"} // the lock and the cache are enough from here on
	sandbox, err := testRuntime(t).NewSandbox(config)
	if err == nil {
		_, err = sandbox.Execute(context.Background(), code)
	}
	if err != nil {
		t.Error(err)
	}
	execute(t, acquire(t, newPool(t, core.PoolConfig{Config: config}), core.LeaseConfig{}).Session, code)
	config.Requirements = []string{"./local"}
	config.Resolve.LockFile = ""
	if _, err := testRuntime(t).NewSession(config); core.ErrorCode(err) != core.CodeInitialization {
		t.Errorf("no requirement: %v", err)
	}
}

// TestRealSourceDistributions: source distributions of pure Python from PyPI are imported without being built.
func TestRealSourceDistributions(t *testing.T) {
	dir, err := fetch("sdists.txt", "packages-core-sdists", "--no-binary", ":all:")
	if err != nil {
		t.Fatalf("fetch the source distributions: %v\n%s", err, dir)
	}
	var packages []core.Package
	for _, name := range []string{"toolz-1.2.0", "boltons-26.2.0", "cachetools-8.0.1"} {
		data, err := os.ReadFile(filepath.Join(dir, name+".tar.gz"))
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, core.Package{Path: name + ".tar.gz", Data: data})
	}
	s := newSession(t, core.Config{Packages: packages})
	got := string(execute(t, s, `
import toolz, cachetools, importlib.metadata as m
from boltons.iterutils import chunked
cache = cachetools.LRUCache(2)
for i in range(5): cache[i] = i
print(toolz.first([7]), chunked([1, 2, 3], 2), list(cache), m.version("boltons"))`).Stdout)
	if want := "7 [[1, 2], [3]] [3, 4] 26.2.0\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
