"""The guest's side of Eryx: what runs inside CPython in the sandbox, driven by the host.

Nothing here is a security boundary: untrusted code shares the interpreter with it and may change all of it.
What it breaks is its own sandbox; every rule is enforced by the host.
"""
