await fail('no luck')
