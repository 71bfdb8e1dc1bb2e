"""Text processing: word counts, wrapping, diffs, fuzzy matching, unicode, readability, run lengths."""

import difflib
import re
import textwrap
import unicodedata
from collections import Counter
from itertools import groupby, pairwise

TEXT = """\
The quick brown fox jumps over the lazy dog.  The dog, being lazy, does not
move; the fox -- quick as ever -- jumps again!

"Why do you jump?" asked the dog. "Because," said the fox, "you are in the way."
It was a café in Zürich, where naïve foxes met. Dr. Hound paid $3.50.
"""


def words(text):
    return re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", text.casefold())


def syllables(word):
    plain = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    groups = len(re.findall(r"[aeiouy]+", plain))
    return max(1, groups - (plain.endswith("e") and not plain.endswith("le") and groups > 1))


def sentences(text):
    flat = " ".join(text.split())
    flat = re.sub(r"\b(Dr|Mr|Mrs)\.", r"\1<dot>", flat)
    parts = re.split(r'(?<=[.!?])"?\s+(?=["A-Z])', flat)
    return [p.replace("<dot>", ".") for p in parts if p]


def slug(text):
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")


def run_length(text):
    return "".join(f"{len(list(group))}{char}" for char, group in groupby(text))


def ngrams(items, n):
    return zip(*(items[i:] for i in range(n)))


def soundex(name):
    codes = {c: str(d) for d, letters in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), 1) for c in letters}
    out, last = name[0].upper(), codes.get(name[0].lower())
    for char in name[1:].lower():
        code = codes.get(char)
        if code and code != last:
            out += code
        if char not in "hw":
            last = code
    return (out + "000")[:4]


all_words = words(TEXT)
counts = Counter(all_words)
print(len(all_words), "words,", len(counts), "different; most common:", counts.most_common(4))
print("pairs:", Counter(pairwise(all_words)).most_common(2))
print("trigrams of 'the fox':", [" ".join(t) for t in ngrams(all_words, 3) if t[:2] == ("the", "fox")])
found = sentences(TEXT)
for sentence in found:
    print("  *", textwrap.shorten(sentence, 50, placeholder=" ..."))
reading = 206.835 - 1.015 * len(all_words) / len(found) - 84.6 * sum(map(syllables, all_words)) / len(all_words)
print(f"reading ease {reading:.2f}")

print(textwrap.fill(" ".join(TEXT.split()), width=44, initial_indent="> ", subsequent_indent="> ", max_lines=4))
print(slug("  Été à Zürich: 50 % más ~ déjà vu! "), run_length("aaabccdddd"))
print({name: soundex(name) for name in ("Robert", "Rupert", "Ashcraft", "Tymczak", "Pfister")})

old = "alpha\nbeta\ngamma\ndelta\n".splitlines(keepends=True)
new = "alpha\nbeta 2\ngamma\nepsilon\ndelta\n".splitlines(keepends=True)
print("".join(difflib.unified_diff(old, new, "old.txt", "new.txt")), end="")
print(difflib.get_close_matches("appel", ["ape", "apple", "peach", "puppy"]))
print(round(difflib.SequenceMatcher(None, "private thread", "private volatile thread").ratio(), 3))

for char in "é", "ß", "Σ", "→", "🦊", "\u0301":
    print(f"U+{ord(char):04X} {unicodedata.category(char)} {unicodedata.name(char)} {len(char.encode('utf-8'))} bytes")
print("ß".upper(), "Straße".casefold() == "STRASSE".casefold(), "İ".lower().encode("unicode_escape"))
composed, decomposed = "café", unicodedata.normalize("NFD", "café")
print(len(composed), len(decomposed), composed == decomposed, composed == unicodedata.normalize("NFC", decomposed))
table = str.maketrans({"a": "4", "e": "3", "o": "0", "l": None})
print("hello again, old fox".translate(table), "title case here".title(), "x,y;z".replace(";", ",").split(","))
print(f"{'left':<8}|{'mid':^8}|{'right':>8}|{'fill':*^10}|{1234567.891:,.2f}|{0.256:.1%}|{255:#x}|{-7:+d}|{2**40:_}")
print("tabs\tto\tspaces".expandtabs(6), "a-b_c".partition("-"), "line1\r\nline2\x0bline3".splitlines())
