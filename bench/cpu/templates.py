"""templates: a template language compiled to closures, rendering an HTML table; string.Template; html.escape."""

import html
import re
import string

TOKEN = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})")


def lookup(path):
    parts = path.split(".")

    def get(scope):
        value = scope[parts[0]]
        for part in parts[1:]:
            value = value[part] if isinstance(value, dict) else getattr(value, part)
        return value

    return get


FILTERS = {"upper": str.upper, "money": lambda v: f"{v:,.2f}", "text": str}


def expression(source):
    path, *filters = (part.strip() for part in source.split("|"))
    get, steps = lookup(path), [FILTERS[name] for name in filters]

    def emit(scope, out):
        value = get(scope)
        for step in steps:
            value = step(value)
        out.append(html.escape(str(value)))

    return emit


def block(tokens, until):
    """Nodes up to a closing tag, as functions of (scope, out)."""
    nodes = []
    for token in tokens:
        if token.startswith("{{"):
            nodes.append(expression(token[2:-2].strip()))
        elif token.startswith("{%"):
            words = token[2:-2].split()
            if words[0] == until:
                return nodes
            nodes.append(TAGS[words[0]](words, tokens))
        elif token:
            nodes.append(lambda scope, out, text=token: out.append(text))
    return nodes


def for_tag(words, tokens):
    name, get, body = words[1], lookup(words[3]), block(tokens, "endfor")

    def emit(scope, out):
        for index, item in enumerate(get(scope)):
            inner = scope | {name: item, "index": index}
            for node in body:
                node(inner, out)

    return emit


def if_tag(words, tokens):
    get, body = lookup(words[1]), block(tokens, "endif")

    def emit(scope, out):
        if get(scope):
            for node in body:
                node(scope, out)

    return emit


TAGS = {"for": for_tag, "if": if_tag}


def compile_template(source):
    nodes = block(iter(TOKEN.split(source)), None)

    def render(**scope):
        out = []
        for node in nodes:
            node(scope, out)
        return "".join(out)

    return render


PAGE = """<h1>{{ title | upper }}</h1>
<table>{% for row in rows %}
<tr class="r{{ index }}">{% if row.new %}<td>NEW</td>{% endif %}{% for cell in row.cells %}<td>{{ cell | text }}</td>{% endfor %}
<td>{{ row.price | money }}</td></tr>{% endfor %}
</table>"""


def run():
    rows = [{"new": i % 4 == 0, "cells": [f"<cell {i}.{j}>" for j in range(6)], "price": i * 19.99} for i in range(150)]
    size = 0
    for _ in range(40):
        size += len(compile_template(PAGE)(title="prices & stock", rows=rows))
    letter = string.Template("Dear $name, you owe $$${amount} since ${when}.")
    letters = [letter.substitute(name=f"N{i}", amount=i, when="May") for i in range(10000)]
    print(f"templates {size} {sum(map(len, letters))}")
