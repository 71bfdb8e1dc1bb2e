"""mandelbrot: complex and float loops, bytes output."""


def escape_complex(c, limit):
    z = 0j
    for n in range(limit):
        if abs(z) > 2.0:
            return n
        z = z * z + c
    return limit


def escape_floats(cr, ci, limit):
    zr = zi = 0.0
    n = 0
    while n < limit:
        rr, ii = zr * zr, zi * zi
        if rr + ii > 4.0:
            break
        zi = 2.0 * zr * zi + ci
        zr = rr - ii + cr
        n += 1
    return n


def run():
    width, height, limit = 240, 144, 80
    picture = bytearray()
    for j in range(height):
        ci = 2.4 * j / height - 1.2
        for i in range(width):
            picture.append(escape_floats(3.0 * i / width - 2.1, ci, limit))
    differ = 0
    for j in range(0, height, 2):
        for i in range(0, width, 2):
            c = complex(3.0 * i / width - 2.1, 2.4 * j / height - 1.2)
            differ += abs(escape_complex(c, limit) - picture[j * width + i]) > 1
    print(f"mandelbrot {sum(picture)} {picture.count(limit)} {differ}")
