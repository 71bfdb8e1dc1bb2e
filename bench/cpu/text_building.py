"""text_building: joins, slices, case, translate, find and replace, f-strings, encode and decode."""


def caesar(text, shift):
    lower = "abcdefghijklmnopqrstuvwxyz"
    turned = lower[shift:] + lower[:shift]
    return text.translate(str.maketrans(lower + lower.upper(), turned + turned.upper()))


def words(count):
    seed = 12345
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        yield "".join(chr(97 + (seed >> shift) % 26) for shift in (3, 7, 11, 17))


def run():
    vocabulary = list(words(24000))
    text = " ".join(vocabulary)
    total = 0
    for shift in range(1, 13):
        total += caesar(text, shift).count("ab")
    out = ""
    for i, word in enumerate(vocabulary):
        out += f"{i:05d}:{word:>8}|{word.title():<8}|{word[::-1]}\n"
    lines = out.splitlines()
    cells = [part.strip() for line in lines for part in line.split("|")]
    swapped = out.replace("a", "AA").replace("\n", "\r\n").encode("utf-8").decode("utf-8")
    palindromes = sum(word == word[::-1] for word in vocabulary)
    starts = sum(word.startswith(("ab", "ba", "ca")) or word.endswith("z") for word in vocabulary)
    unicode_size = len("".join(f"{w}é→{w.upper()}" for w in vocabulary).encode("utf-16-le"))
    print(f"text_building {total} {len(out)} {len(cells)} {len(swapped)} {palindromes} {starts} {unicode_size}")
