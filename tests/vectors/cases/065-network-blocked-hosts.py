import socket

for address in ['127.0.0.1', 'a.blocked.test']:
    try:
        socket.create_connection((address, 9), timeout=5)
    except OSError as error:
        print(address, type(error).__name__, 'blocked_hosts' in str(error))
