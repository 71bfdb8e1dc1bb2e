package core

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/eryx-go/eryx/core/guestnet"
	"github.com/eryx-go/eryx/core/secret"
)

// kindFetch is the kind of the callback behind the program's fetch; see wasm/guest/eryx/fetch.py.
const kindFetch = "fetch"

const (
	maxFetchBody    = 64 << 20 // of a response, in bytes
	maxFetchHeaders = 1 << 20
	maxRedirects    = 30
	idleFetch       = 90 * time.Second
)

// withFetch adds the callback behind fetch, if the network grants it.
func (c *Config) withFetch(callbacks []Callback) []Callback {
	if c.Network == nil || !c.Network.Fetch {
		return callbacks
	}
	// Who waits for a server may wait as long as the network allows, not as long as for a callback.
	timeout := time.Duration(Unlimited)
	if policy := c.policy; policy != nil && policy.Config().IOTimeout > 0 && policy.Config().ConnectTimeout > 0 {
		timeout = policy.Config().ConnectTimeout + policy.Config().IOTimeout
	}
	return append(callbacks, Callback{Name: "fetch", Description: "Make an HTTP request.", Func: fetch, Timeout: timeout, kind: kindFetch})
}

// fetcher makes the HTTP requests of one guest. Its connections are kept and used again.
type fetcher struct {
	stack   *guestnet.Stack
	secrets *secret.Set
	client  http.Client
}

func newFetcher(stack *guestnet.Stack, c *Config) *fetcher {
	f := &fetcher{stack: stack, secrets: c.secrets}
	limits := stack.Policy().Config()
	transport := &http.Transport{
		DialContext: f.dial, TLSClientConfig: stack.Policy().TLSConfig(),
		DialTLSContext: f.dialTLS, IdleConnTimeout: idleFetch, MaxResponseHeaderBytes: maxFetchHeaders,
		MaxIdleConnsPerHost: 2, DisableCompression: false,
	}
	if limits.MaxConnections > 0 {
		transport.MaxIdleConns = max(1, limits.MaxConnections/2)
	}
	f.client.Transport = &secretTransport{f, transport}
	context.AfterFunc(stack.Context(), transport.CloseIdleConnections)
	return f
}

// dial connects under the guest's policy.
func (f *fetcher) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, err
	}
	conn, _, err := f.stack.DialHost(ctx, host, uint16(port))
	if err != nil {
		return nil, err
	}
	return &patient{conn, f.stack.Policy().Config().IOTimeout}, nil
}

// dialTLS is dial for https, with the client certificate that the caller gives for the host.
func (f *fetcher) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := f.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	host, portText, _ := net.SplitHostPort(address)
	port, _ := strconv.ParseUint(portText, 10, 16)
	config := f.stack.Policy().TLSConfig()
	config.ServerName = host
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if pair := f.stack.Policy().ClientCertificate(host, uint16(port)); pair != nil {
			return pair, nil
		}
		return &tls.Certificate{}, nil
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secured, nil
}

// patient is a connection whose reads and writes wait for the peer only so long.
type patient struct {
	net.Conn
	limit time.Duration
}

// Read implements net.Conn.
func (p *patient) Read(b []byte) (int, error) {
	if p.limit > 0 {
		_ = p.SetReadDeadline(time.Now().Add(p.limit)) // where it fails, Read does
	}
	return p.Conn.Read(b)
}

// Write implements net.Conn.
func (p *patient) Write(b []byte) (int, error) {
	if p.limit > 0 {
		_ = p.SetWriteDeadline(time.Now().Add(p.limit))
	}
	return p.Conn.Write(b)
}

// secretTransport puts real values into the headers of each request, redirected ones included.
type secretTransport struct {
	f    *fetcher
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *secretTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	target := fetchTarget(r.URL)
	named := r.URL.Hostname()
	if r.Host != "" {
		named = (&url.URL{Host: r.Host}).Hostname()
	}
	header, err := t.f.secrets.Header(r.Header, target, named)
	if err != nil {
		return nil, err
	}
	sent := r.Clone(r.Context())
	sent.Header = header
	if t.f.secrets.Redacts(target) {
		sent.Header.Set("Accept-Encoding", "identity")
	}
	answer, err := t.next.RoundTrip(sent)
	if answer != nil {
		answer.Request = r // redirects copy its headers, placeholders and all
	}
	return answer, err
}

// fetchTarget is whom a URL leads to. The dialled address is decided about by the network's rules.
func fetchTarget(u *url.URL) secret.Target {
	port, _ := strconv.ParseUint(u.Port(), 10, 16)
	if port == 0 {
		port = map[string]uint64{"http": 80, "https": 443}[u.Scheme]
	}
	return secret.Target{Hosts: []string{guestnet.Normalize(u.Hostname())}, Port: uint16(port)}
}

// fetch is the callback: it answers {status, reason, url, headers, body}.
func fetch(ctx context.Context, args map[string]any) (any, error) {
	call, ok := ctx.(*Call)
	if !ok {
		return nil, CallbackErrorf("internal", "fetch has no session")
	}
	f := call.execution.session.fetcher.Load()
	if f == nil {
		return nil, CallbackErrorf("internal", "fetch has no network")
	}
	request, err := fetchRequest(ctx, args)
	if err != nil {
		return nil, CallbackErrorf("invalid", "fetch(): %v", err)
	}
	if seconds, ok := seconds(args["timeout"]); ok {
		limited, cancel := context.WithTimeout(request.Context(), seconds)
		defer cancel()
		request = request.WithContext(limited)
	}
	redirects, _ := args["redirects"].(int64)
	client := f.client
	client.CheckRedirect = func(_ *http.Request, via []*http.Request) error {
		if redirects <= 0 {
			return http.ErrUseLastResponse
		}
		if int64(len(via)) > min(redirects, maxRedirects) {
			return fmt.Errorf("more than %d redirects", min(redirects, maxRedirects))
		}
		return nil
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, fetchError(err)
	}
	defer answer.Body.Close()
	return f.answer(answer, call.execution.session.limits.MaxMemoryBytes)
}

// answer reads a response.
func (f *fetcher) answer(r *http.Response, memory int64) (any, error) {
	limit := int64(maxFetchBody)
	if memory > 0 {
		limit = min(limit, memory/4)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, fetchError(err)
	}
	if int64(len(body)) > limit {
		return nil, CallbackErrorf("fetch", "the response is longer than %d bytes, which is all that fits; ask for less", limit)
	}
	target := fetchTarget(r.Request.URL)
	headers := []any{}
	for name, values := range r.Header {
		for _, value := range values {
			headers = append(headers, []any{validText(name), validText(string(f.secrets.RedactBytes([]byte(value), target)))})
		}
	}
	return map[string]any{
		"status": int64(r.StatusCode), "reason": validText(http.StatusText(r.StatusCode)), "url": validText(r.Request.URL.String()),
		"headers": headers, "body": f.secrets.RedactBytes(body, target),
	}, nil
}

// fetchRequest is the request that the arguments ask for; they may be anything.
func fetchRequest(ctx context.Context, args map[string]any) (*http.Request, error) {
	address, ok := args["url"].(string)
	if !ok {
		return nil, errors.New("url must be a str")
	}
	method, ok := args["method"].(string)
	if !ok {
		return nil, errors.New("method must be a str")
	}
	body, _ := args["body"].([]byte)
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%.300q is no URL that begins with http:// or https://", address)
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "eryx")
	headers, _ := args["headers"].(map[string]any)
	for name, value := range headers {
		text, _ := value.(string)
		if http.CanonicalHeaderKey(name) == "Host" {
			r.Host = text
			continue
		}
		r.Header.Set(name, text)
	}
	return r, nil
}

func seconds(v any) (time.Duration, bool) {
	switch v := v.(type) {
	case int64:
		return time.Duration(max(0, min(v, 1<<30))) * time.Second, true
	case float64:
		return time.Duration(max(0, min(v, 1<<30)) * float64(time.Second)), true
	}
	return 0, false
}

// fetchError is err with the code that tells the guest which exception it is.
func fetchError(err error) error {
	var refusal *guestnet.Refusal
	var secrets *secret.Refusal
	var wrapped *url.Error
	text := err.Error()
	if errors.As(err, &wrapped) {
		text = wrapped.Err.Error()
	}
	switch {
	case errors.As(err, &refusal):
		return CallbackErrorf("refused", "%s", refusal.Reason)
	case errors.As(err, &secrets):
		return CallbackErrorf("refused", "%s", secrets.Error())
	case errors.Is(err, context.DeadlineExceeded), wrapped != nil && wrapped.Timeout():
		return CallbackErrorf("timeout", "the request took too long")
	}
	return CallbackErrorf("fetch", "%s", text)
}
