"""What `_ssl` is made of: CPython's `ssl` over TLS connections that the host runs (core/guestnet/tls.go)."""
