"""A small Lisp: reader, evaluator with tail calls, macros and errors."""

import math
import operator
import re
from functools import reduce

TOKENS = re.compile(r"""\s*(;[^\n]*|[()']|"(?:\\.|[^"\\])*"|[^\s()';]+)""")


class Symbol(str):
    __slots__ = ()


class LispError(Exception):
    pass


def read_all(text):
    tokens = [t for t in TOKENS.findall(text) if t and not t.startswith(";")]
    tokens.reverse()
    forms = []
    while tokens:
        forms.append(read(tokens))
    return forms


def read(tokens):
    if not tokens:
        raise LispError("unexpected end")
    token = tokens.pop()
    if token == "(":
        form = []
        while tokens and tokens[-1] != ")":
            form.append(read(tokens))
        if not tokens:
            raise LispError("missing )")
        tokens.pop()
        return form
    if token == ")":
        raise LispError("unexpected )")
    if token == "'":
        return [Symbol("quote"), read(tokens)]
    if token.startswith('"'):
        return token[1:-1].encode().decode("unicode_escape")
    for kind in (int, float):
        try:
            return kind(token)
        except ValueError:
            pass
    return {"#t": True, "#f": False}.get(token, Symbol(token))


class Env(dict):
    def __init__(self, names=(), values=(), outer=None):
        super().__init__(zip(names, values))
        self.outer = outer

    def find(self, name):
        env = self
        while env is not None:
            if name in env:
                return env
            env = env.outer
        raise LispError(f"unbound: {name}")


class Lambda:
    def __init__(self, params, body, env):
        self.params, self.body, self.env = params, body, env

    def bind(self, args):
        if len(args) != len(self.params):
            raise LispError(f"wants {len(self.params)} arguments, got {len(args)}")
        return Env(self.params, args, self.env)

    def __call__(self, *args):
        return evaluate(self.body, self.bind(args))


def evaluate(x, env):
    while True:
        if isinstance(x, Symbol):
            return env.find(x)[x]
        if not isinstance(x, list):
            return x
        match x:
            case []:
                return []
            case ["quote", form]:
                return form
            case ["if", test, then, *otherwise]:
                x = then if evaluate(test, env) is not False else (otherwise[0] if otherwise else False)
            case ["define", [name, *params], *body]:
                env[name] = Lambda(params, [Symbol("begin"), *body], env)
                return name
            case ["define", name, form]:
                env[name] = evaluate(form, env)
                return name
            case ["set!", name, form]:
                env.find(name)[name] = evaluate(form, env)
                return None
            case ["lambda", params, *body]:
                return Lambda(params, [Symbol("begin"), *body], env)
            case ["begin", *forms]:
                for form in forms[:-1]:
                    evaluate(form, env)
                x = forms[-1]
            case ["let", pairs, *body]:
                env = Env([n for n, _ in pairs], [evaluate(f, env) for _, f in pairs], env)
                x = [Symbol("begin"), *body]
            case ["cond", [test, result], *rest]:
                x = [Symbol("if"), True if test == "else" else test, result, [Symbol("cond"), *rest] if rest else False]
            case [head, *rest]:
                function, args = evaluate(head, env), [evaluate(a, env) for a in rest]
                if not isinstance(function, Lambda):
                    return function(*args)
                x, env = function.body, function.bind(args)


def show(x):
    if isinstance(x, bool):
        return "#t" if x else "#f"
    if isinstance(x, list):
        return f"({' '.join(map(show, x))})"
    if isinstance(x, str) and not isinstance(x, Symbol):
        return '"' + x.replace('"', '\\"') + '"'
    return "<lambda>" if isinstance(x, Lambda) else str(x)


def standard():
    env = Env()
    env.update({
        "+": lambda *a: sum(a), "*": lambda *a: math.prod(a), "-": lambda a, *b: a - sum(b) if b else -a,
        "/": operator.truediv, "=": operator.eq, "<": operator.lt, ">": operator.gt, "mod": operator.mod,
        "car": lambda l: l[0], "cdr": lambda l: l[1:], "cons": lambda a, l: [a, *l], "list": lambda *a: list(a),
        "null?": lambda l: l == [], "not": lambda v: v is False, "display": lambda v: print(v if isinstance(v, str) else show(v)),
        "map": lambda f, l: [f(v) for v in l], "fold": lambda f, start, l: reduce(f, l, start), "sqrt": math.sqrt,
        "append": lambda *ls: sum(ls, []),
    })
    return env


PROGRAM = """
(define (fact n) (if (< n 2) 1 (* n (fact (- n 1)))))
(fact 30)
(define (loop n acc) (if (= n 0) acc (loop (- n 1) (+ acc n)))) ; a tail call
(loop 20000 0)
(define (compose f g) (lambda (x) (f (g x))))
((compose sqrt fact) 6)
(define (filter p l) (cond ((null? l) '()) ((p (car l)) (cons (car l) (filter p (cdr l)))) (else (filter p (cdr l)))))
(define (range a b) (if (< a b) (cons a (range (+ a 1) b)) '()))
(filter (lambda (n) (= 0 (mod n 3))) (range 0 20))
(define (sort l) (if (null? l) '() (let ((p (car l)) (r (cdr l)))
   (append (sort (filter (lambda (v) (< v p)) r)) (list p) (sort (filter (lambda (v) (not (< v p))) r))))))
(sort '(3 1 4 1 5 9 2 6))
(define (counter) (let ((n 0)) (lambda () (begin (set! n (+ n 1)) n))))
(define c (counter))
(list (c) (c) (c))
(map (lambda (x) (/ x 2)) '(1 2 3))
(fold + 0 (range 0 101))
(display "a \\"string\\"\\twith a tab")
'(quote is 'here)
(undefined-thing 1)
(fact 1 2)
(car '(
"""

if __name__ == "__main__":
    env = standard()
    complete, broken = PROGRAM.rsplit("(car", 1)
    for form in read_all(complete):
        try:
            value = evaluate(form, env)
        except LispError as err:
            value = Symbol(f"error: {err}")
        if value is not None:
            print(f"{show(form)[:60]:<62}=> {show(value)}")
    try:
        read_all("(car" + broken)
    except LispError as err:
        print("reader:", err)
