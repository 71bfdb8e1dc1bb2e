import socket

for address in ['127.0.0.1', 'localhost', '::1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '0.0.0.0', '::ffff:127.0.0.1']:
    try:
        socket.create_connection((address, 9), timeout=5)
    except OSError as error:
        print(address, type(error).__name__, 'blocked_networks' in str(error))
