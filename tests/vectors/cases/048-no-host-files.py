import os
for path in ('/etc/passwd', '/proc/self/maps', '/home'):
    print(os.path.exists(path))
