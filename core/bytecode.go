package core

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/guestfs"
	"github.com/eryx-go/eryx/core/wheel"
	"github.com/eryx-go/eryx/core/wire"
)

// Compiling is most of an import. So when a guest looks for the bytecode of a package's module, the host has it
// compiled, once, and keeps it in memory and in the cache directory. No guest ever writes bytecode for others:
// each module is compiled by a guest of its own that has run nothing and will run nothing else, so that a
// hostile source can harm nothing but its own bytecode.

const (
	bytecodeSuffix   = ".cpython-314.pyc"
	maxCompiledBytes = 4 << 20 // of source; larger modules are compiled by who imports them
	compileTimeout   = 20 * time.Second
	compileMemory    = 512 << 20
)

// bytecode makes the bytecode of one site's modules.
type bytecode struct {
	rt   *Runtime
	site *guestfs.ArchiveFS
}

// compileFor has the modules of site compiled when they are first imported.
func (rt *Runtime) compileFor(site *wheel.Site) {
	site.FS().SetMaker(&bytecode{rt: rt, site: site.FS()})
}

// source is the path of the module that a path of bytecode belongs to.
func (b *bytecode) source(pyc string) (string, bool) {
	stem, ok := strings.CutSuffix(pyc, bytecodeSuffix)
	dir, name := path.Split(stem)
	parent, inside := strings.CutSuffix(dir, "__pycache__/")
	return parent + name + ".py", ok && inside
}

// Can implements guestfs.Maker.
func (b *bytecode) Can(pyc string) bool {
	source, ok := b.source(pyc)
	if !ok {
		return false
	}
	stat, errno := b.site.Lstat(source)
	return errno == 0 && stat.Mode.IsRegular() && stat.Size <= maxCompiledBytes
}

// Make implements guestfs.Maker.
func (b *bytecode) Make(pyc string) []byte {
	name, _ := b.source(pyc)
	source, ok := b.site.File(name)
	if !ok {
		return nil
	}
	file := b.rt.bytecodeFile(source)
	if data := readSummed(file); data != nil {
		return data
	}
	data := b.rt.compile(source, sitePath+"/"+name)
	if data != nil && file != "" {
		writeSummed(file, data)
	}
	return data
}

// compile is the bytecode of a source, nil when it has none, because of a syntax error say: the importing guest
// then finds that out for itself.
func (rt *Runtime) compile(source []byte, name string) []byte {
	message, err := wire.Encode([]any{"compile_module", source, name})
	if err != nil {
		return nil
	}
	root, err := rt.systemFiles()
	if err != nil {
		return nil
	}
	g, err := rt.guests.NewGuest(rt.image, guest.Options{FS: root, MaxMemory: compileMemory})
	if err != nil {
		return nil
	}
	defer g.Close()
	g.SetHost(idleHost{})
	g.Begin(guest.Limits{Timeout: compileTimeout})
	reply, err := g.Call(message)
	if err != nil {
		return nil
	}
	value, err := wire.Decode(bytes.Clone(reply))
	if fields, ok := value.([]any); err == nil && ok && len(fields) == 2 && fields[0] == "pyc" {
		data, _ := fields[1].([]byte)
		return data
	}
	return nil
}

// bytecodeFile is where the cache keeps the bytecode of a source; "" without a cache.
func (rt *Runtime) bytecodeFile(source []byte) string {
	if rt.cache == "" {
		return ""
	}
	sum := sha256.Sum256(source)
	name := hex.EncodeToString(sum[:])
	return filepath.Join(rt.cache, "bytecode-"+guest.BuildID(), name[:2], name[2:])
}

// readSummed reads a file that begins with the sha256 of the rest; nil when it is not there or damaged.
func readSummed(name string) []byte {
	if name == "" {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil || len(data) <= sha256.Size {
		return nil
	}
	if sum := sha256.Sum256(data[sha256.Size:]); !bytes.Equal(sum[:], data[:sha256.Size]) {
		return nil
	}
	return data[sha256.Size:]
}

// writeSummed writes such a file. A cache that cannot be written is no failure: it is compiled again next time.
func writeSummed(name string, data []byte) {
	if os.MkdirAll(filepath.Dir(name), 0o700) != nil {
		return
	}
	sum := sha256.Sum256(data)
	_ = writeFile(name, append(sum[:], data...))
}
