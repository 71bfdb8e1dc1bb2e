print('\udcff'.encode('utf-8', 'surrogateescape'))
