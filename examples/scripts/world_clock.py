"""Dates and time zones: daylight saving, business days, recurring events, ages, ISO weeks, calendars."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

NEW_YORK, LONDON, TOKYO, KOLKATA = map(ZoneInfo, ("America/New_York", "Europe/London", "Asia/Tokyo", "Asia/Kolkata"))


def easter(year):
    """Western Easter by the anonymous Gregorian algorithm."""
    a, b, c = year % 19, year // 100, year % 100
    d, e, f = b // 4, b % 4, (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    l = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * l) // 451
    month, day = divmod(h + l - 7 * m + 114, 31)
    return date(year, month, day + 1)


def holidays(year):
    spring = easter(year)
    return {date(year, 1, 1), spring - timedelta(2), spring + timedelta(1), date(year, 12, 25), date(year, 12, 26)}


def business_days(start):
    for n in count():
        day = start + timedelta(days=n)
        if day.weekday() < 5 and day not in holidays(day.year):
            yield day


def nth_weekday(year, month, weekday, n):
    """The n-th (or, negative, n-th last) such weekday of a month."""
    days = [d for d in calendar.Calendar().itermonthdates(year, month) if d.month == month and d.weekday() == weekday]
    return days[n - 1 if n > 0 else n]


def add_months(day, months):
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def age(born, today):
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def human(delta):
    seconds = int(delta.total_seconds())
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        amount, seconds = divmod(seconds, size)
        if amount:
            parts.append(f"{amount} {name}")
    return " ".join(parts) or "0 s"


launch = datetime(2025, 3, 30, 0, 30, tzinfo=UTC)
for zone in (NEW_YORK, LONDON, TOKYO, KOLKATA):
    local = launch.astimezone(zone)
    print(f"{zone.key:<18}{local:%a %d %b %Y %H:%M %Z %z}  dst {local.dst()}")
before = datetime(2025, 3, 30, 0, 59, tzinfo=LONDON)
print("clock adds", before + timedelta(minutes=2), "elapsed adds", (before.astimezone(UTC) + timedelta(minutes=2)).astimezone(LONDON))
early = datetime(2025, 11, 2, 1, 30, tzinfo=NEW_YORK)
late = early.replace(fold=1)
print("the same wall clock twice:", early.utcoffset(), late.utcoffset(), late.astimezone(UTC) - early.astimezone(UTC))
try:
    ZoneInfo("Mars/Olympus_Mons")
except ZoneInfoNotFoundError as err:
    print(type(err).__name__)

print("easter:", [f"{easter(y):%d %b}" for y in range(2024, 2029)])
print("next business days:", [f"{d:%a %d}" for d in islice(business_days(date(2025, 4, 17)), 4)])
print("thanksgiving:", nth_weekday(2025, 11, 3, 4), "last friday:", nth_weekday(2025, 2, 4, -1))
print("month ends:", [str(add_months(date(2024, 1, 31), n)) for n in (1, 2, 13)])
print("ages:", age(date(2000, 2, 29), date(2025, 2, 28)), age(date(2000, 2, 29), date(2025, 3, 1)))
print("iso:", date(2024, 12, 30).isocalendar(), date.fromisocalendar(2025, 1, 1), date(2025, 1, 1).strftime("%G-W%V-%u, day %j"))
print("span:", human(datetime(2025, 3, 1, 8, 30, 5) - datetime(2025, 2, 27, 23, 59)), "|", human(timedelta(hours=-1) * -1))
print("parsed:", datetime.fromisoformat("2025-06-01T12:30:45.250+05:30"), datetime.strptime("7 Jul 99, 6PM", "%d %b %y, %I%p"))
print("stamp:", datetime.fromtimestamp(1_750_000_000, UTC), datetime(1969, 7, 20, 20, 17, tzinfo=UTC).timestamp())
print("time:", time(23, 59, 59, 999999).isoformat("milliseconds"), time.fromisoformat("04:23:01"), timedelta(days=-1, seconds=5))
print("leap:", [y for y in (1900, 2000, 2023, 2024) if calendar.isleap(y)], calendar.monthrange(2025, 2))
try:
    date(2025, 2, 29)
except ValueError as err:
    print("invalid date refused:", "day" in str(err))
print(calendar.TextCalendar(calendar.MONDAY).formatmonth(2025, 2), end="")
