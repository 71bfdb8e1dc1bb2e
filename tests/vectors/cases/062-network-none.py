import socket

for address in ['127.0.0.1', '1.1.1.1']:
    try:
        socket.create_connection((address, 9), timeout=5)
    except OSError as error:
        print(address, type(error).__name__, 'network' in str(error))
