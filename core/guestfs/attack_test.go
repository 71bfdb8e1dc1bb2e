package guestfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// hostPaths are ways in which a guest may try to reach the host's files.
func hostPaths(secret string) []string {
	rel := strings.TrimPrefix(secret, "/")
	return []string{
		secret, "/etc/passwd", "/proc/self/environ", "/proc/self/fd/0", "/proc/self/root/etc/passwd", "/dev/mem",
		"/dev/stdin", "/sys/kernel", "//etc//passwd", "/./etc/./passwd", "/v/../../../../../" + rel,
		"/v/d/../../../" + rel, "/v/./././../secret", "/v//..//secret", "/v/../secret", "../secret", "../../" + rel,
		"/v/..%2f..%2fsecret", "/v/%2e%2e/secret", "/v/..\\secret", "/v/\\..\\..\\secret", "\\etc\\passwd",
		"/v/\u2024\u2024/secret", "/v/\uff0e\uff0e/secret", "/v/..\u2215secret", "/v/.\u200b./secret",
		"file:///etc/passwd", "C:\\Windows\\win.ini", "/v/to-secret", "/v/to-secret-relative", "/v/to-parent/secret",
		"/v/to-parent/../secret", "/v/d/to-root/etc/passwd", "/v/d/to-root" + secret, "/v/to-cwd/environ",
		"/v/" + strings.Repeat("../", 300) + rel,
	}
}

// hostLinks makes links that lead out of the directory.
func hostLinks(t *testing.T, dir, secret string) {
	t.Helper()
	for link, target := range map[string]string{
		"to-secret": secret, "to-secret-relative": "../secret", "to-parent": "..", "d/to-root": "/", "to-cwd": "/proc/self",
	} {
		must(t, os.Symlink(target, filepath.Join(dir, link)))
	}
}

func TestNoPathReachesTheHost(t *testing.T) {
	for _, mode := range []VolumeMode{VolumeReadOnly, VolumeReadWrite, VolumeCow} {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			dir, secret := hostTree(t)
			hostLinks(t, dir, secret)
			g := mounted(t, map[string]sys.FS{
				"/": memory(t, nil), "/v": openVolume(t, dir, VolumeOptions{Mode: mode}),
			})
			for _, path := range hostPaths(secret) {
				g.refused(sys.ENOENT, path, sys.O_RDONLY)
				g.refused(sys.ENOENT, path, sys.O_WRONLY)
				_, errno := g.fs.Stat(path)
				g.want(sys.ENOENT, errno, "stat ", path)
				for _, errno := range []sys.Errno{
					g.fs.Chmod(path, 0o777), g.fs.Utimens(path, 0, 0), g.fs.Link(path+"/x", "/v/h"),
					g.fs.Rename(path+"/x", "/v/h"), g.fs.Unlink(path + "/x"), g.fs.Rmdir(path + "/x"),
				} {
					g.want(sys.ENOENT, errno, path)
				}
			}
			// A link that leads to the guest's own root works as a guest sees it.
			g.write("/own", "the guest's own")
			g.content("/v/to-parent/own", "the guest's own")
			g.content("/v/d/to-root/own", "the guest's own")
		})
	}
}

var swappedVolumes = map[string]func(t *testing.T, dir string) sys.FS{
	"read-only":  func(t *testing.T, dir string) sys.FS { return openVolume(t, dir, VolumeOptions{}) },
	"read-write": filesystems["volume"],
	"root":       filesystems["root"],
	"quota":      filesystems["quota"],
	"cow":        filesystems["cow"],
}

// The host swaps a directory and a link to its parent as fast as it can, while
// guests open, create and rename through it.
func TestSwappedLinks(t *testing.T) {
	for name, open := range swappedVolumes {
		t.Run(name, func(t *testing.T) {
			dir, secret := hostTree(t)
			outside := filepath.Dir(dir)
			must(t, os.Mkdir(filepath.Join(dir, "swap"), 0o755))
			must(t, os.WriteFile(filepath.Join(dir, "swap", "secret"), []byte("inside"), 0o644))
			must(t, os.Symlink(outside, filepath.Join(dir, "evil")))
			stop := make(chan struct{})
			var all sync.WaitGroup
			all.Go(func() { swap(dir, stop) })
			v := open(t, dir)
			var reads atomic.Int64
			for range 3 {
				all.Go(func() {
					g := mounted(t, map[string]sys.FS{"/v": v})
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						default:
						}
						if f, errno := g.fs.OpenFile("/v/swap/secret", sys.O_RDONLY, 0); errno == 0 {
							buf := make([]byte, 100)
							if n, errno := f.Read(buf); errno == 0 {
								reads.Add(1)
								if string(buf[:n]) == "secret" {
									t.Error("read the file outside")
								}
							}
							f.Close()
						}
						if f, errno := g.fs.OpenFile(fmt.Sprintf("/v/swap/new%d", i), sys.O_CREAT|sys.O_WRONLY, 0o644); errno == 0 {
							f.Write([]byte("x"))
							f.Close()
						}
						g.fs.Mkdir(fmt.Sprintf("/v/swap/dir%d", i), 0o755)
						g.fs.Rename("/v/d/f", "/v/swap/moved")
						g.fs.Rename("/v/swap/moved", "/v/d/f")
					}
				})
			}
			time.Sleep(200 * time.Millisecond)
			close(stop)
			all.Wait()
			if reads.Load() == 0 && name != "cow" { // that keeps the names it saw first
				t.Error("the race was never run")
			}
			entries, err := os.ReadDir(outside)
			must(t, err)
			if len(entries) != 2 {
				t.Error("something was created outside:", entries)
			}
			wantHost(t, secret, "secret")
		})
	}
}

// swap exchanges the directory swap and the link evil until told to stop.
func swap(dir string, stop chan struct{}) {
	a, b, c := filepath.Join(dir, "swap"), filepath.Join(dir, "evil"), filepath.Join(dir, "third")
	for {
		select {
		case <-stop:
			return
		default:
		}
		for _, move := range [][2]string{{a, c}, {b, a}, {c, b}} {
			_ = os.Rename(move[0], move[1]) // whoever wins, the next round goes on
		}
	}
}

func TestOddNames(t *testing.T) {
	onAll(t, func(g *guestView) {
		for _, name := range []string{
			"line\nfeed", "\r", "bad\xff\xfeutf8", "\xc0\xae\xc0\xae", "-rf", "$(reboot)", "`id`", "a;b|c&d", "*", "~", " ",
			"...", ". .", "con", "quote'\"", "\x1b[31m", "\u202egnp.exe", strings.Repeat("é", 127), "A", "a",
		} {
			g.write("/"+name, name)
			g.content("/"+name, name)
		}
		g.content("A", "A") // a and A are two files
		g.want(0, g.fs.Unlink("line\nfeed"), "unlink")
		g.want(sys.EINVAL, g.fs.Mkdir("a\x00b", 0o755), "mkdir")
		for _, long := range []int{256, 1000, 4000} {
			g.refused(sys.ENAMETOOLONG, strings.Repeat("n", long), sys.O_CREAT|sys.O_WRONLY)
		}
		for _, path := range []string{strings.Repeat("n", 100_000), strings.Repeat("a/", 10_000), strings.Repeat("../", 10_000)} {
			_, errno := g.fs.Stat(path)
			g.want(sys.ENAMETOOLONG, errno, "stat")
		}
	})
}

// A path of many directories, walked through many links: bounded work.
func TestDeepPaths(t *testing.T) {
	onAll(t, func(g *guestView) {
		deep := ""
		for range 200 {
			deep += "/d"
			g.mkdir(deep)
		}
		g.write(deep+"/f", "deep")
		g.want(0, g.fs.Symlink(deep[1:], "/l"), "symlink")
		up := strings.Repeat("../", 200)
		start := time.Now()
		g.content("/l/f", "deep")
		g.content("/l/"+up+"l/f", "deep")
		_, errno := g.fs.Stat("/l/" + up + "l/" + up + "missing")
		g.want(sys.ENOENT, errno, "stat")
		if took := time.Since(start); took > 5*time.Second {
			t.Fatal("walking took", took)
		}
	})
}

func TestManyEmptyFiles(t *testing.T) {
	m := NewMemFS(Limits{})
	made := 0
	for ; made < 10_000_000; made++ {
		f, errno := m.OpenFile(fmt.Sprintf("%08d", made), sys.O_CREAT|sys.O_WRONLY, 0o644)
		if errno != 0 {
			if errno != ENOSPC {
				t.Fatal(errno)
			}
			break
		}
		f.Close()
	}
	if made != DefaultMaxFiles {
		t.Fatal("made", made)
	}
	if u := m.Usage(); u.Bytes > DefaultMaxBytes || u.Files != DefaultMaxFiles {
		t.Fatal(u)
	}
}

func TestVolumeRemovedWhileMounted(t *testing.T) {
	dir, _ := hostTree(t)
	rw := volumeView(t, dir, VolumeOptions{Mode: VolumeReadWrite})
	cow := volumeView(t, dir, VolumeOptions{Mode: VolumeCow})
	cow.list("/v", "d l")
	open := rw.open("/v/d/f", sys.O_RDONLY)
	must(t, os.RemoveAll(dir))
	rw.refused(sys.ENOENT, "/v/d/f", sys.O_RDONLY)
	rw.refused(sys.ENOENT, "/v/new", sys.O_CREAT|sys.O_WRONLY)
	rw.want(sys.ENOENT, rw.fs.Mkdir("/v/new", 0o755), "mkdir")
	rw.list("/", "v")
	if got := rw.readFrom(open); got != "content" {
		t.Fatalf("an open file of a removed volume reads %q", got)
	}
	cow.refused(sys.ENOENT, "/v/d/f", sys.O_RDONLY)
	cow.write("/v/new", "in memory")
	cow.content("/v/new", "in memory")
}
