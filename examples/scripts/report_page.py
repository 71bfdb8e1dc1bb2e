"""Build an HTML page, an e-mail, an XML file and an INI file from data, and read them back."""

import configparser
import html
import string
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from email import message_from_string, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from io import StringIO
from textwrap import dedent, indent


@dataclass
class Film:
    title: str
    year: int
    stars: float
    tags: tuple = ()


FILMS = [
    Film("Alien", 1979, 4.5, ("horror", "space")),
    Film('The "Quiet" <Earth> & Sky', 1985, 3.9, ("space",)),
    Film("Amélie", 2001, 4.2, ("romance", "comedy")),
]

PAGE = string.Template(dedent("""\
    <!doctype html>
    <title>$title</title>
    <ul id="films">
    $items
    </ul>
    <p class="foot">$count films &mdash; $$0.00</p>
    """))


def render(films):
    items = []
    for film in films:
        tags = "".join(f'<a href="?tag={html.escape(t)}">{t}</a>' for t in film.tags)
        stars = "★" * round(film.stars) + "☆" * (5 - round(film.stars))
        items.append(f'<li data-year="{film.year}"><b>{html.escape(film.title)}</b> {stars} {tags}</li>')
    return PAGE.substitute(title="Films", items=indent("\n".join(items), "  "), count=len(films))


class Outline(HTMLParser):
    """Collects links and the text of bold elements."""

    def __init__(self):
        super().__init__()
        self.links, self.bold, self.depth, self._in_bold = [], [], 0, False

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.links.append(dict(attrs)["href"])
        if tag == "b":
            self._in_bold = True
            self.bold.append("")

    def handle_endtag(self, tag):
        if tag == "b":
            self._in_bold = False

    def handle_data(self, data):
        if self._in_bold:
            self.bold[-1] += data


class Loud(string.Formatter):
    """A formatter with a conversion of its own."""

    def convert_field(self, value, conversion):
        return str(value).upper() if conversion == "u" else super().convert_field(value, conversion)


page = render(FILMS)
print(page, end="")
outline = Outline()
outline.feed(page)
print(outline.bold == [f.title for f in FILMS], outline.links)

root = ET.Element("films", version="1")
for film in FILMS:
    node = ET.SubElement(root, "film", year=str(film.year))
    ET.SubElement(node, "title").text = film.title
    for tag in film.tags:
        ET.SubElement(node, "tag").text = tag
ET.indent(root)
text = ET.tostring(root, encoding="unicode")
print(text)
again = ET.fromstring(text)
print([n.findtext("title") for n in again.iterfind("film[tag='space']")], again.find("film[@year='2001']/title").text)
try:
    ET.fromstring("<a><b></a>")
except ET.ParseError as err:
    print("xml:", err)

mail = EmailMessage()
mail["From"], mail["To"], mail["Subject"] = "Ann <ann@example.org>", "bob@example.org, c@example.org", "Films für heute"
mail.set_content("See below.\n")
mail.add_alternative(page, subtype="html")
mail.add_attachment(text.encode(), maintype="application", subtype="xml", filename="films.xml")
parsed = message_from_string(mail.as_string(), policy=policy.default)
print(parsed["subject"], [a.addr_spec for a in parsed["to"].addresses])
print([part.get_content_type() for part in parsed.walk()])
print(next(parsed.iter_attachments()).get_content().decode() == text)

config = configparser.ConfigParser(interpolation=configparser.ExtendedInterpolation())
config.read_string("""
[paths]
root = /srv/films
cache = ${root}/cache
[limits]
stars = 3.5
strict = yes
tags = space
    comedy
""")
print(config["paths"]["cache"], config.getfloat("limits", "stars") + 1, config.getboolean("limits", "strict"), config["limits"]["tags"].split())
config["new"] = {"key": "value"}
out = StringIO()
config.write(out)
print(out.getvalue().strip().splitlines()[-2:], config.get("new", "none", fallback="fallback"))
print(Loud().format("{0!u:>8}|{name:<6}|{0!r}|{items[1]}", "loud", name="x", items=[1, 2]))
print(html.unescape("&lt;b&gt; caf&eacute; &#8364; &amp;amp;"))
try:
    PAGE.substitute(title="x")
except KeyError as err:
    print("template misses", err, "|", string.Template("$a $b").safe_substitute(a=1))
