import socket

with socket.socket() as s:
    try:
        s.bind(('127.0.0.1', 0))
        s.listen()
    except OSError as error:
        print(type(error).__name__, 'listen' in str(error))
try:
    socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))
except OSError as error:
    print(type(error).__name__)
