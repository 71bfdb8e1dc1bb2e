import socket

for address in ['1.1.1.1', 'example.com']:
    try:
        socket.create_connection((address, 9), timeout=5)
    except OSError as error:
        print(address, type(error).__name__, 'allowed_hosts' in str(error))
