package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/eryx-go/eryx/core"
)

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		arguments string
		stderr    string
	}{
		{"--unknown", "eryx: unknown flag: --unknown\neryx: try 'eryx --help'\n"},
		{"-c", "eryx: flag needs an argument..."},
		{"--timeout", "eryx: flag needs an argument: --timeout..."},
		{"--timeout -1 -c 1", "...want a number that is not negative..."},
		{"--timeout x -c 1", "...want a number that is not negative..."},
		{"--timeout nan -c 1", "...want a number that is not negative..."},
		{"--timeout inf -c 1", "...too large..."},
		{"--max-memory 1X -c 1", "...want bytes, as 1000000, 64M or 1G..."},
		{"--max-memory -5 -c 1", "...want bytes..."},
		{"--max-memory 99999999999G -c 1", "...want bytes..."},
		{"--max-output M -c 1", "...want bytes..."},
		{"--fuel 1.5 -c 1", "...want a whole number..."},
		{"--env A -c 1", "...want NAME=VALUE..."},
		{"--env =A -c 1", "...want NAME=VALUE..."},
		{"-v /tmp -c 1", "...want SRC:DST..."},
		{"-v /tmp:relative -c 1", "...want SRC:DST..."},
		{"-v /tmp:/x:rx -c 1", "...want the mode ro, rw or cow, not \"rx\"..."},
		{"-v /no-such-folder:/x -c 1", "...eryx: volume \"/no-such-folder\": ...no such file or directory\n"},
		{"-v /tmp:/usr/lib -c 1", "...is the interpreter's own; use another\n"},
		{"-v /tmp:/ -c 1", "...not an absolute path below /\n"},
		{"-v /tmp:/a -v /tmp:/a/ -c 1", "...two volumes have the guest path \"/a\"\n"},
	} {
		t.Log(c.arguments)
		eryx(t, "", strings.Fields(c.arguments)...).check(t, exitUsage, "", c.stderr)
	}
}

func TestHelpAndVersion(t *testing.T) {
	eryx(t, "", "--help").check(t, 0, help, "")
	eryx(t, "", "-h").check(t, 0, help, "")
	eryx(t, "", "--version").check(t, 0, "eryx 1.2.3-test (Python 3.14, build ...", "")
}

// Every option is in the help, with its short name and its true default.
func TestHelpIsComplete(t *testing.T) {
	o := &options{env: map[string]string{}}
	o.flagSet().VisitAll(func(f *pflag.Flag) {
		name := "      --" + f.Name + " "
		if f.Shorthand != "" {
			name = "  -" + f.Shorthand + ", --" + f.Name + " "
		}
		if !strings.Contains(help, "\n"+name) {
			t.Errorf("the help lacks %q", name)
		}
	})
	defaults := core.DefaultLimits()
	if o.timeout != 30*time.Second || o.memory != 128<<20 || o.output != 8<<20 || o.fuel != core.Unlimited ||
		defaults.MaxOutputBytes != o.output {
		t.Errorf("the help does not tell the defaults %+v", o)
	}
}

func TestTimeout(t *testing.T) {
	for _, code := range []string{"while True: pass", "import time; time.sleep(99)", "import asyncio; await asyncio.sleep(99)"} {
		eryx(t, "", "--timeout", "0.2", "-c", "print('before', flush=True)\n"+code).
			check(t, exitTimeout, "before\n", "...eryx: the execution took longer than its timeout of 200ms (--timeout); do less at once, or ask for more time\n")
	}
	eryx(t, "", "--timeout", "0", "-c", "print(1)").check(t, 0, "1\n", "")
}

func TestTimeoutLetsTheScriptCleanUp(t *testing.T) {
	eryx(t, "", "--timeout", "0.2", "-c", "try:\n  while True: pass\nfinally: print('cleaned up')").
		check(t, exitTimeout, "cleaned up\n", "...(--timeout)...")
}

// Whoever waits for input that never comes is stopped too.
func TestTimeoutWhileReading(t *testing.T) {
	command := command(t, "--timeout", "0.2", "-c", "try: input('? ')\nfinally: print('cleaned up')")
	if _, err := command.StdinPipe(); err != nil { // left open
		t.Fatal(err)
	}
	finish(t, command).check(t, exitTimeout, "? cleaned up\n", "...(--timeout)...")
}

func TestLimits(t *testing.T) {
	eryx(t, "", "--max-memory", "64M", "-c", "x = bytearray(10**8)").
		check(t, 1, "", "...MemoryError\neryx: MemoryError: the memory limit is 67108864 bytes (--max-memory); process the data in parts, or ask for a higher limit\n")
	eryx(t, "", "--max-memory", "256MiB", "-c", "x = bytearray(10**8)\nprint(len(x))").check(t, 0, "100000000\n", "")
	eryx(t, "", "--max-memory", "1M", "-c", "1").check(t, 1, "", "eryx: ...")
	eryx(t, "", "--fuel", "1000000", "-c", "while True: pass").
		check(t, 1, "", "...(--fuel); do less work, or ask for more fuel\n")
	eryx(t, "", "--max-output", "10", "-c", "print('x' * 100)\nprint('never')").
		check(t, 1, "xxxxxxxxxx", "...eryx: the execution wrote more than 10 bytes of output (--max-output); print less\n")
}

func TestEnvironment(t *testing.T) {
	t.Setenv("ERYX_TEST_OF_THE_HOST", "secret")
	eryx(t, "", "--env", "A=1", "-e", "B=x=y", "-c", "import os\nprint(os.environ['A'], os.environ['B'], os.environ.get('ERYX_TEST_OF_THE_HOST'), os.environ.get('PATH'))").
		check(t, 0, "1 x=y None None\n", "")
}

func TestVolumes(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "v"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "v", "f")
	writeFile(t, file, "from the host")
	writeFile(t, filepath.Join(dir, "beside"), "hidden")
	const read = "print(open('/mnt/v/f').read())\n"
	const write = "open('/mnt/v/f', 'w').write('from the guest')\n"
	readOnly := "...OSError: [Errno 69] Read-only file system: '/mnt/v/f'\n"
	eryxIn(t, dir, "", "-v", "v:/mnt/v:ro", "-c", read+write).check(t, 1, "from the host\n", readOnly)
	if text, _ := os.ReadFile(file); string(text) != "from the host" {
		t.Fatalf("a read-only volume was changed: %q", text)
	}
	eryxIn(t, dir, "", "-v", "v:/mnt/v:cow", "-c", write+read).check(t, 0, "from the guest\n", "")
	if text, _ := os.ReadFile(file); string(text) != "from the host" {
		t.Fatalf("a copy on write changed the volume: %q", text)
	}
	eryxIn(t, dir, "", "--volume", "v:/mnt/v:rw", "-c", write).check(t, 0, "", "")
	if text, _ := os.ReadFile(file); string(text) != "from the guest" {
		t.Fatalf("the volume holds %q", text)
	}
	eryxIn(t, dir, "", "-v", "v:/mnt/v", "-c", "open('/mnt/v/f', 'a').write(' again')").check(t, 0, "", "")
	if text, _ := os.ReadFile(file); string(text) != "from the guest again" {
		t.Fatalf("the volume holds %q", text)
	}
	eryxIn(t, dir, "", "-v", "v:/data", "-v", "beside:/one", "-c", "import os\nprint(os.listdir('/data'), open('/one').read())").
		check(t, 0, "['f'] hidden\n", "")
	eryxIn(t, dir, "", "-v", "v:/mnt/v", "-c", "import os\nprint(os.path.exists('/mnt/v/../../beside'), os.listdir('/'))").
		check(t, 0, "False ...", "")
}

func TestParseVolume(t *testing.T) {
	for text, want := range map[string]core.Volume{
		"a:/b":           {HostPath: "a", GuestPath: "/b", Mode: core.VolumeReadWrite},
		"a:/b:ro":        {HostPath: "a", GuestPath: "/b"},
		"a:/b:cow":       {HostPath: "a", GuestPath: "/b", Mode: core.VolumeCopyOnWrite},
		"a:/b:rw":        {HostPath: "a", GuestPath: "/b", Mode: core.VolumeReadWrite},
		`C:\x:/b`:        {HostPath: `C:\x`, GuestPath: "/b", Mode: core.VolumeReadWrite},
		`C:\x:/b:rw`:     {HostPath: `C:\x`, GuestPath: "/b", Mode: core.VolumeReadWrite},
		"/with:colon:/b": {HostPath: "/with:colon", GuestPath: "/b", Mode: core.VolumeReadWrite},
	} {
		if got, err := parseVolume(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1000": 1000, "64M": 64 << 20, "64m": 64 << 20, "1G": 1 << 30, "2k": 2048, "3KiB": 3072, "3KB": 3072, "7B": 7,
	} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
}
