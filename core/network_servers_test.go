package core_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The servers that the programs of network_libraries_test.go talk to. All are on loopback.

// webHandler is a web server with a page for each habit of servers.
func webHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "%s %d %x %s", r.Method, len(body), sha256.Sum256(body), r.Header.Get("X-Test"))
	})
	mux.HandleFunc("/json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"query": %q, "n": [1, 2, 3]}`, r.URL.RawQuery)
	})
	mux.HandleFunc("/client", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, r *http.Request) {
		for i := range 5 {
			fmt.Fprintf(w, "part %d;", i)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		if n > 0 {
			http.Redirect(w, r, fmt.Sprintf("/redirect?n=%d", n-1), http.StatusFound)
			return
		}
		fmt.Fprint(w, "arrived")
	})
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.ParseInt(r.URL.Query().Get("n"), 10, 64)
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
		_, _ = io.CopyN(w, pattern{}, n)
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(30 * time.Second):
		}
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write(make([]byte, 10))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/status", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		w.WriteHeader(n)
	})
	return mux
}

// pattern is endless bytes "abc...".
type pattern struct{}

func (pattern) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a' + byte(i%26)
	}
	return len(p), nil
}

// lineServer serves a protocol of lines; serve is called for each connection.
func lineServer(t testing.TB, network, address string, serve func(r *bufio.Reader, w io.Writer, conn net.Conn)) net.Addr {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				stop := time.AfterFunc(time.Minute, func() { conn.Close() })
				defer stop.Stop()
				serve(bufio.NewReader(conn), conn, conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return l.Addr()
}

// smtpServer accepts mail and hands it to got.
func smtpServer(t testing.TB, got chan<- string) net.Addr {
	return lineServer(t, "tcp", "127.0.0.1:0", func(r *bufio.Reader, w io.Writer, _ net.Conn) {
		fmt.Fprint(w, "220 test ESMTP\r\n")
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			switch verb := strings.ToUpper(strings.Fields(line + " -")[0]); verb {
			case "EHLO", "HELO":
				fmt.Fprint(w, "250-test\r\n250 SIZE 1000000\r\n")
			case "DATA":
				fmt.Fprint(w, "354 go on\r\n")
				var mail strings.Builder
				for {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					if line == ".\r\n" {
						break
					}
					mail.WriteString(line)
				}
				got <- mail.String()
				fmt.Fprint(w, "250 taken\r\n")
			case "QUIT":
				fmt.Fprint(w, "221 bye\r\n")
				return
			default:
				fmt.Fprint(w, "250 fine\r\n")
			}
		}
	})
}

// ftpServer has one file and takes another, over passive connections.
func ftpServer(t testing.TB, stored chan<- string) net.Addr {
	return lineServer(t, "tcp", "127.0.0.1:0", func(r *bufio.Reader, w io.Writer, _ net.Conn) {
		fmt.Fprint(w, "220 test\r\n")
		var data net.Listener
		defer func() {
			if data != nil {
				data.Close()
			}
		}()
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			switch verb := strings.ToUpper(strings.Fields(line + " -")[0]); verb {
			case "USER":
				fmt.Fprint(w, "331 password\r\n")
			case "EPSV", "PASV":
				if data, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
					return
				}
				port := data.Addr().(*net.TCPAddr).Port
				if verb == "EPSV" {
					fmt.Fprintf(w, "229 entering (|||%d|)\r\n", port)
				} else {
					fmt.Fprintf(w, "227 entering (127,0,0,1,%d,%d)\r\n", port/256, port%256)
				}
			case "RETR", "STOR", "NLST":
				fmt.Fprint(w, "150 here\r\n")
				conn, err := data.Accept()
				if err != nil {
					return
				}
				switch verb {
				case "RETR":
					_, _ = io.CopyN(conn, pattern{}, 100_000)
				case "NLST":
					fmt.Fprint(conn, "one\r\ntwo\r\n")
				case "STOR":
					body, _ := io.ReadAll(conn)
					stored <- string(body)
				}
				conn.Close()
				data.Close()
				fmt.Fprint(w, "226 done\r\n")
			case "QUIT":
				fmt.Fprint(w, "221 bye\r\n")
				return
			default:
				fmt.Fprint(w, "200 fine\r\n")
			}
		}
	})
}
