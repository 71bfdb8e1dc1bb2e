package core

import "strings"

// builtinModules are names of modules that are found before any file: those that are compiled into the guest, those
// that CPython freezes, and the runtime's own. TestLibraryBuiltinNames compares them with the guest's.
var builtinModules = func() map[string]bool {
	names := map[string]bool{}
	for _, name := range strings.Fields(`
		_abc _ast _asyncio _bisect _blake2 _codecs _codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr
		_codecs_tw _collections _contextvars _csv _datetime _decimal _elementtree _eryx _eryx_codec _eryx_tls
		_functools _heapq _hmac _imp _io _json _locale _lsprof _md5 _multibytecodec _opcode _operator _pickle _queue
		_random _sha1 _sha2 _sha3 _signal _socket _sqlite3 _sre _stat _statistics _string _struct _suggestions
		_symtable _sysconfig _thread _tokenize _tracemalloc _types _typing _warnings _weakref _zoneinfo array atexit
		binascii builtins cmath errno faulthandler gc itertools marshal math posix pyexpat select sys time unicodedata
		zlib
		_frozen_importlib _frozen_importlib_external zipimport ctypes
		eryx sandbox _eryx_ssl _eryx_stream
	`) {
		names[name] = true
	}
	return names
}()
