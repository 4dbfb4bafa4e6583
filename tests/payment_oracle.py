"""Plain payment: what a month pays, worked out with fractions and lists, from the terms as a clerk reads them.

Written from the rules of the contract language, not from the code, and used to check it. The steps:

- sums that are held until an act compare with nothing; a cap serves them last; they use up an allowance only where
  the contractor bears the doubt;
- *relief*: what a granted relief covers costs nothing, and leaves the plan where the tariff says so;
- *overlap*: of the events of one container, day and nature (or of all natures) under standards that keep the highest,
  only the dearest counts (of equals the earliest, then the standard's first consequence, then the first name);
- *allowance*: the first events of the month are free, counted for the contract, the zone or the container;
- *tariff*: by the value that the contractor bears, or the smallest miss where that one meets the target; so much an
  event, an hour or day (begun, whole or exact), one too many, the share missing; a percentage of a base sum by band;
  by the event's number; the event's part of a base sum that all checks of the month share;
- *repeat*: times a factor from some event on; *bedding_in*: nothing is charged in the first months;
- *index*: at the unit's value in the month of the fact;
- *cap*: in the order of time until the percentage of the base sum is spent; what it leaves nothing of is out; where
  the terms carry over, what it cut off is charged in the months after, as far as they leave room, the oldest first;
- *points*: what is charged in points goes into an account, of which a sum of money is made;
- *de_minimis*: what all of some natures come to is not charged below a limit; doubts of the city's lift nothing;
- *total_cap*: events in the order of time, then accounts, until a cap on the whole is spent;
- *round*: each line, or at the end the total; rounding never lifts a deduction above its cap.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from rules.records import Determination, Relief
from tests.plain_events import NOUGHT, Event, Table
from tests.plain_numbers import number, to_step

LENGTHS = {"PT1H": 3_600_000_000, "PT40M": 2_400_000_000, "P1D": 86_400_000_000}


class Payment:
    """The calculation of one month."""

    def __init__(
        self,
        terms: Table,
        indexes: Mapping[tuple[str, str], Fraction],
        period: str,
        reliefs: Sequence[Relief] = (),
        spent: Mapping[str, Fraction] | None = None,
        earlier: Sequence["Payment"] = (),
    ) -> None:
        self.terms, self.period = terms, period
        self.indexes, self.reliefs, self.spent = indexes, reliefs, spent or {}
        self.earlier = earlier
        self.staying: set[str] = set()
        self.counted: Counter[tuple[str, str, int, str]] = Counter()
        self.checks: Counter[str] = Counter()
        self.excused: list[Event] = []
        self.points: dict[str, Fraction] = {}
        self.accounts: dict[str, Fraction] = {}
        self.capped: dict[str, Fraction] = {}
        self.first = date.fromisoformat(f"{period}-01")
        self.rounding: Table = terms["money"]["rounding"]

    def before(self, step: str, event: Event, per: str) -> int:
        """Events of the months before that count with an event's month; and count it for the months after."""
        window = event.standard["count_window"]
        key = (step, event.fact.standard, event.place, event.scope(per))
        length = {"calendar_month": 0, "rolling_months": window.get("months", 1) - 1}.get(window["kind"], 999)
        return sum(month.counted[key] for month in self.earlier[max(len(self.earlier) - length, 0) :] if length)

    def count(self, step: str, events: Sequence[Event], per: Callable[[Event], str]) -> None:
        """Remember how many events there were."""
        for event in events:
            if not event.is_held or event.is_borne:
                self.counted[step, event.fact.standard, event.place, event.scope(per(event))] += 1

    def unit(self, event: Event) -> Fraction:
        """Value of the tariff's unit."""
        unit = event.consequence["tariff"]["unit"]
        is_plain = unit == self.terms["money"]["currency"] or self.is_points(unit)
        return Fraction(1) if is_plain else self.indexes[unit, event.fact.day[:7]]

    def is_points(self, unit: str) -> bool:
        """Whether a unit is a points account."""
        return any(account["id"] == unit for account in self.terms.get("points", []))

    def events(self, facts: Sequence[Determination]) -> list[Event]:
        """Events that cost something, or may, in the order of time."""
        self.checks = Counter(fact.standard for fact in facts)
        standards = {one["id"]: one for one in self.terms["standard"]}
        found: list[Event] = []
        for fact in facts:
            standard = standards[fact.standard]
            policy = standard["inconclusive"] if fact.verdict.value == "inconclusive" else fact.verdict.value
            if policy == "by_cause":
                policy = "deduct" if Event(fact, standard, 0, is_held=False).is_borne else "met"
            is_earned = policy == "met" and (fact.verdict.value == "met" or standard["inconclusive"] == "by_cause")
            is_missed = policy in {"not_met", "deduct", "hold"}
            for n, one in enumerate(standard["consequence"]):
                if is_earned if one.get("on") == "met" else is_missed:
                    found.append(Event(fact, standard, n, policy == "hold"))
        found.sort(key=lambda one: (one.fact.window_start_us, one.fact.standard, one.fact.subject, one.place))
        return found

    def settle(self, facts: Sequence[Determination]) -> list[Event]:
        """Take the steps; where checks that leave the plan would make relief cost, keep them in it, and again."""
        plain = Payment(self.terms, self.indexes, self.period, (), self.spent, self.earlier)
        undone = plain.costs(plain.done(facts))
        while True:
            self.excused, self.points, self.accounts, self.capped = [], {}, {}, {}
            self.counted.clear()
            events = self.done(facts)
            costs = self.costs(events)
            leaving = {
                one.fact.standard
                for one in self.excused
                for each in one.standard["consequence"]
                if each["tariff"].get("excused") == "out_of_plan"
            } - self.staying
            more = {name for name, place in costs if costs[name, place] > undone.get((name, place), NOUGHT)} & leaving
            if not more and sum(costs.values()) > sum(undone.values()):
                more = leaving
            if not more:
                return events
            self.staying |= more

    def done(self, facts: Sequence[Determination]) -> list[Event]:
        """Take the steps once."""
        events = self.events(facts)
        self.run(events)
        return events

    def costs(self, events: list[Event]) -> dict[tuple[str, bool], Fraction]:
        """Cost of each standard and account: what is settled, and what is in procedure."""
        found: defaultdict[tuple[str, bool], Fraction] = defaultdict(Fraction)
        for event in events:
            is_open = event.consequence["nature"] in {"fine", "damages"} or (event.counts and event.is_held)
            found[event.fact.standard, is_open] += -event.amount if event.is_bonus else event.amount
        for account in self.terms.get("points", []):
            found[account["id"], account["nature"] in {"fine", "damages"}] += self.accounts[account["id"]]
        return found

    def run(self, events: list[Event]) -> None:
        """Take the steps in the order that the terms declare."""
        steps: dict[str, Callable[[list[Event]], None]] = {
            "relief": self.relief,
            "overlap": self.overlap,
            "allowance": self.allowance,
            "repeat": self.repeat,
            "bedding_in": self.bedding_in,
            "points": lambda live: self.collect(live, events),
            "de_minimis": self.de_minimis,
            "total_cap": self.total_cap,
            "tariff": self.tariff,
            "index": self.index,
            "cap": self.cap,
            "round": self.round,
        }
        for step in self.terms["money"]["order"]:
            live = [event for event in events if event.counts]
            certain = [event for event in live if not event.is_held]
            held = [event for event in live if event.is_held]
            counted = [event for event in live if not event.is_held or event.is_borne]
            steps[step](certain if step == "overlap" else counted if step == "allowance" else certain + held)

    def overlap(self, events: list[Event]) -> None:
        """Keep the dearest of each container and day."""
        order = list(self.terms["money"]["order"])
        done = order[: order.index("overlap")]

        def cost(event: Event) -> Fraction:
            if "index" in done:
                return event.amount
            # An event has its number only once the tariff was taken.
            return (event.amount if "tariff" in done else self.price(event, 0)) * self.unit(event)

        groups: defaultdict[tuple[str, str, str], list[Event]] = defaultdict(list)
        for event in events:
            overlap = event.standard["overlap"]
            if (overlap["group"], overlap["keep"]) == ("asset_day", "highest") and not event.is_bonus:
                nature = event.consequence["nature"] if "across" not in event.standard["overlap"] else "any"
                groups[event.fact.subject, event.fact.day, nature].append(event)
        for group in groups.values():
            group.sort(key=lambda one: (-cost(one), one.fact.window_start_us, one.place != 0, one.fact.standard))
            for event in group[1:]:
                event.counts, event.amount = False, NOUGHT

    def relief(self, events: list[Event]) -> None:
        """Excuse what a relief of the terms' codes touches, or holds."""
        codes = {one["code"]: one["covers"] for one in self.terms.get("relief", []) if "spares" in one["effect"]}
        for event in events:
            fact = event.fact
            for one in self.reliefs:
                if one.code not in codes or event.is_bonus:
                    continue
                first, last = (
                    (fact.window_start_us, fact.window_end_us)
                    if codes[one.code] == "contained"
                    else (fact.window_end_us - 1, fact.window_start_us + 1)
                )
                named = [(one.standards, fact.standard), (one.zones, fact.zone), (one.subjects, fact.subject)]
                is_named = all(who in group for group, who in named if group)
                if is_named and one.since_us <= first and last <= one.until_us and event.counts:
                    event.counts, event.amount = False, NOUGHT
                    self.excused.append(event)

    def repeat(self, events: list[Event]) -> None:
        """Multiply what comes again."""
        for event in events:
            said = event.consequence.get("repeat")
            if not said:
                continue
            alike = [
                other
                for other in events
                if (other.fact.standard, other.place) == (event.fact.standard, event.place)
                and other.scope(said["per"]) == event.scope(said["per"])
                and (not other.is_held or other.is_borne)
            ]
            when = (event.fact.window_start_us, event.fact.subject)
            earlier = sum((other.fact.window_start_us, other.fact.subject) < when for other in alike)
            behind = self.before("repeat", event, said["per"])
            mine, all_of_them = behind + earlier + 1, behind + max(len(alike), earlier + 1)
            factor = Fraction(1)
            for step in said["steps"]:
                is_first = step is said["steps"][0]
                reached = {"later": mine, "top": all_of_them, "graded": all_of_them if is_first else mine}
                if reached[said["hits"]] >= step["from"]:
                    factor = Fraction(step["multiplier"])
            event.amount *= factor
        again = [event for event in events if "repeat" in event.consequence]
        self.count("repeat", again, lambda event: event.consequence["repeat"]["per"])

    def bedding_in(self, events: list[Event]) -> None:
        """Charge nothing in the first months."""
        for event in events:
            if event.day < self.terms["bedding_in"]["until"]:
                event.shadow, event.counts, event.amount = event.amount, False, NOUGHT

    def collect(self, live: list[Event], events: list[Event]) -> None:
        """Put points into their accounts, and make money of them."""
        for account in self.terms["points"]:
            mine = [event for event in live if event.consequence["tariff"]["unit"] == account["id"]]
            points = sum((event.amount for event in mine), NOUGHT)
            shadows = [event.shadow for event in events if event.consequence["tariff"]["unit"] == account["id"]]
            bedding = self.terms.get("bedding_in", {"counts_for_triggers": False})
            self.points[account["id"]] = points + (sum(shadows, NOUGHT) if bedding["counts_for_triggers"] else NOUGHT)
            for event in mine:
                event.counts, event.amount = False, NOUGHT
            self.accounts[account["id"]] = self.money(account, points)

    def money(self, account: Table, points: Fraction) -> Fraction:
        """What so many points cost."""
        rule, free = account["to_money"], number(account["free"], self.first)
        paid = max(points - free, NOUGHT)
        match rule["kind"]:
            case "linear":
                units = paid
            case "bands":
                units = Fraction(paid // number(rule["band"], self.first))
            case _:
                units = NOUGHT
                steps = [(Fraction(one["above"]), Fraction(one["multiplier"])) for one in rule["slices"]]
                if rule["hits"] == "whole":
                    units = paid * max([factor for above, factor in steps if points > above], default=NOUGHT)
                else:
                    before = NOUGHT
                    for above, factor in steps:
                        units += max(points - max(above, free), NOUGHT) * (factor - before)
                        before = factor
        value = Fraction(1) if rule["unit"] == "CLP" else self.indexes[rule["unit"], self.period]
        return units * number(rule["amount"], self.first) * value

    def de_minimis(self, events: list[Event]) -> None:
        """Charge nothing of what is little in all."""
        said = self.terms["money"]["de_minimis"]
        mine = [event for event in events if event.consequence["nature"] in said["natures"] and not event.is_bonus]
        accounts = [one["id"] for one in self.terms.get("points", []) if one["nature"] in said["natures"]]
        certain = sum((event.amount for event in mine if not event.is_held or event.is_borne), NOUGHT)
        certain += sum((self.accounts[name] for name in accounts), NOUGHT)
        doubt = sum((event.amount for event in mine if event.is_held and not event.is_borne), NOUGHT)
        limit = number(said["amount"], self.first)
        if certain < limit:
            for event in mine:
                is_left = event.is_held and not event.is_borne and certain + doubt >= limit
                if not is_left:
                    event.counts, event.amount = event.counts and not event.amount, NOUGHT
            self.accounts |= dict.fromkeys(accounts, NOUGHT)

    def total_limit(self, cap: Table) -> Fraction:
        """What is left of a cap on the whole when the month begins."""
        limit = number(cap["amount"], self.first) if "amount" in cap else NOUGHT
        if "pct" in cap:
            months = [self.first]
            if cap.get("of") == "span":
                begun, until = (self.terms["contract"]["effective"][key] for key in ("from", "until"))
                every = [date(year, month, 1) for year in range(begun.year, until.year + 1) for month in range(1, 13)]
                every = [day for day in every if begun <= day < until]
                length = {"month": 1, "half_year": 6, "contract_year": 12, "contract": len(every)}[cap["per"]]
                here = every.index(self.first) // length * length
                months = every[here : here + length]
            limit = (
                sum((self.base(cap["base"], day) for day in months), NOUGHT) * number(cap["pct"], self.first) / 100
            )
        return max(limit - self.spent.get(cap["id"], NOUGHT), NOUGHT)

    def total_cap(self, events: list[Event]) -> None:
        """Charge events, then accounts, until a cap on the whole is spent."""
        for cap in self.terms["total_cap"]:
            left = self.total_limit(cap)
            for event in events:
                if event.consequence["nature"] in cap["natures"] and not event.is_bonus:
                    event.amount = min(event.amount, left)
                    event.counts = (event.counts and left > 0) or event.amount > 0
                    left -= event.amount
            for account in self.terms.get("points", []):
                if account["nature"] in cap["natures"]:
                    self.accounts[account["id"]] = min(self.accounts[account["id"]], left)
                    left -= self.accounts[account["id"]]
            self.capped[cap["id"]] = self.total_limit(cap) - left

    def allowance(self, events: list[Event]) -> None:
        """Free the first of the month."""
        seen: defaultdict[tuple[str, int, str], int] = defaultdict(int)
        for event in events:
            said = event.consequence.get("allowance")
            if said:
                key = (event.fact.standard, event.place, event.scope(said["per"]))
                seen[key] += 1
                if seen[key] + self.before("allowance", event, said["per"]) <= number(said["free"], event.day):
                    event.counts, event.amount = False, NOUGHT
        free = [event for event in events if "allowance" in event.consequence]
        self.count("allowance", free, lambda event: event.consequence["allowance"]["per"])

    def tariff(self, events: list[Event]) -> None:
        """Price each."""
        for event in events:
            per = event.consequence["tariff"].get("key", "contract")
            earlier = [
                other
                for other in events
                if (other.fact.standard, other.place) == (event.fact.standard, event.place)
                and other.scope(per) == event.scope(per)
                and (other.fact.window_start_us, other.fact.subject)
                < (event.fact.window_start_us, event.fact.subject)
                and (not other.is_held or other.is_borne)
            ]
            event.amount = self.price(event, len(earlier) + self.before("tariff", event, per))
        self.count("tariff", events, lambda event: event.consequence["tariff"].get("key", "contract"))

    def price(self, event: Event, earlier: int) -> Fraction:
        """Price one, before which so many count."""
        tariff, by = event.consequence["tariff"], abs(event.value - event.fact.target)
        share = Fraction(max(event.value, 0), 1_000_000)
        if tariff["kind"] == "range":
            return number(tariff["min"], event.day)
        if tariff["kind"] == "band":
            pct = [Fraction(one["pct"]) for one in reversed(tariff["bands"]) if share >= Fraction(one["from"])][-1]
            return self.base(tariff["base"]) * pct / 100
        if tariff["kind"] == "nth":
            amounts = tariff["amounts"]
            return number(amounts[earlier] if earlier < len(amounts) else amounts[-1], event.day)
        if tariff["kind"] == "planned_share":
            return self.base(tariff["base"]) / self.planned(event)
        times = {"per_event": 1, "per_time": self.times(tariff, event), "per_unit": by, "proportional": 1 - share}
        return number(tariff["amount"], event.day) * times[tariff["kind"]]

    @staticmethod
    def times(tariff: Table, event: Event) -> Fraction:
        """Hours, or days, that a time counts as: whole ones, and what becomes of the rest."""
        if tariff["kind"] != "per_time":
            return NOUGHT
        length = LENGTHS[tariff["time"]]
        left, times = (event.value if tariff["of"] == "whole" else abs(event.value - event.fact.target)), 0
        while left >= length:
            left, times = left - length, times + 1
        part = {"started": Fraction(left > 0), "completed": NOUGHT, "exact": Fraction(left, length)}
        return times + part[tariff["count"]]

    def planned(self, event: Event) -> int:
        """Checks that share a base sum: all of the standard, or those that no relief excuses."""
        name = event.fact.standard
        excused = {one.fact.opportunity for one in self.excused if one.fact.standard == name}
        is_out = event.consequence["tariff"]["excused"] == "out_of_plan" and name not in self.staying
        return self.checks[name] - (len(excused) if is_out else 0)

    def base(self, name: str, month: date | None = None) -> Fraction:
        """Base sum of a month, this one if no other is asked for."""
        first = month or self.first
        one = next(one for one in self.terms["base"] if one["id"] == name)
        kind = one.get("pro_rata", "none")
        if kind == "none":
            return number(one["amount"], first)
        days = [day for n in range(31) if (day := first + timedelta(days=n)).month == first.month]
        if kind == "working_days":
            names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            days = [day for day in days if names[day.weekday()] in one["working_days"]["days"]]
        return sum((number(one["amount"], day) for day in days), NOUGHT) / len(days)

    def index(self, events: list[Event]) -> None:
        """Turn units into the currency."""
        for event in events:
            event.amount *= self.unit(event)

    def room(self, event: Event) -> tuple[tuple[Any, ...], Fraction] | None:
        """What shares the event's cap, and the cap."""
        cap = event.consequence.get("cap")
        if not cap:
            return None
        limit = number(cap["amount"], event.day) if "amount" in cap else NOUGHT
        if "pct" in cap:
            limit = self.base(cap["base"]) * number(cap["pct"], event.day) / 100
        shared = {"zone_month": event.fact.zone, "month": "", "event": f"{event.fact.subject} {event.fact.day}"}
        return (event.fact.standard, event.place, shared[cap["per"]]), limit

    def cap(self, events: list[Event]) -> None:
        """Charge until the cap is spent."""
        spent: defaultdict[tuple[Any, ...], Fraction] = defaultdict(Fraction)
        for event in events:
            if room := self.room(event):
                left = max(room[1] - spent[room[0]], NOUGHT)
                if event.amount > left:
                    event.cut = event.amount - left
                    event.amount, event.counts = left, left > 0
                spent[room[0]] += event.amount

    def line(self, amount: Fraction, day: date) -> Fraction:
        """Round one line, where lines are rounded."""
        if self.rounding["at"] != "line":
            return amount
        return to_step(amount, number(self.rounding["step"], day), self.rounding["mode"])

    def round(self, events: list[Event]) -> None:
        """Round each line, never above its caps."""
        if self.rounding["at"] != "line":
            return
        spent: defaultdict[tuple[Any, ...], Fraction] = defaultdict(Fraction)
        order = list(self.terms["money"]["order"])
        for event in events:
            room = self.room(event)
            if room and "repeat" in event.consequence and order.index("cap") < order.index("repeat"):
                room = None
            rooms = [*([room] if room else []), *self.totals("" if event.is_bonus else event.consequence["nature"])]
            event.amount = self.under(self.line(event.amount, event.day), event.day, rooms, spent)
        for account in self.terms.get("points", []):
            amount = self.line(self.accounts[account["id"]], self.first)
            self.accounts[account["id"]] = self.under(amount, self.first, self.totals(account["nature"]), spent)
        for cap in self.terms.get("total_cap", []):
            self.capped[cap["id"]] = spent["total", cap["id"]]

    def totals(self, nature: str) -> list[tuple[tuple[Any, ...], Fraction]]:
        """Caps on the whole that a nature falls under."""
        caps = self.terms.get("total_cap", [])
        return [(("total", cap["id"]), self.total_limit(cap)) for cap in caps if nature in cap["natures"]]

    def under(
        self,
        amount: Fraction,
        day: date,
        rooms: Sequence[tuple[tuple[Any, ...], Fraction]],
        spent: defaultdict[tuple[Any, ...], Fraction],
    ) -> Fraction:
        """Leave off what rounding up adds beyond a cap."""
        for key, limit in rooms:
            left = max(limit - spent[key], NOUGHT)
            amount = min(amount, to_step(left, number(self.rounding["step"], day), "down"))
        for key, _ in rooms:
            spent[key] += amount
        return amount
