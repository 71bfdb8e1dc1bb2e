import os

token = os.environ['TOKEN']
print(token, 'value' in token, token.startswith('ERYX_SECRET_PLACEHOLDER_'), len(token))
print('on stderr', token, file=__import__('sys').stderr)
