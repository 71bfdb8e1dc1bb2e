"""nbody: float arithmetic on attributes of a five-body solar system."""

import math

PI = math.pi
SOLAR_MASS = 4 * PI * PI
DAYS = 365.24


def make_bodies():
    """Sun, Jupiter, Saturn, Uranus, Neptune as [x, y, z, vx, vy, vz, mass]."""
    rows = [
        (0, 0, 0, 0, 0, 0, 1),
        (4.84143144246472082945, -1.16032004402742839362, -0.103622044471123109494,
         0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023, 0.000954791938424326609),
        (8.34336671824457987790, 4.12479856412430479268, -0.403523417114321381293,
         -0.00276742510726411554, 0.00499852801234917238, 0.0000230417297573763929, 0.000285885980666130812),
        (12.8943695621391310164, -15.1111514016986312525, -0.223307578892655734398,
         0.00296460137564761618, 0.00237847173959480950, -0.0000296589568540237556, 0.0000436624404335156298),
        (15.3796971148509165498, -25.9193146099879641146, 0.179258772950371181757,
         0.00268067772490389322, 0.00162824170038242295, -0.0000951592254519715870, 0.0000515138902046611451),
    ]
    bodies = [[x, y, z, vx * DAYS, vy * DAYS, vz * DAYS, m * SOLAR_MASS] for x, y, z, vx, vy, vz, m in rows]
    for axis in (3, 4, 5):
        bodies[0][axis] = -sum(b[axis] * b[6] for b in bodies) / SOLAR_MASS
    return bodies


def advance(bodies, pairs, dt, steps):
    """Move the system `steps` time steps of `dt` years, in place."""
    for _ in range(steps):
        for a, b in pairs:
            dx = a[0] - b[0]
            dy = a[1] - b[1]
            dz = a[2] - b[2]
            mag = dt * (dx * dx + dy * dy + dz * dz) ** -1.5
            ma = a[6] * mag
            mb = b[6] * mag
            a[3] -= dx * mb
            a[4] -= dy * mb
            a[5] -= dz * mb
            b[3] += dx * ma
            b[4] += dy * ma
            b[5] += dz * ma
        for body in bodies:
            body[0] += dt * body[3]
            body[1] += dt * body[4]
            body[2] += dt * body[5]


def energy(bodies, pairs):
    """Total energy, which a good integrator keeps."""
    total = sum(0.5 * b[6] * (b[3] ** 2 + b[4] ** 2 + b[5] ** 2) for b in bodies)
    for a, b in pairs:
        total -= a[6] * b[6] / math.dist(a[:3], b[:3])
    return total


def run():
    bodies = make_bodies()
    pairs = [(a, b) for i, a in enumerate(bodies) for b in bodies[i + 1:]]
    before = energy(bodies, pairs)
    advance(bodies, pairs, 0.01, 15000)
    print(f"nbody {before:.9f} {energy(bodies, pairs):.9f}")
