# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which cells meet an area, decided independently: geodesics by pyproj, sets by Shapely.

In the azimuthal equidistant frame at a site its footprint is a plain disc or sector. Areas are
laid into that frame as rings of many points: edges straight in longitude and latitude, circles as
geodesic circles. Differences count unless they vanish within max(1 m, 0.1 % of the range).

usage: cell_oracle.py PROGRAM [SEED]       (TAP on stdout)
"""
import math
import random
import subprocess
import sys
import tempfile

import numpy
from pyproj import Geod
from shapely.geometry import Point, Polygon

GEOD = Geod(ellps="WGS84")
TABLES, AREAS, CELLS = 50, 10, 20
REGIONS = [  # name, latitude, longitude, spread in degrees
    ("middle latitudes", 51, 10, 2.0), ("a town", 48.2, 16.37, 0.1), ("the equator", 0, -70, 1.0),
    ("the antimeridian", -17.5, 180, 1.0), ("the far north", 71, -179.9, 1.5),
    ("the Arctic", 84, 20, 1.0)]


def wrap(lon):
    return round(math.remainder(lon, 360), 7)


def random_cell(rnd, lat, lon, spread):
    wide = 1 / math.cos(math.radians(lat))
    return (round(lat + rnd.uniform(-spread, spread), 7),
            wrap(lon + wide * rnd.uniform(-spread, spread)),
            int(min(300000, 10 ** rnd.uniform(1.5, 4.7) * max(0.2, spread))) if rnd.random() < .95 else 0,
            rnd.randrange(360), rnd.choice([360, 360, 120, 65, 10, 180, 240, 330]))


def random_polygon(rnd, lat, lon, spread):
    wide = 1 / math.cos(math.radians(lat))
    lat += rnd.uniform(-spread, spread)
    lon += wide * rnd.uniform(-spread, spread)
    size, rough, n = spread * 10 ** rnd.uniform(-2, 0.2), rnd.random(), rnd.randrange(3, 40)
    ring = []
    for i in range(n):
        q = size * (1 - rough * rnd.random())
        a = 2 * math.pi * i / n
        ring.append((round(lat + q * math.sin(a), 7), wrap(lon + q * wide * math.cos(a))))
    return ring + ring[:1]


def random_area(rnd, lat, lon, spread):
    shapes = []
    for _ in range(rnd.randrange(1, 3)):
        if rnd.random() < 0.7:
            shapes.append(("P", random_polygon(rnd, lat, lon, spread)))
        else:
            centre = random_cell(rnd, lat, lon, spread)[:2]
            shapes.append(("C", centre, round(111 * spread * 10 ** rnd.uniform(-3, 0.7), 6)))
    return shapes


def shape_text(shape):
    if shape[0] == "P":
        return "P" + " ".join("%.7f,%.7f" % p for p in shape[1])
    return "C%.7f,%.7f %.6f" % (*shape[1], shape[2])


def dense_points(shape):
    """Longitudes and latitudes along the border, close enough to be joined by straight lines."""
    if shape[0] == "C":
        (lat, lon), radius = shape[1], shape[2] * 1000
        n = max(64, int(math.pi * math.sqrt(radius / 0.2)))
        azimuths = numpy.linspace(0, 360, n, endpoint=False)
        lons, lats, _ = GEOD.fwd(numpy.full(n, lon), numpy.full(n, lat), azimuths,
                                 numpy.full(n, radius))
        return lons, lats
    lons, lats, ring = [], [], shape[1]
    for (lat0, lon0), (lat1, lon1) in zip(ring, ring[1:]):
        dlat, dlon = lat1 - lat0, math.remainder(lon1 - lon0, 360)
        length = math.hypot(dlat, dlon * math.cos(math.radians((lat0 + lat1) / 2)))
        t = numpy.arange(n := max(1, math.ceil(length / 0.01))) / n
        lons.append(lon0 + dlon * t)
        lats.append(lat0 + dlat * t)
    return numpy.concatenate(lons), numpy.concatenate(lats)


def local(cell, points):
    """The area in the frame at the cell's site, metres."""
    lons, lats = points
    azimuth, _, distance = GEOD.inv(numpy.full(len(lons), cell[1]), numpy.full(len(lons), cell[0]),
                                    lons, lats)
    a = numpy.radians(azimuth)
    return Polygon(numpy.column_stack((distance * numpy.sin(a), distance * numpy.cos(a))))


def footprint(cell):
    _, _, reach, azimuth, beam = cell
    if not reach:
        return Point(0, 0)
    n = max(8, 2 * beam)
    arc = [math.radians(azimuth - beam / 2 + beam * i / n) for i in range(n + (beam < 360))]
    ring = [(reach * math.sin(a), reach * math.cos(a)) for a in arc]
    return Polygon(ring if beam >= 360 else [(0, 0)] + ring)


def verdicts(cell, areas):
    """Whether the cell may be met, and whether it may be missed."""
    slack = max(1, cell[2] * 0.001)
    foot = footprint(cell)
    inner = foot.buffer(-slack)
    may_meet, may_miss = False, True
    for points in areas:
        area = local(cell, points)
        if not area.is_valid:
            area = area.buffer(0)
        may_meet |= foot.distance(area) <= slack
        core = area.buffer(-slack)
        if (not inner.is_empty and inner.intersects(area)) or core.intersects(foot):
            may_miss = False
    return may_meet, may_miss


def run_table(program, seed, number):
    rnd = random.Random(seed * 1000 + number)
    name, lat, lon, spread = REGIONS[number % len(REGIONS)]
    cells = [random_cell(rnd, lat, lon, spread) for _ in range(CELLS)]
    areas = [random_area(rnd, lat, lon, spread) for _ in range(AREAS)]
    with tempfile.NamedTemporaryFile("w") as c, tempfile.NamedTemporaryFile("w") as a:
        c.writelines("%.7f,%.7f,%d,%d,%d\n" % cell for cell in cells)
        a.writelines("|".join(map(shape_text, area)) + "\n" for area in areas)
        c.flush()
        a.flush()
        out = subprocess.run([program, c.name, a.name], stdout=subprocess.PIPE, check=True).stdout
    wrong, met, missed, border = [], 0, 0, 0
    for area, line in zip(areas, out.decode().split("\n")):
        rows = set(map(int, line.split()))
        points = [dense_points(shape) for shape in area]
        for row, cell in enumerate(cells):
            may_meet, may_miss = verdicts(cell, points)
            border += may_meet and may_miss
            met += row in rows
            missed += row not in rows
            if not (may_meet if row in rows else may_miss):
                wrong.append("%s: cell %s is %smet by %s" % (
                    name, cell, "" if row in rows else "not ", "|".join(map(shape_text, area))))
    return wrong, met, missed, border


def main():
    program, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    totals, number = [0, 0, 0], 0
    for table in range(TABLES):
        wrong, *counts = run_table(program, seed, table)
        totals = [t + c for t, c in zip(totals, counts)]
        number += 1
        print("%sok %d - table %d, %s, seed %d" % ("not " if wrong else "", number, table,
                                                  REGIONS[table % len(REGIONS)][0], seed), flush=True)
        for text in wrong[:3]:
            print("# " + text)
    met, missed, border = totals
    good = met > 1000 and missed > 1000 and border < 0.02 * (met + missed)
    number += 1
    print("%sok %d - answers of both kinds, few at the border" % ("" if good else "not ", number))
    print("# %d met, %d missed, %d within the tolerance" % (met, missed, border))
    print("1..%d" % number)


main()
