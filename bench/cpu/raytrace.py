"""raytrace: small vector objects with operators, spheres, a plane, shadows and reflection."""

import math


class Vector:
    __slots__ = ("x", "y", "z")

    def __init__(self, x, y, z):
        self.x, self.y, self.z = x, y, z

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y, self.z + other.z)

    def __sub__(self, other):
        return Vector(self.x - other.x, self.y - other.y, self.z - other.z)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor, self.z * factor)

    def dot(self, other):
        return self.x * other.x + self.y * other.y + self.z * other.z

    def unit(self):
        return self * (1.0 / math.sqrt(self.dot(self)))

    def reflect(self, normal):
        return self - normal * (2 * self.dot(normal))


class Sphere:
    def __init__(self, centre, radius, shade):
        self.centre, self.radius, self.shade = centre, radius, shade

    def hit(self, origin, direction):
        """Distance to the nearest hit, or None."""
        offset = self.centre - origin
        along = offset.dot(direction)
        disc = self.radius**2 - offset.dot(offset) + along * along
        if disc < 0:
            return None
        distance = along - math.sqrt(disc)
        return distance if distance > 1e-6 else None

    def normal(self, point):
        return (point - self.centre).unit()

    def colour(self, point):
        return self.shade


class Floor:
    """A chequered plane at height y."""

    def __init__(self, y):
        self.y = y

    def hit(self, origin, direction):
        if abs(direction.y) < 1e-9:
            return None
        distance = (self.y - origin.y) / direction.y
        return distance if 1e-6 < distance < 50 else None

    def normal(self, point):
        return Vector(0, 1, 0)

    def colour(self, point):
        return 0.9 if (math.floor(point.x) + math.floor(point.z)) & 1 else 0.2


class Scene:
    def __init__(self, shapes, light):
        self.shapes, self.light = shapes, light

    def nearest(self, origin, direction):
        best = None
        for shape in self.shapes:
            distance = shape.hit(origin, direction)
            if distance is not None and (best is None or distance < best[0]):
                best = distance, shape
        return best

    def trace(self, origin, direction, depth):
        """Brightness seen along a ray, 0 to about 1."""
        found = self.nearest(origin, direction)
        if found is None:
            return 0.3 + 0.2 * direction.y
        distance, shape = found
        point = origin + direction * distance
        normal = shape.normal(point)
        to_light = (self.light - point).unit()
        lit = 0.0
        if self.nearest(point + normal * 1e-4, to_light) is None:
            lit = max(0.0, normal.dot(to_light))
        own = shape.colour(point) * (0.15 + 0.85 * lit)
        if depth == 0:
            return own
        mirrored = self.trace(point + normal * 1e-4, direction.reflect(normal).unit(), depth - 1)
        return 0.75 * own + 0.25 * mirrored


def run():
    shapes = [Sphere(Vector(i - 2.0, 0.4 * (i % 2), 4.0 + i % 3), 0.7, 0.3 + 0.15 * i) for i in range(5)]
    scene = Scene(shapes + [Floor(-1.0)], Vector(-5.0, 8.0, -3.0))
    eye, width, height = Vector(0, 0.5, -2), 80, 60
    total, rows = 0.0, []
    for j in range(height):
        row = ""
        for i in range(width):
            direction = Vector((i - width / 2) / width, (height / 2 - j) / width, 1.0).unit()
            value = scene.trace(eye, direction, 2)
            total += value
            row += " .:-=+*#%@"[max(0, min(9, int(value * 10)))]
        rows.append(row)
    print(f"raytrace {total:.6f} {sum(row.count('@') for row in rows)}")
