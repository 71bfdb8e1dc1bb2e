"""What is imported before an image is taken, and what must change in every life that starts from it."""

import gc
import importlib
import sys
import time

import _eryx

# Modules whose import is paid once, in the image, instead of by every program. Chosen by what real scripts
# import and what it costs: a page of the image that nobody touches costs a sandbox nothing.
COMMON = """
_strptime abc annotationlib argparse array ast asyncio.base_events asyncio.taskgroups asyncio.timeouts base64
bdb bisect bz2 cProfile calendar cloudpickle cmath cmd code codeop collections collections.abc colorsys
concurrent.futures concurrent.futures.thread configparser contextlib contextvars copy copyreg csv dataclasses
datetime dbm.sqlite3 decimal difflib dis doctest email email.message email.mime.multipart email.mime.text
email.parser email.policy email.utils encodings.ascii encodings.cp1252 encodings.idna encodings.latin_1
encodings.utf_16 enum faulthandler fileinput fnmatch fractions functools getopt getpass glob graphlib gzip
hashlib heapq hmac html html.parser http http.client http.cookies http.server importlib.metadata
importlib.resources inspect io itertools json keyword linecache locale logging logging.config logging.handlers
lzma marshal math mimetypes netrc numbers operator optparse os pathlib pdb pickle pkgutil platform plistlib
posixpath pprint pstats pyclbr pydoc queue random re reprlib runpy sched secrets select selectors shelve shlex
shutil signal site socket socketserver sqlite3 stat statistics string string.templatelib struct subprocess
symtable sysconfig tarfile tempfile textwrap threading time timeit token tokenize tomllib trace traceback
tracemalloc types typing unicodedata unittest unittest.mock urllib.error urllib.parse urllib.request
urllib.robotparser uuid warnings wave weakref xml.dom.minidom xml.etree.ElementTree xml.sax zipapp zipfile
zipimport zlib zoneinfo
""".split()


_BATCH = 1000


def load(modules: list[str]) -> None:
    """Import the common modules and ``modules``; one of the latter that fails raises ImportError."""
    for name in COMMON:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    for name in modules:
        importlib.import_module(name)


def settle() -> None:
    """Make all that exists immortal and invisible to the collector, before an image is taken.

    Every guest shares the image until it writes to a page of it, and counting a reference is writing. Immortal
    objects are not counted, and objects that are not tracked are never marked by the collector, which otherwise
    walks through all modules again and again. What exists now would live as long as the guest in any case.
    """
    gc.collect()
    todo = gc.get_objects()
    code = type(settle.__code__)
    immortalize = _eryx.immortalize
    while todo:
        # Many at once: most of the time would go into the steps of this loop, and a factory waits for it.
        batch = todo[-_BATCH:]
        del todo[-_BATCH:]
        batch = list(filter(immortalize, batch))
        todo += gc.get_referents(*batch)
        for o in batch:
            if type(o) is code:  # which the collector does not look into
                todo += (o.co_consts, o.co_names, o.co_filename, o.co_name, o.co_qualname)
                todo += (o.co_linetable, o.co_exceptiontable)
    del todo, batch
    _eryx.seal_heap()


def reseed() -> None:
    """Draw new randomness, and drop what remembers an earlier life: two lives must not look alike."""
    modules = sys.modules
    random = modules.get("random")
    if random is not None:
        random.seed()
    tempfile = modules.get("tempfile")
    if tempfile is not None:
        tempfile._name_sequence = None  # type: ignore[attr-defined]
        tempfile.tempdir = None  # type: ignore[attr-defined]
    uuid = modules.get("uuid")
    if uuid is not None:
        uuid._node = None  # type: ignore[attr-defined]
        uuid._last_timestamp = None  # type: ignore[attr-defined]
    logging = modules.get("logging")
    if logging is not None:
        logging._startTime = time.time_ns()  # type: ignore[attr-defined]
    mail = modules.get("email.generator")
    if mail is not None:
        mail.random.seed()
