package guest

import "testing"

func TestHashes(t *testing.T) {
	runAll(t, []program{
		{name: "guaranteed", code: `
import hashlib
for name in sorted(hashlib.algorithms_guaranteed):
    digest = hashlib.new(name, b"x")
    print(name, (digest.hexdigest(4) if name.startswith("shake") else digest.hexdigest())[:8])
print(hashlib.algorithms_guaranteed <= hashlib.algorithms_available)
`, want: `
blake2b 0909377a
blake2s ec308c07
md5 9dd4e461
sha1 11f6ad8e
sha224 54a2f7f9
sha256 2d711642
sha384 d752c2c5
sha3_224 63e6ceb2
sha3_256 741efa31
sha3_384 5abfc7bc
sha3_512 0fdb2796
sha512 a4abd444
shake_128 e472c5e3
shake_256 c851121a
True`},
		{name: "derivations", code: `
import hashlib, hmac, io, zlib, binascii
print(hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 4096).hex()[:16])
print(hashlib.scrypt(b"password", salt=b"NaCl", n=1024, r=8, p=16, dklen=64).hex()[:16])
print(hashlib.file_digest(io.BytesIO(b"hello"), "sha256").hexdigest()[:8], hmac.new(b"k", b"m", "sha256").hexdigest()[:8])
print(hmac.compare_digest(b"a", b"a"), zlib.crc32(b"x"), binascii.crc_hqx(b"x", 0))
try:
    hashlib.new("nonsense")
except ValueError as error:
    print(error)
`, want: "c5e478d59288c841\nfdbabe1c9d347200\n2cf24dba b60090e3\nTrue 2363233923 65439\nunsupported hash type nonsense"},
	})
}

func TestCompression(t *testing.T) {
	runAll(t, []program{
		{name: "one shot and streams", code: `
import bz2, gzip, io, lzma, zlib
from compression import zstd
data = b"hello world " * 10000
for module in (bz2, gzip, lzma, zlib, zstd):
    packed = module.compress(data)
    print(module.__name__, len(packed) < 1000, module.decompress(packed) == data)
for compressor, decompressor in ((bz2.BZ2Compressor(), bz2.BZ2Decompressor()), (lzma.LZMACompressor(), lzma.LZMADecompressor()), (zstd.ZstdCompressor(), zstd.ZstdDecompressor())):
    packed = b"".join(compressor.compress(data[i : i + 999]) for i in range(0, len(data), 999)) + compressor.flush()
    out = b"".join(decompressor.decompress(packed[i : i + 7]) for i in range(0, len(packed), 7))
    print(out == data, decompressor.eof)
for module, name in ((bz2, "BZ2File"), (lzma, "LZMAFile"), (zstd, "ZstdFile"), (gzip, "GzipFile")):
    with module.open("packed", "wt", encoding="utf-8") as file:
        file.writelines(f"line {i}\n" for i in range(1000))
    with module.open("packed", "rt", encoding="utf-8") as file:
        print(sum(1 for line in file))
for module in (bz2, lzma, zlib, zstd, gzip):
    try:
        module.decompress(b"this is no compressed data")
    except Exception as error:
        print(type(error).__name__)
`, want: `
bz2 True True
gzip True True
lzma True True
zlib True True
compression.zstd True True
True True
True True
True True
1000
1000
1000
1000
OSError
LZMAError
error
ZstdError
BadGzipFile`},
		{name: "archives", code: `
import io, os, shutil, tarfile, zipfile
data = b"hello world " * 10000
open("x.txt", "wb").write(data)
for method in ("ZIP_STORED", "ZIP_DEFLATED", "ZIP_BZIP2", "ZIP_LZMA", "ZIP_ZSTANDARD"):
    with zipfile.ZipFile("x.zip", "w", getattr(zipfile, method)) as archive:
        archive.write("x.txt")
    with zipfile.ZipFile("x.zip") as archive:
        print(method, archive.read("x.txt") == data, archive.testzip(), oct(archive.infolist()[0].external_attr >> 16))
for kind in ("", "gz", "bz2", "xz", "zst"):
    with tarfile.open("x.tar", "w:" + kind) as archive:
        archive.add("x.txt")
    with tarfile.open("x.tar") as archive:
        archive.extractall("out" + kind, filter="data")
        print(kind, open(f"out{kind}/x.txt", "rb").read() == data, oct(archive.getmembers()[0].mode))
shutil.unpack_archive(shutil.make_archive("made", "gztar", "out"), "again")
print(os.listdir("again"))
`, want: `
ZIP_STORED True None 0o100644
ZIP_DEFLATED True None 0o100644
ZIP_BZIP2 True None 0o100644
ZIP_LZMA True None 0o100644
ZIP_ZSTANDARD True None 0o100644
 True 0o644
gz True 0o644
bz2 True 0o644
xz True 0o644
zst True 0o644
['x.txt']`},
	})
}
