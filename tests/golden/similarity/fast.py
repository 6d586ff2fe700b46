#!/usr/bin/env python3
"""Values of the FaST measure, computed plainly and with other data structures than src/bucket/fast.c.

    tests/golden/similarity/fast.py > tests/golden/similarity/fast.txt

Each case is four lines: alpha beta gamma, "share" of each frame 1, 2, ..., and the two stacks, a frame
with '~' before it when a scan found it; then the score.  A frame weighs p^-alpha e^(-beta 100 share),
half of it when scanned; the k-th occurrence of a frame in one stack meets the k-th in the other.
"""
import math
import random

FRAMES = 9
CASES = 60


def weight(settings, shares, frame, position, is_scanned):
    alpha, beta, _ = settings
    rare = math.exp(-min(beta * 100 * shares[frame - 1], 20))
    return position ** -alpha * rare * (0.5 if is_scanned else 1)


def places(stack):
    """frame -> [(position, scanned)] in order of position"""
    found = {}
    for position, (frame, is_scanned) in enumerate(stack, 1):
        found.setdefault(frame, []).append((position, is_scanned))
    return found


def score(settings, shares, first, second):
    total = gained = 0.0
    one, two = places(first), places(second)
    for frame in set(one) | set(two):
        left, right = one.get(frame, []), two.get(frame, [])
        for k in range(max(len(left), len(right))):
            weights = [weight(settings, shares, frame, *side[k]) for side in (left, right) if k < len(side)]
            total += sum(weights)
            if len(weights) == 2:
                gained += sum(weights) * math.exp(-settings[2] * abs(left[k][0] - right[k][0]))
            else:
                gained -= weights[0]
    return gained / total if total else 0.0


def draw(source, longest):
    return [(source.randint(1, FRAMES), source.random() < 0.15) for _ in range(source.randint(0, longest))]


def change(source, stack):
    changed = list(stack)
    for _ in range(source.randint(0, 3)):
        at = source.randint(0, len(changed))
        if source.random() < 0.5 or at == len(changed):
            changed.insert(at, (source.randint(1, FRAMES), False))
        else:
            del changed[at]
    return changed[:64]


def text(stack):
    return " ".join(("~" if is_scanned else "") + str(frame) for frame, is_scanned in stack)


def main():
    source = random.Random(20221)
    print("# made by fast.py")
    for number in range(CASES):
        settings = (source.choice([0, 0.5, 1, 3]), source.choice([0, 0.05, 1, 30]), source.choice([0, 0.1, 2]))
        shares = [round(source.random() ** 3, 4) for _ in range(FRAMES)]
        first = draw(source, 64 if number % 5 == 0 else 12)
        second = change(source, first) if number % 2 else draw(source, 64 if number % 5 == 0 else 12)
        print("settings", *settings)
        print("shares", *shares)
        print("a", text(first))
        print("b", text(second))
        print(f"score {score(settings, shares, first, second):.6f}")


if __name__ == "__main__":
    main()
