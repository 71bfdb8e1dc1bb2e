"""The guest's modules against the real libraries: each reads what the other writes.

    go build -o build/codecd ./core/guest/codec/codecd
    ERYX_CODECD=build/codecd PYTHONPATH=core/guest/codec/pytest:wasm/guest/lib python3.13 -m unittest test_cross

needs backports.zstd. With the same environment CPython's own tests run over the guest's modules:
python3.13 -m test test_bz2 test_lzma test_zipfile test_tarfile test_shutil test_hashlib test_hmac
"""

import glob
import importlib.util
import random
import sys
import sysconfig
import types
import unittest

# CPython 3.13 has no _hmac, which the guest's _hashlib uses.
sys.modules["_hmac"] = types.ModuleType("_hmac")

import _bz2
import _hashlib
import _lzma
import _zstd
import backports.zstd._zstd as real_zstd


def real(name):
    """CPython's own extension module, beside the guest's module of the same name."""
    (file,) = glob.glob(f"{sysconfig.get_config_var('DESTSHARED')}/{name}.cpython-*")
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


real_bz2, real_lzma, real_hashlib = real("_bz2"), real("_lzma"), real("_hashlib")


def data(size):
    """Data of all kinds, with what the branch filters take for instructions."""
    r, out = random.Random(5), bytearray()
    code = b"\xe8\x10\x20\x30\x00\xe8\x10\x20\x30\xff\x90\xeb\xf0\x01\xf8\x02\x48\0\1\1\x40\0\1\2"
    while len(out) < size:
        out += r.choice([r.randbytes(r.randint(1, 200)), b"the quick brown fox " * r.randint(1, 9), bytes([r.randrange(256)]) * r.randint(1, 3000), code + r.randbytes(3)])
    return bytes(out[:size])


def compress(compressor, plain, step=33333):
    parts = [compressor.compress(plain[i : i + step]) for i in range(0, len(plain), step)]
    return b"".join(parts) + compressor.flush()


class Cross(unittest.TestCase):
    def decompress(self, decompressor, packed, step):
        out = b"".join(decompressor.decompress(packed[i : i + step]) for i in range(0, len(packed), step))
        self.assertTrue(decompressor.eof)
        self.assertEqual(decompressor.unused_data, b"")
        return out

    def both(self, plain, compressors, decompressors):
        for make in compressors:
            packed = compress(make(), plain)
            for read in decompressors:
                self.assertEqual(self.decompress(read(), packed, 7777), plain)

    def test_bz2(self):
        modules = (_bz2, real_bz2)
        for size in (0, 1, 4096, 300_000, 1_300_000):
            for level in (1, 9):
                self.both(data(size), [lambda m=m: m.BZ2Compressor(level) for m in modules], [m.BZ2Decompressor for m in modules])

    def lzma_chains(self):
        l1, l2 = real_lzma.FILTER_LZMA1, real_lzma.FILTER_LZMA2
        before = [{"id": real_lzma.FILTER_DELTA, "dist": 5}] + [{"id": ident} for ident in range(4, 10)]
        yield from ({"format": 1, "check": check} for check in (-1, 0, 1, 10))
        yield from ({"format": 1, "preset": preset} for preset in (0, 3, 6 | 1 << 31))
        yield {"format": 2}
        yield from ({"format": f, "filters": [b, {"id": l2, "lc": 1, "lp": 2, "pb": 0}]} for b in before for f in (1, 3))
        yield {"format": 3, "filters": [{"id": l1, "dict_size": 65536, "lc": 4}]}
        yield {"format": 3, "filters": [before[0], before[1], {"id": l1}]}

    def test_lzma(self):
        modules = (_lzma, real_lzma)
        for options in self.lzma_chains():
            read = {"format": 3, "filters": options["filters"]} if options["format"] == 3 else {"format": 0}
            for size in (0, 1, 4096, 70_000):
                with self.subTest(size=size, **options):
                    self.both(data(size), [lambda m=m: m.LZMACompressor(**options) for m in modules], [lambda m=m: m.LZMADecompressor(**read) for m in modules])

    def test_zstd(self):
        modules = (_zstd, real_zstd)
        for level in (-5, 1, 3, 7, 12, 22):
            for checksum in (0, 1):
                options = {100: level, 201: checksum}
                for size in (0, 1, 4096, 300_000):
                    plain = data(size)
                    self.both(plain, [lambda m=m: m.ZstdCompressor(options=options) for m in modules], [m.ZstdDecompressor for m in modules])
                    for m in modules:
                        packed = m.ZstdCompressor(options=options).compress(plain, 2)
                        self.assertEqual(_zstd.get_frame_info(packed), (size, 0))
                        self.assertEqual(real_zstd.get_frame_info(packed), (size, 0))
                        self.assertEqual(_zstd.get_frame_size(packed), len(packed))

    def test_zstd_dictionaries(self):
        r = random.Random(1)
        samples = [f"user={i} name={'x' * (i % 7)} role=admin status=active ".encode() * 2 + r.randbytes(20) for i in range(1500)]
        joined, sizes = b"".join(samples), tuple(map(len, samples))
        raw = b"user= name= role=admin status=active " * 9
        trained = [m.train_dict(joined, sizes, 4096) for m in (_zstd, real_zstd)]
        final = [m.finalize_dict(raw, joined, sizes, 4096, 3) for m in (_zstd, real_zstd)]
        for content in trained + final + [raw]:
            dicts = [m.ZstdDict(content, is_raw=content is raw) for m in (_zstd, real_zstd)]
            self.assertEqual(dicts[0].dict_id, dicts[1].dict_id)
            for ours, theirs in (dicts, [d.as_prefix for d in dicts]):
                for sample in samples[:20]:
                    a = _zstd.ZstdCompressor(zstd_dict=ours).compress(sample, 2)
                    b = real_zstd.ZstdCompressor(zstd_dict=theirs).compress(sample, 2)
                    self.assertEqual(real_zstd.ZstdDecompressor(theirs).decompress(a), sample)
                    self.assertEqual(_zstd.ZstdDecompressor(ours).decompress(b), sample)
                    self.assertEqual(real_zstd.get_frame_info(a), real_zstd.get_frame_info(b))

    def test_kdf(self):
        names = "md5 sha1 sha224 sha256 sha384 sha512 sha3_256 sha512_256 blake2b blake2s SHA256 sha3-512 blake2b512".split()
        for name in names:
            for rounds, size in ((1, None), (1000, 100)):
                want = real_hashlib.pbkdf2_hmac(name, b"pw", b"salt", rounds, size)
                self.assertEqual(_hashlib.pbkdf2_hmac(name, b"pw", b"salt", rounds, size), want)
        for options in ({"n": 2, "r": 1, "p": 1}, {"n": 1024, "r": 8, "p": 16}, {"n": 16384, "r": 8, "p": 1, "maxmem": 64 << 20, "dklen": 33}):
            want = real_hashlib.scrypt(b"pw", salt=b"NaCl", **options)
            self.assertEqual(_hashlib.scrypt(b"pw", salt=b"NaCl", **options), want)


if __name__ == "__main__":
    unittest.main()
