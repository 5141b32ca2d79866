"""Makes sequences.json: versions that edit a text "t" and a list "l", and what is shown.

An implementation of docs/wire-format.md of its own, of kinds 1 and 2 alone; it shares nothing with the Rust code.
Run it in this folder: `python3 sequences.py > sequences.json`. There are no forks, so no CID decides.
"""
import json
import random

SIDES = (0, 1)


class Case:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.versions = []  # replica, first, stamp, parents, ops
        self.ancestors = []  # of each version, by index
        self.inserts = []  # placed inserts of the whole case, found by the rules

    def write(self, replica, parents, make):
        ancestors = set(parents)
        for parent in parents:
            ancestors |= self.ancestors[parent]
        own = [self.versions[i] for i in ancestors if self.versions[i]["replica"] == replica]
        first = 1 + max((v["first"] + len(v["operations"]) - 1 for v in own), default=0)
        stamp = 1 + max((v["stamp"] for v in own), default=self.random.randrange(5))
        version = {"replica": replica, "first": first, "stamp": stamp, "parents": sorted(parents),
                   "operations": [{"path": [], "kind": 5, "code": 0, "argument": True, "kills": []}]}
        self.versions.append(version)
        self.ancestors.append(ancestors)
        for _ in range(self.random.randint(1, 3)):
            version["operations"].append(make(self, replica, ancestors, first, version["operations"]))


def literal(case):
    """The views, from the versions alone."""
    ops = []
    for i, version in enumerate(case.versions):
        for k, op in enumerate(version["operations"]):
            ops.append(dict(op, version=i, dot=(version["replica"], version["first"] + k), at=len(ops)))
    placed = {}
    for op in ops:
        if op["kind"] in (1, 2) and op["code"] == 0 and op["path"]:
            place = find_place(case, op, ops, placed)
            if place is not None:
                placed[op["at"]] = place
    meant = [op for op in ops if op["path"] and (op["code"] != 0 or op["at"] in placed) and right(op)]
    dead = set()
    for killer in meant:
        for victim in meant:
            if list(victim["dot"]) in killer["kills"] and victim["path"] == killer["path"] \
                    and victim["version"] in case.ancestors[killer["version"]]:
                dead.add(victim["at"])
    hidden = set()
    for op in meant:
        if op["code"] != 3:
            continue
        for entry in op["argument"]:
            dot, (start, count) = named(entry, op["dot"][0])
            for at in placed:
                target = ops[at]
                if target["dot"] == dot and same_field(target, op) \
                        and target["version"] in case.ancestors[op["version"]]:
                    hidden |= {(at, k) for k in range(start, min(start + count, len(placed[at][2])))}
    view = {}
    for path, kind in (("t", 1), ("l", 2)):
        here = [op for op in meant if op["path"] == [path] and op["kind"] == kind]
        if not any(op["code"] in (0, 2) and op["at"] not in dead for op in here):
            continue
        mine = {op["at"] for op in here if op["at"] in placed}
        shown = [placed[at][2][k] for at, k in walk(ops, placed, mine)
                 if at not in dead and (at, k) not in hidden]
        view[path] = "".join(shown) if kind == 1 else shown
    return view


def walk(ops, placed, mine):
    """In-order: left children, the element, right children."""
    def children(parent, side):
        found = [(at, 0) for at in mine if placed[at][0] == parent and placed[at][1] == side]
        if parent is not None and side == 1 and parent[1] + 1 < len(placed[parent[0]][2]):
            found.append((parent[0], parent[1] + 1))
        return sorted(found, key=lambda e: ops[e[0]]["dot"])

    def visit(element):
        for child in children(element, 0):
            yield from visit(child)
        yield element
        for child in children(element, 1):
            yield from visit(child)

    for top in children(None, 1):
        yield from visit(top)


def find_place(case, op, ops, placed):
    argument = op["argument"]
    if not (isinstance(argument, list) and len(argument) == 3):
        return None
    anchor, side, content = argument
    wanted = str if op["kind"] == 1 else list
    if side not in SIDES or not isinstance(content, wanted) or len(content) == 0:
        return None
    if anchor is None:
        return (None, 1, list(content)) if side == 1 else None
    dot, (offset,) = named(anchor, op["dot"][0])
    for at in placed:
        target = ops[at]
        seen = target["version"] == op["version"] or target["version"] in case.ancestors[op["version"]]
        if target["dot"] == dot and same_field(target, op) and seen and offset < len(placed[at][2]):
            return ((at, offset), side, list(content))
    return None


def right(op):
    if op["code"] in (1, 2):
        return op["argument"] is None
    if op["code"] == 3:
        argument = op["argument"]
        return isinstance(argument, list) and len(argument) > 0 and all(named(e, 0)[1][1] >= 1 for e in argument)
    return True


def same_field(a, b):
    return a["path"] == b["path"] and a["kind"] == b["kind"]


def named(entry, writer):
    """A dot in its short or its long form, and what follows."""
    if isinstance(entry[0], dict):
        return (entry[0]["replica"], entry[1]), entry[2:]
    return (writer, entry[0]), entry[1:]


def operation(case, replica, ancestors, first, own):
    pick = case.random
    kind = pick.choice((1, 1, 2))
    path = ["t"] if kind == 1 else ["l"]
    known = [(v["replica"], v["first"] + k, len(op["argument"][2]))
             for i, v in enumerate(case.versions) for k, op in enumerate(v["operations"])
             if op["path"] == path and op["code"] == 0 and (i in ancestors or pick.random() < 0.2)]
    known += [(replica, first + k, len(op["argument"][2])) for k, op in enumerate(own)
              if op["path"] == path and op["code"] == 0]
    live = [[v["replica"], v["first"] + k] for i, v in enumerate(case.versions)
            for k, op in enumerate(v["operations"]) if op["path"] == path and i in ancestors]
    code = pick.choice((0, 0, 0, 0, 0, 0, 3, 3, 3, 1, 2)) if known else pick.choice((0, 0, 0, 2))
    kills = sorted(pick.sample(live, pick.randint(0, min(2, len(live))))) if code in (1, 2) else []

    def dot():
        who, number, length = pick.choice(known)
        name = [number] if who == replica and pick.random() < 0.7 else [{"replica": who}, number]
        return name, length

    if code == 0:
        letters = [pick.choice("abcdeåñ🌍") for _ in range(pick.randint(1, 4))]
        content = "".join(letters) if kind == 1 else [pick.randrange(10) for _ in letters]
        if not known or pick.random() < 0.2:
            argument = [None, 1, content]
        else:
            name, length = dot()
            # Seldom beyond the end: then the insert is a no-op.
            offset = pick.randrange(length) if pick.random() < 0.9 else length
            argument = [name + [offset], pick.choice(SIDES), content]
    elif code == 3:
        argument = []
        for _ in range(pick.randint(1, 2)):
            name, length = dot()
            argument.append(name + [pick.randrange(length), pick.randint(1, 3)])
    else:
        argument = None
    return {"path": path, "kind": kind, "code": code, "argument": argument, "kills": kills}


def make(seed):
    case = Case(seed)
    last = {}
    for _ in range(case.random.randint(2, 9)):
        replica = case.random.randint(1, 3)
        parents = {last[replica]} if replica in last else set()
        parents |= {last[r] for r in last if case.random.random() < 0.4}
        case.write(replica, parents, operation)
        last[replica] = len(case.versions) - 1
    return {"seed": seed, "versions": case.versions, "view": literal(case)}


if __name__ == "__main__":
    note = "texts and lists; made by sequences.py, an implementation of its own"
    lines = ",\n".join(json.dumps(make(seed), ensure_ascii=False, sort_keys=True) for seed in range(60))
    print('{"note": ' + json.dumps(note) + ',\n"data": [\n' + lines + "\n]}")
